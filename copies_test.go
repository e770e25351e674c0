package dynalock_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// Two copies of one acquire must not begin with the same nonce and seq: a
// takeover of the first one, under way for long, would end the second one's
// tenure, whose holder believes. Found by the model in spec.
func TestCopies_BeginDifferently(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b, c, o := w.machine("a"), w.machine("b"), w.machine("c"), oracle{t: t}
		five := dynalock.WithLease(5 * time.Second)
		a.net.On(faultstore.Match{Times: 1}, faultstore.ApplyCut())         // the first copy is carried out,
		a.net.On(faultstore.Match{Times: 2}, faultstore.BlackHole())        // two get lost,
		a.net.On(faultstore.Match{Times: 1}, faultstore.Delay(time.Second)) // and the fourth one comes
		first := a.wait(bg, "k", five)
		pass(8 * time.Second)
		takesOver := func(_ string, w lockstore.Write) bool { return !faultstore.Acquires("", w) || len(w.If) == 1 }
		b.net.On(faultstore.Match{Op: faultstore.OpWrite, If: takesOver, Times: 1}, faultstore.Delay(4*time.Second))
		second := b.wait(bg, "k", five) // its takeover is under way until 12 s
		pass(500 * time.Millisecond)
		must(t, c.take("k", five).Release(bg))
		<-first.got
		o.add(a, first.lock)
		o.passWith(20*time.Second, b, second)
		if first.lock == nil || b.net.Requests().Writes < 2 {
			t.Fatalf("%v, %+v", first.err, b.net.Requests())
		}
	})
}
