package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// Of many that find a key free, exactly one gets it, and all others are told
// which.
func testRaceToCreate(r *rig) {
	for range 10 {
		key := r.key()
		var results [16]lockstore.Result
		r.race(len(results), func(i int, s lockstore.Store) error {
			var err error
			results[i], err = r.try(s, key, lockstore.Write{
				If: lockstore.All(lockstore.Absent{}),
				Do: []lockstore.Change{lockstore.SetOwner(fmt.Sprint("racer ", i)), lockstore.SetSeq(int64(i) + 1)},
			})
			return err
		})
		winners := 0
		want := r.get(r.stores[0], key)
		for i, res := range results {
			if res.Applied {
				winners++
				if want == nil || want.Seq != int64(i)+1 {
					r.Errorf("racer %d was told that it won, the store has %s", i, show(want))
				}
			}
			r.wantRecord(fmt.Sprint("the answer to racer ", i), res.Record, want)
		}
		if winners != 1 {
			r.Errorf("%d of %d created the record", winners, len(results))
		}
	}
}

// No increment is lost and none counts twice, and what a read has shown is
// never taken back by a later one.
func testRaceToIncrement(r *rig) {
	const racers, rounds = 8, 50
	key := r.key()
	r.build(r.stores[0], key, lockstore.SetOwner("o"), lockstore.SetSeq(1))
	var attempts atomic.Int64
	r.race(racers, func(_ int, s lockstore.Store) error {
		seq := int64(1)
		for done := 0; done < rounds; {
			res, err := r.try(s, key, lockstore.Write{
				If: lockstore.All(lockstore.SeqIs(seq)), Do: []lockstore.Change{lockstore.NextSeq{}},
			})
			attempts.Add(1)
			switch {
			case err != nil:
				return err
			case res.Record == nil:
				return fmt.Errorf("after seq %d the record is gone", seq)
			case res.Applied && res.Record.Seq != seq+1:
				return fmt.Errorf("from seq %d the increment went to %d", seq, res.Record.Seq)
			case !res.Applied && res.Record.Seq <= seq:
				return fmt.Errorf("SeqIs(%d) failed on a record with seq %d", seq, res.Record.Seq)
			case res.Applied:
				done++
			}
			seq = res.Record.Seq
			if done%10 == 0 {
				if read, err := s.Get(r.Context(), key, lockstore.Consistent); err != nil || read.Record == nil || read.Record.Seq < seq {
					return fmt.Errorf("after seq %d a consistent read gave %s, %v", seq, show(read.Record), err)
				}
			}
		}
		return nil
	})
	if rec := r.get(r.stores[1], key); rec == nil || rec.Seq != 1+racers*rounds {
		r.Errorf("the store has %s, want seq %d", show(rec), 1+racers*rounds)
	}
	if testing.Verbose() {
		r.Logf("%d attempts for %d increments", attempts.Load(), racers*rounds)
	}
}

// race runs f n times at once, over both handles.
func (r *rig) race(n int, f func(i int, s lockstore.Store) error) {
	r.Helper()
	var wg sync.WaitGroup
	start := make(chan struct{})
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i, r.stores[i%2])
		})
	}
	close(start)
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			r.Fatalf("racer %d: %v", i, err)
		}
	}
}
