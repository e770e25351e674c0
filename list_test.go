package dynalock_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// list gives what Locks gives, by key; no key may come twice.
func list(t *testing.T, c *dynalock.Client, opts ...dynalock.ListOption) map[string]dynalock.LockInfo {
	t.Helper()
	got := map[string]dynalock.LockInfo{}
	for info, err := range c.Locks(bg, opts...) {
		must(t, err)
		if _, twice := got[info.Key]; twice {
			t.Errorf("%q came twice", info.Key)
		}
		got[info.Key] = info
	}
	return got
}

func keysOf(m map[string]dynalock.LockInfo) string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return fmt.Sprint(keys)
}

// Every kind of lock comes with its state, and the filters leave out what is
// not asked for.
func TestLocks(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.machine("web-1"), w.machine("web-10")
		a.take("x/held", dynalock.WithData([]byte("data")), dynalock.WithLease(time.Hour), dynalock.DeleteOnRelease())
		b.take("x/for ever", dynalock.WithoutLease())
		b.take("y/lapsed", dynalock.WithLease(time.Second))
		must(t, a.take("y/released").Release(bg))
		w.table.Put("old", &lockstore.Record{Owner: "before", Since: time.Now()})
		w.table.Put("dynalock:session", &lockstore.Record{Owner: "nobody's"})
		time.Sleep(time.Minute)
		c := w.machine("c")
		for _, f := range []struct {
			opts []dynalock.ListOption
			want string
		}{
			{nil, "[old x/for ever x/held y/lapsed]"},
			{[]dynalock.ListOption{dynalock.WithReleased()}, "[old x/for ever x/held y/lapsed y/released]"},
			{[]dynalock.ListOption{dynalock.WithKeyPrefix("x/")}, "[x/for ever x/held]"},
			{[]dynalock.ListOption{dynalock.WithKeyPrefix("y/"), dynalock.WithReleased()}, "[y/lapsed y/released]"},
			{[]dynalock.ListOption{dynalock.WithOwner("web-1")}, "[x/held]"},
			{[]dynalock.ListOption{dynalock.WithOwner("web-1"), dynalock.WithReleased()}, "[x/held y/released]"},
			{[]dynalock.ListOption{dynalock.WithOwner("web-10"), dynalock.WithKeyPrefix("y")}, "[y/lapsed]"},
			{[]dynalock.ListOption{dynalock.WithOwner("web")}, "[]"},
			{[]dynalock.ListOption{dynalock.WithKeyPrefix("dynalock:")}, "[]"},
		} {
			if got := keysOf(list(t, c.Client, f.opts...)); got != f.want {
				t.Errorf("%v, want %v", got, f.want)
			}
		}
		all := list(t, c.Client, dynalock.WithReleased())
		for key, state := range map[string]dynalock.State{
			"x/held": dynalock.StateHeld, "x/for ever": dynalock.StateHeld, "old": dynalock.StateHeld,
			"y/lapsed": dynalock.StateLapsed, "y/released": dynalock.StateReleased,
		} {
			one, err := c.GetLock(bg, key)
			must(t, err)
			if got := all[key]; got.State != state || one.State != state || got.Owner != one.Owner || got.Token != one.Token || got.Key != key {
				t.Errorf("%q: %+v and, read alone, %+v", key, got, one)
			}
		}
		held := all["x/held"]
		if string(held.Data) != "data" || held.Lease != time.Hour || !held.DeleteOnRelease || held.Token == 0 || held.Owner != "web-1" ||
			time.Until(held.Expires) > time.Hour || time.Since(held.Since) != time.Minute || held.DataErr != nil || held.Waiters != 0 {
			t.Errorf("%+v", held)
		}
		if r := all["y/released"]; !r.Expires.IsZero() || r.Lease != 0 {
			t.Errorf("a released lock has no lease: %v %v", r.Expires, r.Lease)
		}
	})
}

// Without the store's time one look says nothing about a lease; looking again
// a lease later does.
func TestStateByObservation(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.machine("a").take("k", dynalock.WithLease(10*time.Second))
		time.Sleep(time.Hour)
		b := w.machine("b", dynalock.ObserveOnly())
		for i, want := range []dynalock.State{dynalock.StateUnknown, dynalock.StateUnknown, dynalock.StateLapsed} {
			info, err := b.GetLock(bg, "k")
			must(t, err)
			if info.State != want {
				t.Errorf("look %d: %q, want %q", i, info.State, want)
			}
			time.Sleep(6 * time.Second)
		}
	})
}

