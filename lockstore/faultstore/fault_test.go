package faultstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// What an answer says and what the store did, for the faults that answer at
// once.
func TestImmediateFaults(t *testing.T) {
	for _, tt := range []struct {
		fault   faultstore.Fault
		kind    error
		unknown bool
		applied bool
	}{
		{faultstore.ApplyCut(), lockstore.ErrUnavailable, true, true},
		{faultstore.Apply500(), lockstore.ErrUnavailable, true, true},
		{faultstore.Refuse500(), lockstore.ErrUnavailable, true, false},
		{faultstore.Refuse(), lockstore.ErrUnavailable, false, false},
		{faultstore.Throttle(), lockstore.ErrThrottled, false, false},
		{faultstore.Deny(), lockstore.ErrAccessDenied, false, false},
	} {
		t.Run(tt.fault.String(), func(t *testing.T) {
			bubble(t, func(r rig) {
				rule := r.fs.On(once, tt.fault)
				res, err := r.write(acquire("n"))
				r.wantErr(err, tt.kind, faultstore.ErrInjected, tt.unknown)
				if res.Record != nil || res.Applied || res.Time.Known() {
					r.Errorf("a lost answer tells %+v", res)
				}
				if (r.seq() == 1) != tt.applied {
					r.Errorf("applied: %v", !tt.applied)
				}
				if rule.Fired() != 1 || !closed(rule.Done()) {
					r.Error("the rule did not notice")
				}
				if e := r.fs.Log()[0]; e.Applied != tt.applied || e.Fault != tt.fault.String() || e.Err != err {
					r.Errorf("log: %v", e)
				}
			})
		})
	}
}

// Only a write can be unknown: a read that failed may simply be read again.
func TestFaultsOfReads(t *testing.T) {
	bubble(t, func(r rig) {
		r.fs.On(faultstore.Match{Op: faultstore.OpGet}, faultstore.ApplyCut())
		r.fs.On(faultstore.Match{Op: faultstore.OpScan}, faultstore.Deny())
		_, err := r.fs.Get(r.Context(), "k", lockstore.Consistent)
		r.wantErr(err, lockstore.ErrUnavailable, faultstore.ErrInjected, false)
		_, err = r.fs.Scan(r.Context(), lockstore.Query{})
		r.wantErr(err, lockstore.ErrAccessDenied, faultstore.ErrInjected, false)
		r.must(acquire("n"))
	})
}

func TestApplyCutAfter(t *testing.T) {
	bubble(t, func(r rig) {
		rule := r.fs.On(faultstore.Match{}, faultstore.ApplyCutAfter(time.Second))
		r.took(time.Second, func() {
			_, err := r.write(acquire("n"))
			r.wantErr(err, lockstore.ErrUnavailable, faultstore.ErrInjected, true)
		})
		r.took(10*time.Millisecond, func() {
			_, err := r.fs.Write(r.timeout(10*time.Millisecond), "k", renew())
			r.wantErr(err, lockstore.ErrUnavailable, context.DeadlineExceeded, true)
		})
		r.wantSeq(2)
		if rule.Fired() != 2 {
			r.Error("fired", rule.Fired())
		}
	})
}

func TestHold(t *testing.T) {
	bubble(t, func(r rig) {
		rule := r.fs.On(faultstore.Match{Times: 2}, faultstore.Hold(2*time.Second))
		r.took(2*time.Second, func() {
			start := time.Now()
			go func() {
				time.Sleep(time.Millisecond)
				r.wantSeq(1) // applied long before the answer
			}()
			res, err := r.write(acquire("n"))
			if err != nil || !res.Applied || !res.Time.Latest.Equal(start) {
				r.Errorf("%+v, %v", res, err)
			}
		})
		if rule.Fired() != 1 || closed(rule.Done()) {
			r.Error("done after one of two")
		}
		r.took(time.Second, func() {
			_, err := r.fs.Write(r.timeout(time.Second), "k", renew())
			r.wantErr(err, lockstore.ErrUnavailable, context.DeadlineExceeded, true)
		})
		r.wantSeq(2)
		<-rule.Done()
		r.took(0, func() { r.must(renew()) })
	})
}

