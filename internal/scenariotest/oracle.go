package scenariotest

import (
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// An oracle watches that no two tenures of a lock are believed at once.
type oracle struct {
	t       *testing.T
	mu      sync.Mutex
	handles map[string][]watched // by key
}

type watched struct {
	m *machine
	l *dynalock.Lock
}

// believed reports whether the handle says that it holds. A machine that
// stands still says nothing.
func (h watched) believed() bool { return !h.m.paused() && h.l.Held() }

// watch makes the oracle judge a handle, from now on.
func (o *oracle) watch(m *machine, l *dynalock.Lock) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.handles == nil {
		o.handles = map[string][]watched{}
	}
	o.handles[l.Key()] = append(o.handles[l.Key()], watched{m, l})
	o.judge(l.Key())
}

func (o *oracle) check() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for key := range o.handles {
		o.judge(key)
	}
}

// judge needs o.mu. A belief never comes back, so handles that have ended are
// forgotten, and of two that are asked one after the other the first is asked
// again: if it still holds, it held while the second said so.
func (o *oracle) judge(key string) {
	kept := o.handles[key][:0]
	var first watched
	for _, h := range o.handles[key] {
		if !h.m.paused() && !h.l.Held() {
			continue
		}
		kept = append(kept, h)
		switch {
		case h.m.paused():
		case first.l == nil:
			first = h
		case h.l.Token() != first.l.Token() && h.believed() && first.believed() && !o.t.Failed():
			o.t.Errorf("%v: two believe: %v and %v", time.Now().Format("15:04:05.000"), first.l, h.l)
		}
	}
	o.handles[key] = kept
}