// Pages are read as they are consumed, no sooner, and none after a break.
func TestLocksArePagedLazily(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		for i := range 25 {
			a.take(fmt.Sprintf("k%02d", i))
		}
		seq := a.Locks(bg)
		a.net.Reset()
		n := 0
		for _, err := range seq {
			must(t, err)
			n++
			if scans := a.net.Requests().Scans; scans != (n+9)/10 {
				t.Fatalf("%d pages for %d locks", scans, n)
			}
			if n == 15 {
				break
			}
		}
		if got := a.net.Requests(); got.Scans != 2 || got.Total() != 2 {
			t.Errorf("%+v", got)
		}
		if n := len(list(t, a.Client)); n != 25 {
			t.Errorf("%d locks", n)
		}
	}, memstore.WithPageSize(10))
}

// An error comes once, as the last pair, after what had been read.
func TestLocksEndWithAnError(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		for i := range 25 {
			a.take(fmt.Sprintf("k%02d", i))
		}
		ctx, cancel := context.WithCancelCause(bg)
		for name, c := range map[string]struct {
			ctx  context.Context
			fail func()
			want error
		}{
			"denied":    {bg, func() { a.net.Down(faultstore.Deny()) }, dynalock.ErrAccessDenied},
			"cancelled": {ctx, func() { cancel(errWhy) }, context.Canceled},
		} {
			good, bad := 0, 0
			for info, err := range a.Locks(c.ctx) {
				switch {
				case bad > 0:
					t.Errorf("%s: something came after the error", name)
				case err != nil:
					bad++
					matchesOnly(t, name, err, c.want)
					if info.Key != "" || info.Token != 0 {
						t.Errorf("%s: %+v beside the error", name, info)
					}
				default:
					if good++; good == 5 {
						c.fail()
					}
				}
			}
			if good != 10 || bad != 1 {
				t.Errorf("%s: %d locks, %d errors", name, good, bad)
			}
			a.net.Up()
		}
		for range a.Locks(ctx) {
			break // on the error itself
		}
	}, memstore.WithPageSize(10))
}

// One page that fails for a moment is asked for again, and nothing comes twice.
func TestLocksGoOnAfterAFailure(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		for i := range 25 {
			a.take(fmt.Sprintf("k%02d", i))
		}
		for _, fault := range []faultstore.Fault{faultstore.Throttle(), faultstore.ApplyCut(), faultstore.Hold(6 * time.Second)} {
			a.net.On(faultstore.Match{Op: faultstore.OpScan, Skip: 1, Times: 1}, fault)
			if n := len(list(t, a.Client)); n != 25 {
				t.Errorf("%v: %d locks", fault, n)
			}
		}
	}, memstore.WithPageSize(10))
}

// malformedStore has items that something else wrote.
type malformedStore struct{ lockstore.Store }

var errItem = &lockstore.Error{Kind: lockstore.ErrMalformed, Op: "Scan", Err: errors.New("owner is a list")}

func (s malformedStore) Scan(ctx context.Context, q lockstore.Query) (lockstore.Page, error) {
	page, err := s.Store.Scan(ctx, q)
	page.Items = append(page.Items, lockstore.Item{Key: "bad", Err: errItem}, lockstore.Item{Key: "dynalock:bad", Err: errItem},
		lockstore.Item{Key: "bad data", Record: &lockstore.Record{Owner: "a", Nonce: "n", Token: 5, DataErr: errItem}})
	return page, err
}

// A lock that cannot be read does not hide the others, nor itself.
func TestLocksMalformed(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.machine("a").take("good")
		c := dynalock.New(malformedStore{w.table})
		defer c.Close(bg)
		all := list(t, c)
		if got := keysOf(all); got != "[bad bad data good]" {
			t.Error(got)
		}
		for _, key := range []string{"bad", "bad data"} {
			if info := all[key]; !errors.Is(info.DataErr, dynalock.ErrMalformed) || info.Data != nil {
				t.Errorf("%+v", info)
			}
		}
		if bad := all["bad"]; bad.State != dynalock.StateUnknown || bad.Owner != "" {
			t.Errorf("%+v", bad)
		}
		if bad := all["bad data"]; bad.Owner != "a" || bad.Token != 5 {
			t.Errorf("%+v", bad)
		}
		if got := keysOf(list(t, c, dynalock.WithOwner("a"))); got != "[bad data good]" {
			t.Error("by owner:", got)
		}
	})
}

// The same iterator can be used again: it reads again.
func TestLocksTwice(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		seq := a.Locks(bg)
		for n := range 3 {
			count := 0
			for range seq {
				count++
			}
			if count != n {
				t.Errorf("%d locks, want %d", count, n)
			}
			a.take(fmt.Sprint(n))
		}
	})
}
