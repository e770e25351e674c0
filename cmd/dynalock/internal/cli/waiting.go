package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/kmdeveloping/dynalock"
)

// A waitNote tells, once, that an acquire waits and for whom. On a terminal it
// is a line that counts up until the wait is over.
type waitNote struct {
	a    *app
	once sync.Once
	over chan struct{}
	gone sync.WaitGroup
}

func (a *app) newWaitNote() *waitNote { return &waitNote{a: a, over: make(chan struct{})} }

// observe is for dynalock.WithObserver.
func (n *waitNote) observe(_ context.Context, e dynalock.Event) {
	if e.Kind != dynalock.EventWaiting {
		return
	}
	n.once.Do(func() {
		text := "waiting for lock " + strconv.Quote(e.Key)
		var held *dynalock.HeldError
		if errors.As(e.Err, &held) {
			text += ", which" + holderText(held)
		} else if e.Err != nil {
			text += ", trying again after: " + message(e.Err)
		}
		n.a.say("%s", text)
		if held != nil {
			fmt.Fprintln(n.a.Stderr, "To end that tenure, whoever holds it: "+n.a.forceCommand(held.Key, held.Token))
		}
		if isTerminal(n.a.Stderr) {
			n.gone.Go(n.count)
		}
	})
}

// count writes the time over itself. Whether the terminal can is not asked:
// carriage return is older than terminfo.
func (n *waitNote) count() {
	began := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			fmt.Fprintf(n.a.Stderr, "\rdynalock: waiting for %s ", short(time.Since(began).Round(time.Second)))
		case <-n.over:
			fmt.Fprint(n.a.Stderr, "\r\x1b[K")
			return
		}
	}
}

// end takes the counting line away.
func (n *waitNote) end() {
	n.once.Do(func() {}) // whatever comes now is too late
	close(n.over)
	n.gone.Wait()
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