func TestDelay(t *testing.T) {
	bubble(t, func(r rig) {
		r.fs.On(faultstore.Match{}, faultstore.Delay(time.Second))
		r.took(time.Second, func() {
			start := time.Now()
			if res, err := r.write(acquire("n")); err != nil || res.Time.Latest.Sub(start) != time.Second {
				r.Errorf("%+v, %v", res, err)
			}
		})
		r.took(time.Millisecond, func() {
			_, err := r.fs.Write(r.timeout(time.Millisecond), "k", renew())
			r.wantErr(err, lockstore.ErrUnavailable, context.DeadlineExceeded, false)
		})
		time.Sleep(time.Minute)
		r.wantSeq(1) // it was never sent
	})
}

func TestBlackHole(t *testing.T) {
	for _, applied := range []bool{false, true} {
		bubble(t, func(r rig) {
			fault := faultstore.BlackHole()
			if applied {
				fault = faultstore.BlackHoleApplied()
			}
			r.fs.On(once, fault)
			r.took(time.Hour, func() {
				_, err := r.fs.Write(r.timeout(time.Hour), "k", acquire("n"))
				r.wantErr(err, lockstore.ErrUnavailable, context.DeadlineExceeded, true)
			})
			if (r.seq() == 1) != applied {
				r.Error("seq", r.seq())
			}
		})
	}
}

func TestOutage(t *testing.T) {
	bubble(t, func(r rig) {
		r.fs.On(faultstore.Match{Op: faultstore.OpWrite, Times: 1}, faultstore.Throttle())
		r.fs.Down(faultstore.BlackHole())
		_, err := r.fs.Get(r.timeout(time.Second), "k", lockstore.Consistent)
		r.wantErr(err, lockstore.ErrUnavailable, context.DeadlineExceeded, false)
		r.fs.Down(faultstore.Refuse())
		_, err = r.write(acquire("n"))
		r.wantErr(err, lockstore.ErrUnavailable, faultstore.ErrInjected, false)
		r.fs.Up()
		_, err = r.write(acquire("n")) // the rule's turn comes only now
		r.wantErr(err, lockstore.ErrThrottled, faultstore.ErrInjected, false)
		r.must(acquire("n"))
	})
}

func TestSkewAndNoTime(t *testing.T) {
	bubble(t, func(r rig) {
		skew := r.fs.On(faultstore.Match{}, faultstore.Skew(time.Hour))
		r.fs.On(once, faultstore.Throttle()) // a changed answer leaves room for a fault
		_, err := r.write(acquire("n"))
		r.wantErr(err, lockstore.ErrThrottled, faultstore.ErrInjected, false)
		res, err := r.write(acquire("n"))
		want := time.Now().Add(time.Hour)
		if err != nil || !res.Time.Earliest.Equal(want) || !res.Time.Latest.Equal(want) {
			r.Errorf("%+v, %v", res, err)
		}
		page, _ := r.fs.Scan(r.Context(), lockstore.Query{})
		if !page.Time.Latest.Equal(want) {
			r.Error(page.Time)
		}
		if skew.Fired() != 3 {
			r.Error("fired", skew.Fired())
		}
		r.fs.On(faultstore.Match{}, faultstore.NoTime())
		if res, _ := r.write(renew()); res.Time.Known() {
			r.Error(res.Time)
		}
		skew.Off()
		if res, _ := r.write(renew()); res.Time.Known() {
			r.Error(res.Time)
		}
	})
}

func TestChain(t *testing.T) {
	bubble(t, func(r rig) {
		r.must(acquire("n"))
		rule := r.fs.On(once, faultstore.Chain(faultstore.Repeat(time.Second), faultstore.Hold(time.Minute), faultstore.ApplyCut()))
		r.took(time.Minute, func() {
			_, err := r.write(renew())
			r.wantErr(err, lockstore.ErrUnavailable, faultstore.ErrInjected, true)
		})
		r.wantSeq(2)
		if rule.Fired() != 1 {
			r.Error("fired", rule.Fired())
		}
		if err := r.fs.Wait(r.Context()); err != nil {
			r.Error(err)
		}
		r.wantSeq(3)
	})
}

func TestEndedContextIsNeverSent(t *testing.T) {
	bubble(t, func(r rig) {
		rule := r.fs.On(faultstore.Match{}, faultstore.ApplyCut())
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		_, err := r.fs.Write(ctx, "k", acquire("n"))
		r.wantErr(err, lockstore.ErrUnavailable, context.Canceled, false)
		if rule.Fired() != 0 || r.seq() != 0 || len(r.fs.Log()) != 0 {
			r.Error("it was sent")
		}
	})
}
