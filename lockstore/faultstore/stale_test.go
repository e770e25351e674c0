package faultstore_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// read returns the seq that a read shows; -1: no record.
func (r rig) read(how lockstore.Consistency) int64 {
	r.Helper()
	res, err := r.fs.Get(r.Context(), "k", how)
	if err != nil {
		r.Fatal(err)
	}
	if res.Record == nil {
		return -1
	}
	return res.Record.Seq
}

func (r rig) wantReads(eventual, consistent int64) {
	r.Helper()
	if e, c := r.read(lockstore.Eventual), r.read(lockstore.Consistent); e != eventual || c != consistent {
		r.Errorf("eventual %d, consistent %d; want %d, %d", e, c, eventual, consistent)
	}
}

func TestStaleReads(t *testing.T) {
	bubble(t, func(r rig) {
		rule := r.fs.On(faultstore.Match{}, faultstore.StaleReads(2))
		r.wantReads(-1, -1)
		r.must(acquire("n"))
		r.wantReads(-1, 1)
		r.must(renew())
		r.wantReads(-1, 2)
		r.must(renew())
		r.wantReads(1, 3)
		r.must(lockstore.Write{Delete: true})
		r.wantReads(2, -1)
		if rule.Fired() != 5 {
			r.Error("consistent reads are counted:", rule.Fired())
		}
		rule.Off()
		r.fs.On(faultstore.Match{}, faultstore.Chain(faultstore.StaleReads(1)))
		r.wantReads(3, -1)
	})
}

func TestStaleSince(t *testing.T) {
	bubble(t, func(r rig) {
		r.mem.Put("k", &lockstore.Record{Owner: "o", Seq: 5})
		r.wantReads(5, 5) // the history begins here
		r.fs.On(faultstore.Match{}, faultstore.StaleSince(time.Second))
		r.must(renew())
		r.wantReads(5, 6)
		time.Sleep(999 * time.Millisecond)
		r.must(renew())
		r.wantReads(5, 7)
		time.Sleep(time.Millisecond)
		r.wantReads(6, 7)
		time.Sleep(time.Second)
		r.wantReads(7, 7)
	})
}

func TestStaleScan(t *testing.T) {
	bubble(t, func(r rig) {
		r.must(acquire("n"))
		r.must(renew())
		r.fs.On(faultstore.Match{Op: faultstore.OpScan, Times: 1}, faultstore.StaleReads(1))
		r.fs.On(faultstore.Match{Op: faultstore.OpScan, Skip: 1, Times: 1}, faultstore.StaleReads(5))
		for i, want := range []int{2, 1, 0, 2} { // a consistent one, two stale ones, the rules are spent
			page, err := r.fs.Scan(r.Context(), lockstore.Query{Consistent: i == 0})
			if err != nil {
				r.Fatal(err)
			}
			got := 0
			if len(page.Items) > 0 {
				got = int(page.Items[0].Record.Seq)
			}
			if got != want {
				r.Errorf("scan %d shows seq %d, want %d", i, got, want)
			}
		}
	})
}

// Two clients with a fault store each are one table: each sees the other's
// writes late.
func TestSharedHistory(t *testing.T) {
	bubble(t, func(r rig) {
		h := faultstore.NewHistory()
		a := faultstore.New(r.mem, faultstore.WithHistory(h))
		b := faultstore.New(r.mem, faultstore.WithHistory(h))
		defer a.Close()
		defer b.Close()
		b.On(faultstore.Match{}, faultstore.StaleReads(1))
		r.fs = a
		r.must(acquire("n"))
		r.must(renew())
		r.fs = b
		r.wantReads(1, 2)
	})
}

func TestSeedRepeats(t *testing.T) {
	run := func(seed uint64) (faults string) {
		bubble(t, func(r rig) {
			r.fs.Seed(seed, faultstore.Rates{Cut: 0.2, Throttle: 0.2, Hold: 0.2, Stale: 0.5, MaxDelay: time.Minute})
			for range 100 {
				_, _ = r.write(update("x"))
				_, _ = r.fs.Get(r.Context(), "k", lockstore.Eventual)
			}
			for _, e := range r.fs.Log() {
				faults += e.Fault + ";"
			}
			r.fs.Seed(seed, faultstore.Rates{})
			r.must(update("x"))
		})
		return faults
	}
	one, again, other := run(1), run(1), run(2)
	if one != again {
		t.Errorf("the same seed makes other faults:\n%s\n%s", one, again)
	}
	if one == other {
		t.Error("another seed makes the same faults")
	}
}

func TestRates(t *testing.T) {
	bubble(t, func(r rig) {
		r.fs.Seed(3, faultstore.Rates{Cut: 0.25, Throttle: 0.5})
		const n = 4000
		got := map[string]float64{}
		for range n {
			_, _ = r.write(update("x"))
		}
		for _, e := range r.fs.Log() {
			got[e.Fault]++
		}
		for fault, want := range map[string]float64{"apply+cut": 0.25, "throttle": 0.5, "": 0.25} {
			if share := got[fault] / n; share < want-0.03 || share > want+0.03 {
				r.Errorf("%q: %.3f, want %.2f", fault, share, want)
			}
		}
	})
}
