package dynalocktest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
)

// A fake stands for the t of a test that is wrong.
type fake struct {
	testing.TB
	said     []string
	cleanups []func()
}

func (f *fake) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	runtime.Goexit()
}
func (f *fake) Errorf(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}
func (f *fake) Failed() bool     { return len(f.said) > 0 }
func (f *fake) Cleanup(c func()) { f.cleanups = append(f.cleanups, c) }

// said runs a wrong test to its end and gives what it was told.
func said(t *testing.T, wrong func(testing.TB)) string {
	f := &fake{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		wrong(f)
	}()
	<-done
	for i := len(f.cleanups) - 1; i >= 0; i-- {
		f.cleanups[i]()
	}
	return strings.Join(f.said, "\n")
}

// What is used wrongly says what to do.
func TestMisuse(t *testing.T) {
	use := func(f func(*dynalocktest.Table)) func(testing.TB) {
		return func(t testing.TB) {
			b := dynalocktest.New(t)
			b.Hold("held", "a")
			f(b)
		}
	}
	for want, wrong := range map[string]func(testing.TB){
		`TakeOver: nobody holds "free" (held are ["held"]). Has the program taken it yet?`: use(func(b *dynalocktest.Table) { b.TakeOver("free", "b") }),
		`Force: nobody holds "free"`:                          use(func(b *dynalocktest.Table) { b.Force("free", "op") }),
		`Release: nobody holds "free"`:                        use(func(b *dynalocktest.Table) { b.Release("free") }),
		`Expire: nobody holds "free"`:                         use(func(b *dynalocktest.Table) { b.Expire("free") }),
		`Wait: nobody holds "free"`:                           use(func(b *dynalocktest.Table) { b.Wait("free", "b", 0) }),
		`Remove: there is nothing under "free"`:               use(func(b *dynalocktest.Table) { b.Remove("free") }),
		`TakeOver: the owner name is empty; to free the lock`: use(func(b *dynalocktest.Table) { b.TakeOver("held", "") }),
		`Force: the owner name "": invalid option`:            use(func(b *dynalocktest.Table) { b.Force("held", "") }),
		`Wait: the owner name "": invalid option`:             use(func(b *dynalocktest.Table) { b.Wait("held", "", 0) }),
		`Hold: the owner name "": invalid option`:             use(func(b *dynalocktest.Table) { b.Hold("free", "") }),
		`Hold: lock "held" is held by "a"`:                    use(func(b *dynalocktest.Table) { b.Hold("held", "b") }),
		`Hold: invalid key`:                                   use(func(b *dynalocktest.Table) { b.Hold("", "b") }),
		`Expire: "for ever" has no lease`: use(func(b *dynalocktest.Table) {
			b.Hold("for ever", "a", dynalock.WithoutLease())
			b.Expire("for ever")
		}),
		`Expire: "taken" has no lease`: use(func(b *dynalocktest.Table) {
			b.Hold("taken", "a")
			b.TakeOver("taken", "b")
			b.Expire("taken")
		}),
		`Only: not a client of this table; make it with table.Client`: use(func(b *dynalocktest.Table) { b.Only(dynalocktest.NewClient(t)) }),
		`Slow(-1s): the time is negative`:                             use(func(b *dynalocktest.Table) { b.Slow(-time.Second) }),
		`Fail: no store fails with lock is held`:                      use(func(b *dynalocktest.Table) { b.Fail(dynalock.ErrHeld) }),
		`FailReads: no store fails with <nil>`:                        use(func(b *dynalocktest.Table) { b.FailReads(1, nil) }),
		`FailWrites: no store fails with lock was lost`:               use(func(b *dynalocktest.Table) { b.FailWrites(1, dynalock.ErrLost) }),
		`FailWrites: the number of requests, 0, is not positive`:      use(func(b *dynalocktest.Table) { b.FailWrites(0, dynalock.ErrThrottled) }),
		`LoseAnswers: the number of requests, -1, is not positive`:    use(func(b *dynalocktest.Table) { b.LoseAnswers(-1) }),
		`FailWrites: only 1 of 3 requests came; ask for fewer`: use(func(b *dynalocktest.Table) {
			c := b.Client()
			b.FailWrites(3, dynalock.ErrAccessDenied)
			_, _ = c.AcquireLock(t.Context(), "k")
		}),
		`FailReads: only 0 of 1 requests came`: use(func(b *dynalocktest.Table) {
			b.Only(b.Client()).FailReads(1, dynalock.ErrAccessDenied)
		}),
	} {
		if got := said(t, wrong); !strings.HasPrefix(got, "dynalocktest: "+want) || strings.Contains(got, "\n") {
			t.Errorf("it says %q, want %q ...", got, want)
		}
	}
}

// More than stand in the queue cannot be put there.
func TestMisuseFullQueue(t *testing.T) {
	got := said(t, func(t testing.TB) {
		table := dynalocktest.New(t)
		table.Hold("k", "a")
		for i := range 9 {
			table.Wait("k", fmt.Sprint("waiter ", i), 0)
		}
	})
	if got != `dynalocktest: Wait: 8 wait for "k" already, more do not stand in the queue` {
		t.Errorf("%q", got)
	}
}

// A table of the real clock does not serve in a bubble.
func TestMisuseOutsideBubble(t *testing.T) {
	got := said(t, func(f testing.TB) {
		table := dynalocktest.New(f)
		synctest.Test(t, func(*testing.T) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				table.Client()
			}()
			<-done
		})
	})
	if !strings.HasPrefix(got, "dynalocktest: Client: the table was made outside of this synctest bubble") {
		t.Errorf("%q", got)
	}
}

// Nor does a client of the real clock.
func TestMisuseClientOutsideBubble(t *testing.T) {
	client := dynalocktest.NewClient(t)
	synctest.Test(t, func(t *testing.T) {
		if _, err := client.AcquireLock(t.Context(), "k"); err == nil || !strings.Contains(err.Error(), "made outside of this synctest bubble") {
			t.Error(err)
		}
	})
}
