package main

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock/chaos/history"
)

// A proxy is one process's way to the engine. It knows requests apart, so that
// it can lose the answer of one that was carried out, or deliver it later; a
// proxy of connections could only guess.
type proxy struct {
	url    string
	server *http.Server
	base   *http.Transport
	life   context.Context // of requests: they go on when their sender has given up
	end    context.CancelFunc
	behind sync.WaitGroup

	mu      sync.Mutex
	rng     *rand.Rand
	share   float64 // of requests that meet a fault
	target  string  // URL of the engine; empty: it is down
	process string  // whose it is at present
	cut     chan struct{}
	note    func(history.Event)
	hook    func(moment) // where a request is
}

// A moment is where a request is when somebody may want to stop its sender.
type moment int

const (
	atAny     moment = iota
	atArrival        // of a request, before it is carried out
	atAnswer         // it has been carried out, and its sender does not know
	atRead           // a register has been read
)

func newProxy(seed uint64, share float64, target string, note func(history.Event), hook func(moment)) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{
		url: "http://" + l.Addr().String(), base: &http.Transport{MaxIdleConnsPerHost: 16},
		rng: rand.New(rand.NewPCG(seed, 1)), share: share, target: target, note: note, hook: hook,
	}
	p.life, p.end = context.WithCancel(context.Background())
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	go func() { _ = p.server.Serve(l) }() // until close
	return p, nil
}

func (p *proxy) close() {
	_ = p.server.Close()
	p.end()
	p.heal()
	p.behind.Wait()
	p.base.CloseIdleConnections()
}

// of says whose the proxy is.
func (p *proxy) of(process string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.process = process
}

// to says where the engine is; empty: it is down, and its port may be somebody
// else's.
func (p *proxy) to(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// isolate cuts the network: requests that arrive, and answers under way, are
// swallowed until heal.
func (p *proxy) isolate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut == nil {
		p.cut = make(chan struct{})
	}
}

func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut != nil {
		close(p.cut)
		p.cut = nil
	}
}

// ServeHTTP carries a request to the engine, through what befalls it.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	p.mu.Lock()
	process := p.process
	// A register's update must not come twice: see once.
	f := draw(p.rng, p.share, bytes.Contains(body, []byte(`"TableName":"locks`)))
	p.mu.Unlock()
	p.swallow(r.Context())
	p.hook(atArrival)
	if f.name != "" {
		now := history.Now()
		p.note(history.Event{Kind: history.Faulty, Process: process, Op: f.name, From: now, At: now + int64(f.takes)})
	}
	answer := f.meet(p, r, body)
	p.hook(atAnswer)
	if isRead(r, body) {
		p.hook(atRead)
	}
	p.swallow(r.Context())
	p.respond(w, answer)
}

// respond passes an answer on; none closes the connection.
func (p *proxy) respond(w http.ResponseWriter, answer *answer) {
	if answer == nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range answer.header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body)
	if answer.torn {
		panic(http.ErrAbortHandler)
	}
}

// swallow waits while the network is cut; a request whose sender gives up
// meanwhile is gone.
func (p *proxy) swallow(ctx context.Context) {
	p.mu.Lock()
	cut := p.cut
	p.mu.Unlock()
	if cut == nil {
		return
	}
	select {
	case <-cut:
	case <-ctx.Done():
	}
	panic(http.ErrAbortHandler) // a network that comes back does not bring back what was lost
}

// isRead reports a read of a register: of a table that is not the locks'.
func isRead(r *http.Request, body []byte) bool {
	target := r.Header.Get("X-Amz-Target")
	return bytes.Contains(body, []byte(`"TableName":"items`)) && (strings.HasSuffix(target, ".GetItem") || bytes.Contains(body, []byte("ALL_NEW")))
}

// An answer is the engine's, or one that is made up.
type answer struct {
	status int
	header http.Header
	body   []byte
	torn   bool // only half of it arrives
}

// carry lets the engine do its work; nil: it could not be reached.
func (p *proxy) carry(r *http.Request, body []byte) *answer {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	if target == "" {
		return nil
	}
	request, err := http.NewRequestWithContext(p.life, r.Method, target+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil
	}
	request.Header = r.Header.Clone()
	began := time.Now()
	response, err := p.base.RoundTrip(request)
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	a := &answer{status: response.StatusCode, header: response.Header.Clone()}
	if a.body, err = io.ReadAll(response.Body); err != nil {
		return nil
	}
	if took := time.Since(began); took > slow {
		p.noteSlow(took)
	}
	return a
}

// slow is what an answer of the engine may take on a machine that is not too
// busy.
const slow = 200 * time.Millisecond

func (p *proxy) noteSlow(took time.Duration) {
	p.mu.Lock()
	process := p.process
	p.mu.Unlock()
	now := history.Now()
	p.note(history.Event{Kind: history.Faulty, Process: process, Op: "slow engine", From: now - int64(took), At: now})
}
