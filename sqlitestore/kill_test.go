package sqlitestore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

const killSteps = 1000

func init() { roles["steps"] = makeSteps }

// makeSteps makes the steps from one on, and says of each, once it was
// answered, whether it was applied.
func makeSteps(args []string) error {
	seed, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	from, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	s, err := sqlitestore.Open(args[0])
	if err != nil {
		return err
	}
	for i := from; i < killSteps; i++ {
		key, w := step(seed, i)
		res, err := s.Write(context.Background(), key, w)
		if err != nil {
			return err
		}
		fmt.Println(i, res.Applied)
	}
	return s.Close()
}

// A process is killed about every thirtieth step, somewhere in the middle,
// while another one writes. What was answered stays, in order, and nothing is
// damaged; the step that was not answered is there or not.
func TestKill(t *testing.T) {
	path, seed := newFile(t), rand.Uint64()
	t.Logf("seed %d", seed)
	s := open(t, path)
	stop := writeMeanwhile(t, s)
	want := model{}
	next, kills, ahead := 0, 0, 0
	for next < killSteps {
		c := start(t, nil, "steps", path, fmt.Sprint(seed), fmt.Sprint(next))
		die := next + 1 + rand.IntN(59)
		if kills%4 == 3 { // also while it opens the file, and reads what the one before left
			die = -1
			time.Sleep(rand.N(20 * time.Millisecond)) // real time: to hit any point
			_ = c.Process.Kill()
			kills++
		}
		for c.lines.Scan() { // to the end: some answers are under way when it dies
			if got, want := c.lines.Text(), fmt.Sprint(next, " ", want.apply(t, seed, next)); got != want {
				t.Fatalf("the process answered %q, want %q", got, want)
			}
			if next++; next == die {
				time.Sleep(rand.N(3 * time.Millisecond)) // real time: to hit any point of the next step
				_ = c.Process.Kill()
				kills++
			}
		}
		_ = c.Wait()
		got := contents(t, s)
		delete(got, "meanwhile")
		if !got.equal(want) && next < killSteps { // then it is the step that was not answered
			want.apply(t, seed, next)
			next++
			ahead++
		}
		if !got.equal(want) {
			t.Fatalf("after %d steps\nthe file has %v\nwant         %v", next, got, want)
		}
		checkIntegrity(t, path)
	}
	stop()
	t.Logf("%d kills, %d of them after the commit and before the answer", kills, ahead)
	if kills < 10 {
		t.Errorf("only %d kills", kills)
	}
}

// A file whose maker was killed at any point can be opened.
func TestKillWhileCreating(t *testing.T) {
	for range 20 {
		path := newFile(t)
		c := start(t, nil, "steps", path, "1", "0")
		time.Sleep(rand.N(40 * time.Millisecond)) // real time: to hit any point
		_ = c.Process.Kill()
		want, n := model{}, 0
		for ; c.lines.Scan(); n++ {
			want.apply(t, 1, n)
		}
		_ = c.Wait()
		got := contents(t, open(t, path))
		if !got.equal(want) {
			want.apply(t, 1, n)
		}
		if !got.equal(want) {
			t.Errorf("after %d steps the file has %v\nwant %v", n, got, want)
		}
		checkIntegrity(t, path)
	}
}

// writeMeanwhile writes a key of its own all the time. stop checks that nothing
// of it was lost.
func writeMeanwhile(t *testing.T, s *sqlitestore.Store) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	seq := int64(0)
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
			res, err := s.Write(context.Background(), "meanwhile", lockstore.Write{
				If: lockstore.Any(lockstore.Case{lockstore.Absent{}}, lockstore.Case{lockstore.SeqIs(seq)}),
				Do: []lockstore.Change{lockstore.SetOwner("survivor"), lockstore.SetSeq(seq + 1)},
			})
			if err != nil || !res.Applied {
				t.Errorf("step %d of the other process: %+v, %v", seq, res, err)
				return
			}
			seq++
		}
	})
	return func() {
		close(done)
		wg.Wait()
		if got := contents(t, s)["meanwhile"]; got == nil || got.Seq != seq {
			t.Errorf("the other process wrote %d times, the file has %+v", seq, got)
		}
	}
}
