package wiretest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Wire passes requests on, save for those that a rule is for. It may be used
// by one client only, since its log is that client's.
type Wire struct {
	base http.Transport

	mu    sync.Mutex
	rules []*Rule
	log   []Request
	sent  int
	heal  chan struct{} // closed by Heal, which makes another

	life   context.Context // of what is delivered late
	end    context.CancelFunc
	behind sync.WaitGroup
}

// A Rule makes a fault of some requests.
type Rule struct {
	wire  *Wire
	what  []string
	left  int // how often it still applies; below 0: until Off
	met   int
	fault Fault
}

// New gives a wire whose connections end with the test.
func New(t testing.TB) *Wire {
	w := &Wire{heal: make(chan struct{})}
	w.base.MaxIdleConnsPerHost = 8
	w.life, w.end = context.WithCancel(context.Background())
	t.Cleanup(func() {
		w.Heal()
		w.end()
		w.behind.Wait()
		w.base.CloseIdleConnections()
	})
	return w
}

// On makes a fault of the next requests of those steps or operations; of all,
// where none is named. times 0: until [Rule.Off] or [Wire.Heal]. Of several
// rules for one request the first counts.
func (w *Wire) On(times int, fault Fault, what ...string) *Rule {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &Rule{wire: w, what: what, left: times, fault: fault}
	if times == 0 {
		r.left = -1
	}
	w.rules = append(w.rules, r)
	return r
}

// Off ends the rule.
func (r *Rule) Off() {
	r.wire.mu.Lock()
	defer r.wire.mu.Unlock()
	r.left = 0
}

// Met is how many requests the rule has been applied to.
func (r *Rule) Met() int {
	r.wire.mu.Lock()
	defer r.wire.mu.Unlock()
	return r.met
}

// Suspend lets everything pass until the function that it gives is called.
func (w *Wire) Suspend() (resume func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rules := w.rules
	w.rules = nil
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.rules = append(rules, w.rules...)
	}
}

// Heal ends all rules, and resets the connections of what is swallowed at
// present, as a network does that comes back.
func (w *Wire) Heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rules = nil
	close(w.heal)
	w.heal = make(chan struct{})
}

// RoundTrip implements http.RoundTripper.
func (w *Wire) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	if err := request.Body.Close(); err != nil {
		return nil, err
	}
	c := &Call{Request: newRequest(request, body), wire: w, request: request, body: body}
	if fault := w.note(c); fault != nil {
		return fault(c)
	}
	return c.pass(request.Context())
}

// note logs the request and finds the fault that it is to meet.
func (w *Wire) note(c *Call) Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.healed = w.heal
	if strings.HasSuffix(c.Op, "Item") || c.Op == "Scan" {
		w.sent++
	}
	for _, r := range w.rules {
		if r.left != 0 && c.is(r.what) {
			r.left = max(r.left-1, -1)
			r.met++
			c.Faulty = true
			w.log = append(w.log, c.Request)
			return r.fault
		}
	}
	w.log = append(w.log, c.Request)
	return nil
}

// Log gives the requests of those steps or operations, in the order in which
// they were made; all, where none is named.
func (w *Wire) Log(what ...string) []Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	var log []Request
	for _, r := range w.log {
		if r.is(what) {
			log = append(log, r)
		}
	}
	return log
}

// Count is how many there are in the log.
func (w *Wire) Count(what ...string) int { return len(w.Log(what...)) }

// Steps are the steps of the requests since the last call of Steps or Forget.
func (w *Wire) Steps() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var steps []string
	for _, r := range w.log {
		steps = append(steps, r.Step)
	}
	w.log = nil
	return steps
}

// Forget empties the log.
func (w *Wire) Forget() { _ = w.Steps() }

// Sent is how many requests for items there were, also forgotten ones.
func (w *Wire) Sent() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

// A Call is a request on its way.
type Call struct {
	Request
	wire    *Wire
	request *http.Request
	body    []byte
	healed  <-chan struct{}
}

func (c *Call) pass(ctx context.Context) (*http.Response, error) {
	request := c.request.Clone(ctx)
	request.Body = io.NopCloser(bytes.NewReader(c.body))
	return c.wire.base.RoundTrip(request)
}

// carryOut lets the engine do its work, whether or not the client still waits.
func (c *Call) carryOut() (*http.Response, error) {
	response, err := c.pass(c.wire.life)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(answer))
	return response, err
}

// A Request is an entry of the log.
type Request struct {
	Op     string // such as UpdateItem
	Step   string // what it is for: see step
	At     time.Time
	Faulty bool // a rule was applied to it
	// OfSession: it is for the record of a client's session, not for a lock.
	OfSession bool
}

func newRequest(request *http.Request, body []byte) Request {
	op := operation(request)
	return Request{Op: op, Step: step(op, body), At: time.Now(), OfSession: ofSession(body)}
}

func (r Request) is(what []string) bool {
	return len(what) == 0 || slices.Contains(what, r.Op) || slices.Contains(what, r.Step)
}
