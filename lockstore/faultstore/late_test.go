package faultstore_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

func TestLateWithAPatientCaller(t *testing.T) {
	bubble(t, func(r rig) {
		r.fs.On(once, faultstore.Late(time.Second))
		r.took(time.Second, func() {
			start := time.Now()
			res, err := r.write(acquire("n"))
			if err != nil || !res.Applied || res.Time.Latest.Sub(start) != time.Second {
				r.Errorf("%+v, %v", res, err)
			}
		})
	})
}

func TestLateOutlivesItsCaller(t *testing.T) {
	bubble(t, func(r rig) {
		r.fs.On(once, faultstore.Late(time.Second))
		data := []byte("first")
		w := update("")
		w.Do[1] = lockstore.SetData{Bytes: data}
		r.took(100*time.Millisecond, func() {
			_, err := r.fs.Write(r.timeout(100*time.Millisecond), "k", w)
			r.wantErr(err, lockstore.ErrUnavailable, context.DeadlineExceeded, true)
		})
		copy(data, "xxxxx") // the caller's bytes are the caller's again
		r.wantSeq(0)
		if r.fs.Pending() != 1 {
			r.Error("pending", r.fs.Pending())
		}
		r.took(900*time.Millisecond, func() {
			if err := r.fs.Wait(r.Context()); err != nil {
				r.Error(err)
			}
		})
		r.wantSeq(1)
		if got := string(r.mem.Peek("k").Data); got != "first" {
			r.Errorf("data %q", got)
		}
		if e := r.fs.Log()[0]; !e.Applied || e.End.Sub(e.Start) != 100*time.Millisecond {
			r.Errorf("log: %v", e)
		}
	})
}

func TestRepeat(t *testing.T) {
	bubble(t, func(r rig) {
		r.must(acquire("n"))
		r.fs.On(once, faultstore.Repeat(time.Second))
		r.took(0, func() { r.must(renew()) })
		r.must(release())
		r.wantSeq(3)
		if err := r.fs.Wait(r.timeout(time.Millisecond)); err != context.DeadlineExceeded {
			r.Error(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		r.wantSeq(4) // the copy came after the release
		log := r.fs.Log()
		if e := log[len(log)-1]; len(log) != 4 || !e.Copy || !e.Applied {
			r.Errorf("log: %v", log)
		}
		if got := r.fs.Requests().Writes; got != 3 {
			r.Error("the copy is counted:", got)
		}
	})
}

// Clients do not pay for copies, nor for what became of them.
func TestRepeatInVain(t *testing.T) {
	bubble(t, func(r rig) {
		r.fs.On(once, faultstore.Repeat(time.Second))
		r.must(acquire("n"))
		if err := r.fs.Wait(r.Context()); err != nil {
			r.Error(err)
		}
		r.wantSeq(1)
		if got := r.fs.Requests(); got != (faultstore.Counts{Writes: 1}) {
			r.Errorf("%+v", got)
		}
	})
}

func TestClose(t *testing.T) {
	bubble(t, func(r rig) {
		m := faultstore.Match{Times: 1}
		r.fs.On(m, faultstore.Repeat(time.Hour))
		r.must(acquire("n"))
		for _, f := range []faultstore.Fault{
			faultstore.Late(time.Hour), faultstore.BlackHole(), faultstore.Hold(time.Hour), faultstore.NewGate().Before(), faultstore.NewGate().Late(),
		} {
			r.fs.On(m, f)
		}
		var calls sync.WaitGroup
		for range 5 {
			calls.Go(func() { _, _ = r.fs.Write(context.Background(), "k", renew()) })
		}
		synctest.Wait()
		r.took(0, func() {
			r.fs.Close()
			calls.Wait()
		})
		if r.fs.Pending() != 0 {
			r.Error("pending", r.fs.Pending())
		}
		r.wantSeq(3) // hold before, gate because Close opens it
		r.fs.On(faultstore.Match{}, faultstore.Deny())
		r.must(renew()) // no more faults
		time.Sleep(2 * time.Hour)
		r.wantSeq(4)
		r.fs.Close()
	})
}

func TestGateBefore(t *testing.T) {
	bubble(t, func(r rig) {
		g := faultstore.NewGate()
		rule := r.fs.On(once, g.Before())
		done := make(chan error, 1)
		go func() {
			_, err := r.write(acquire("n"))
			done <- err
		}()
		<-g.Arrived()
		if rule.Fired() != 1 {
			r.Error("it stands at the gate and has not fired")
		}
		r.wantSeq(0)
		g.Open()
		if err := <-done; err != nil {
			r.Error(err)
		}
		r.wantSeq(1)
	})
}

func TestGateAfter(t *testing.T) {
	bubble(t, func(r rig) {
		g := faultstore.NewGate()
		r.fs.On(faultstore.Match{}, g.After())
		ctx, cancel := context.WithCancel(r.Context())
		done := make(chan error, 1)
		go func() {
			_, err := r.fs.Write(ctx, "k", acquire("n"))
			done <- err
		}()
		<-g.Arrived()
		r.wantSeq(1)
		cancel()
		r.wantErr(<-done, lockstore.ErrUnavailable, context.Canceled, true)
		g.Open()
		g.Open()
		r.must(renew()) // an open gate is none
	})
}

func TestGateLate(t *testing.T) {
	bubble(t, func(r rig) {
		g := faultstore.NewGate()
		r.fs.On(faultstore.Match{Times: 2}, g.Late())
		_, err := r.fs.Write(r.timeout(time.Second), "k", acquire("n"))
		r.wantErr(err, lockstore.ErrUnavailable, context.DeadlineExceeded, true)
		if !closed(g.Arrived()) {
			r.Error("nothing arrived")
		}
		r.wantSeq(0)
		g.Open()
		r.wantSeq(1) // delivered when Open returns
		r.must(renew())
	})
}
