package wiretest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/wiretest"
)

// A target is a server that counts what reaches it.
type target struct {
	t     *testing.T
	url   string
	wire  *wiretest.Wire
	count atomic.Int32
}

func newTarget(t *testing.T) *target {
	x := &target{t: t}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		x.count.Add(1)
		_, _ = io.WriteString(w, `{"ConsumedCapacity":{}}`)
	}))
	t.Cleanup(server.Close)
	x.url, x.wire = server.URL, wiretest.New(t)
	return x
}

const renewal = `{"UpdateExpression":"SET #se = :0, #le = :1","ExpressionAttributeNames":{"#se":"seq","#le":"lease","#ow":"owner"}}`

// send gives the status, or 0, and whether the whole answer could be read.
func (x *target) send(ctx context.Context, op, body string) (status int, whole bool) {
	x.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, x.url, strings.NewReader(body))
	if err != nil {
		x.t.Fatal(err)
	}
	request.Header.Set("X-Amz-Target", "DynamoDB_20120810."+op)
	response, err := x.wire.RoundTrip(request)
	if err != nil {
		return 0, false
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, err == nil && strings.HasSuffix(string(answer), "}")
}

func TestFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		fault   wiretest.Fault
		status  int
		whole   bool
		reaches int32
	}{
		"apply and cut": {wiretest.ApplyCut, 0, false, 1},
		"apply and 500": {wiretest.Apply500, 500, true, 1},
		"garble":        {wiretest.Garble, 200, false, 1},
		"cut":           {wiretest.Cut, 0, false, 0},
		"black hole":    {wiretest.BlackHole, 0, false, 0},
		"throttle":      {wiretest.Throttle, 400, true, 0},
		"deny":          {wiretest.Deny, 400, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTarget(t)
			rule := x.wire.On(1, tt.fault, wiretest.Renew)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if name == "black hole" {
				cancel()
			}
			if status, _ := x.send(t.Context(), "GetItem", "{}"); status != 200 {
				t.Errorf("another step meets the fault: %d", status)
			}
			if status, whole := x.send(ctx, "UpdateItem", renewal); status != tt.status || whole != tt.whole {
				t.Errorf("status %d, whole %v", status, whole)
			}
			if reached := x.count.Load() - 1; reached != tt.reaches || rule.Met() != 1 {
				t.Errorf("%d reached the server, the rule was met %d times", reached, rule.Met())
			}
			if status, _ := x.send(t.Context(), "UpdateItem", renewal); status != 200 {
				t.Errorf("the fault does not end: %d", status)
			}
			if got := x.wire.Steps(); !slices.Equal(got, []string{"get", "renew", "renew"}) || x.wire.Count() != 0 {
				t.Errorf("log %q", got)
			}
		})
	}
}

func TestHeldUntilTheGateOpens(t *testing.T) {
	x, gate := newTarget(t), wiretest.NewGate()
	x.wire.On(2, wiretest.Hold(gate))
	gone, leave := context.WithCancel(t.Context())
	go func() { <-gate.Arrived(); leave() }()
	if status, _ := x.send(gone, "GetItem", "{}"); status != 0 || x.count.Load() != 1 {
		t.Errorf("status %d, %d reached the server", status, x.count.Load())
	}
	gate.Open()
	if status, whole := x.send(t.Context(), "GetItem", "{}"); status != 200 || !whole {
		t.Errorf("status %d", status)
	}
}

func TestLateReachesTheServerAfterTheClientLeft(t *testing.T) {
	x, gate := newTarget(t), wiretest.NewGate()
	x.wire.On(1, wiretest.Late(gate))
	gone, leave := context.WithCancel(t.Context())
	go func() { <-gate.Arrived(); leave() }()
	if status, _ := x.send(gone, "GetItem", "{}"); status != 0 || x.count.Load() != 0 {
		t.Errorf("status %d, %d reached the server", status, x.count.Load())
	}
	gate.Open()
	gate.Open()
	<-gate.Delivered()
	if gate.Status() != 200 || x.count.Load() != 1 {
		t.Errorf("status %d, %d reached the server", gate.Status(), x.count.Load())
	}
}

func TestHealResetsWhatIsSwallowed(t *testing.T) {
	x := newTarget(t)
	x.wire.On(0, wiretest.BlackHole)
	ended := make(chan int)
	go func() {
		status, _ := x.send(t.Context(), "GetItem", "{}")
		ended <- status
	}()
	for x.wire.Count() == 0 {
		time.Sleep(time.Millisecond) // real time: until the request is on its way
	}
	x.wire.Heal()
	if status := <-ended; status != 0 {
		t.Error(status)
	}
	if status, _ := x.send(t.Context(), "GetItem", "{}"); status != 200 {
		t.Error(status)
	}
}

func TestSteps(t *testing.T) {
	x := newTarget(t)
	for _, set := range []string{
		"owner,nonce,lease,isReleased", "isReleased,lease,last", "nonce,ended,lease", "seq,lease", "seq,data", "seq",
		"owner,nonce,isReleased,held,queue", "seq,session,expires", "queue",
	} {
		names, refs := []string{`"#pk":"key"`}, []string{}
		for name := range strings.SplitSeq(set, ",") {
			names = append(names, `"#x`+name+`":"`+name+`"`)
			refs = append(refs, "#x"+name+" = :0")
		}
		x.send(t.Context(), "UpdateItem", `{"UpdateExpression":"SET `+strings.Join(refs, ", ")+
			`","ExpressionAttributeNames":{`+strings.Join(names, ",")+`}}`)
	}
	x.send(t.Context(), "UpdateItem", `{"UpdateExpression":"SET #qu = list_append(#qu, :0)","ExpressionAttributeNames":{"#qu":"queue"}}`)
	x.send(t.Context(), "DeleteItem", `{"Key":{"key":{"S":"dynalock:session:1"}}}`)
	x.send(t.Context(), "Scan", `{"Key":{"key":{"S":"k"}},"X":{"S":"dynalock:session:1"}}`)
	for i, r := range x.wire.Log() {
		if r.OfSession != (r.Op == "DeleteItem") {
			t.Errorf("request %d: %+v", i, r)
		}
	}
	want := []string{"acquire", "release", "release", "renew", "update", "UpdateItem", "release", "move", "leave", "join", "release", "Scan"}
	if got := x.wire.Steps(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
