package main

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/chaos/history"
)

// A round of each kind on each store that it differs on, all at once: they
// mostly wait.
func TestRounds(t *testing.T) {
	t.Parallel()
	var running sync.WaitGroup
	for _, test := range []struct {
		kind, store string
		seed        uint64
	}{
		{kindCrashes, storeDynoxide, 4},
		{kindCrashes, storeSQLite, 5},
		{kindHistories, storeDynoxide, 6},
		{kindHistories, storeSQLite, 7},
		{kindNamed, storeDynoxide, 8},
	} {
		s := setting{round: 4 * time.Second, kinds: []string{test.kind}, stores: []string{test.store}, dir: t.TempDir()}
		p := s.plan(test.seed)
		p.processes, p.goroutines, p.keys = 2, 3, []string{"k0", "k1", "d"} // for two processors, and the race detector
		p.acts = p.acts[:min(len(p.acts), 2)]
		running.Go(func() {
			r, err := s.one(p)
			if err != nil {
				t.Errorf("%v: %v", p, err)
			}
			if r.Tenures < 5 || r.Steps < 10 || r.Registers.Applied < 2 {
				t.Errorf("%v: only %d tenures, %d steps, %d updates", p, r.Tenures, r.Steps, r.Registers.Applied)
			}
		})
	}
	running.Wait()
}

func TestCommand(t *testing.T) {
	for _, args := range []string{"-kind=crash", "-store=etcd", "-seed=x", "-nothing"} {
		if err := command([]string{args}, &bytes.Buffer{}); err == nil {
			t.Errorf("%s is taken", args)
		}
	}
	var out strings.Builder
	if err := command([]string{"-seed=2", "-for=1ns", "-dir", t.TempDir()}, &out); err != nil || !strings.Contains(out.String(), "overlaps 0") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// A seed is a plan, and other seeds are other plans.
func TestPlan(t *testing.T) {
	seen := map[string]bool{}
	acts := map[string]int{}
	for seed := range uint64(50) {
		p := newPlan(seed, kindCrashes, storeDynoxide, 20*time.Second)
		text := p.String()
		if text != newPlan(seed, kindCrashes, storeDynoxide, 20*time.Second).String() {
			t.Errorf("seed %d has two plans", seed)
		}
		seen[text] = true
		for _, list := range p.acts {
			for i, a := range list {
				acts[a.do]++
				if end := a.at + a.lasts; end > p.lasts || i > 0 && a.at < list[i-1].at+list[i-1].lasts {
					t.Errorf("seed %d: %+v after %+v", seed, a, list[max(i-1, 0)])
				}
			}
		}
	}
	if len(seen) != 50 {
		t.Errorf("%d plans of 50 seeds", len(seen))
	}
	for _, do := range []string{doKill, doStop, doCut, doEngine} {
		if acts[do] < 20 {
			t.Errorf("%s %d times", do, acts[do])
		}
	}
}

func TestKeeper(t *testing.T) {
	read := 0
	k, err := newKeeper(func(string) { read++ })
	if err != nil {
		t.Fatal(err)
	}
	defer k.close()
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(name, token, id string) int {
		t.Helper()
		r, err := web.Post(k.url+"?name="+name+"&token="+token+"&id="+id, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		return r.StatusCode
	}
	for i, want := range []int{ask("a", "5", "x"), ask("a", "5", ""), ask("a", "6", ""), ask("a/bare", "5", "y"), ask("a/bare", "4", "z")} {
		if want != http.StatusOK {
			t.Errorf("request %d: %d", i, want)
		}
	}
	// A read with a higher token is enough to keep the former holder out.
	if got := ask("a", "5", "late"); got != http.StatusConflict {
		t.Errorf("a late update: %d", got)
	}
	if got := ask("a", "", "x"); got != http.StatusBadRequest {
		t.Errorf("no token: %d", got)
	}
	if last := k.last(); last["a"] != "x" || last["a/bare"] != "z" || read != 2 {
		t.Errorf("%v, %d reads", last, read)
	}
}

// Each fault does to a request what its name says.
func TestProxy(t *testing.T) {
	for name, want := range map[string]struct {
		done   int64 // by the engine
		status int   // 0: the connection breaks
	}{
		"":            {1, 200},
		faultSlow:     {1, 200},
		faultCut:      {0, 0},
		faultLost:     {1, 0},
		faultTorn:     {1, 0},
		faultHole:     {0, 0},
		faultLate:     {1, 0},
		faultTwice:    {2, 200},
		faultFailed:   {1, 500},
		faultRefused:  {0, 500},
		faultThrottle: {0, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var done atomic.Int64
			engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				done.Add(1)
				_, _ = w.Write(bytes.Repeat([]byte("x"), 100))
			}))
			defer engine.Close()
			p := testProxy(t, engine.URL)
			status := send(t, p, fault{name, 10 * time.Millisecond})
			p.behind.Wait()
			if done.Load() != want.done || status != want.status {
				t.Errorf("carried out %d times, status %d; want %+v", done.Load(), status, want)
			}
		})
	}
}

func testProxy(t *testing.T, target string) *proxy {
	t.Helper()
	p, err := newProxy(1, 0, target, func(history.Event) {}, func(moment) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

// send sends a request through a proxy that makes that fault of it.
func send(t *testing.T, p *proxy, f fault) (status int) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.respond(w, f.meet(p, r, nil))
	}))
	defer server.Close()
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	r, err := web.Get(server.URL)
	if err != nil {
		return 0
	}
	defer r.Body.Close()
	if _, err := new(bytes.Buffer).ReadFrom(r.Body); err != nil {
		return 0
	}
	return r.StatusCode
}

// A cut swallows what is under way, and heals.
func TestProxyCut(t *testing.T) {
	var done atomic.Int64
	engine := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { done.Add(1) }))
	defer engine.Close()
	p := testProxy(t, engine.URL)
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	get := func() error {
		r, err := web.Get(p.url)
		if err == nil {
			_ = r.Body.Close()
		}
		return err
	}
	if err := get(); err != nil {
		t.Fatal(err)
	}
	p.isolate()
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if err := get(); err == nil {
			t.Error("a request came through the cut")
		}
	})
	time.Sleep(50 * time.Millisecond) // real time: it is swallowed by then, or refused at once
	p.heal()
	waiting.Wait()
	if err := get(); err != nil || done.Load() != 2 {
		t.Errorf("%v; %d requests arrived", err, done.Load())
	}
	p.to("")
	if err := get(); err == nil {
		t.Error("an engine that is down answers")
	}
}

// Only what may be repeated is, and faults come as often as they should.
func TestDraw(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	met := map[string]int{}
	for range 10000 {
		met[draw(rng, 0.5, true).name]++
		if f := draw(rng, 1, false); f.name == faultTwice {
			t.Fatal("an update of a register comes twice")
		}
	}
	for _, name := range faults {
		if met[name] < 400 || met[name] > 600 {
			t.Errorf("%s %d times", name, met[name])
		}
	}
	if met[""] < 4500 {
		t.Errorf("%d without a fault", met[""])
	}
}
