package dynalock_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// TestC8_Progress: updates and renewals of one holder get in each other's way
// neither in the row nor in the handle.
func TestC8_Progress(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		a.net.On(faultstore.Match{}, faultstore.Delay(15*time.Millisecond))
		l := a.take("k", dynalock.KeepAlive(), dynalock.WithLease(time.Second), dynalock.WithData([]byte("0")))
		stop := make(chan struct{})
		read := make(chan int)
		go func() {
			last := 0
			for !ended(stop) {
				n, err := strconv.Atoi(string(w.row("k").Data))
				if err != nil || n < last {
					t.Errorf("%d, then %d (%v)", last, n, err)
				}
				last = n
				time.Sleep(7 * time.Millisecond)
			}
			read <- last
		}()
		go func() { // renewals more often than any schedule makes them
			for !ended(stop) {
				if err := l.Renew(bg); err != nil {
					t.Error(err)
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
		for i := range 100 {
			must(t, l.Update(bg, strconv.AppendInt(nil, int64(i+1), 10)))
			time.Sleep(20 * time.Millisecond)
		}
		close(stop)
		if last := <-read; last != 100 || string(l.Data()) != "100" {
			t.Errorf("the last one read is %d, the handle's %q", last, l.Data())
		}
		time.Sleep(time.Minute)
		if got := string(w.row("k").Data); got != "100" || !l.Held() {
			t.Errorf("%q in the end, %v", got, l.Err())
		}
	})
}

// An update with a lost answer is made once, and an older one never comes back.
func TestC8_UpdateAnswerLost(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k")
		for i, fault := range []faultstore.Fault{
			faultstore.ApplyCut(), faultstore.Apply500(), faultstore.Refuse500(), faultstore.Repeat(10 * time.Second), faultstore.Late(time.Second),
		} {
			a.net.On(faultstore.Match{If: setsData, Times: 1}, fault)
			want := fmt.Sprint(i, fault)
			must(t, l.Update(bg, []byte(want)))
			if got := string(w.row("k").Data); got != want || string(l.Data()) != want {
				t.Errorf("%v: %q, and the handle has %q", fault, got, l.Data())
			}
		}
		a.net.On(faultstore.Match{If: setsData, Times: 1}, faultstore.Late(10*time.Second))
		_ = l.Update(within(t, time.Second), []byte("abandoned"))
		must(t, l.Update(bg, []byte("last")))
		time.Sleep(time.Minute)
		if got := string(w.row("k").Data); got != "last" {
			t.Errorf("%q came back", got)
		}
	})
}

// TestC8_TakeoverReplacesAllOfTheFormer: nothing of the dead holder stays but
// his data, and how he ended.
func TestC8_TakeoverReplacesAllOfTheFormer(t *testing.T) {
	for name, how := range map[string]func(t *testing.T, a, b *machine){
		"takeover": func(_ *testing.T, a, _ *machine) {
			a.crash()
			time.Sleep(time.Hour) // fake time: called in a bubble
		},
		"release": func(t *testing.T, a, _ *machine) {
			_, err := a.ReleaseLock(bg, "k")
			must(t, err)
			time.Sleep(time.Minute) // fake time: called in a bubble
		},
	} {
		bubble(t, func(t *testing.T, w *world) {
			a, b := w.machine("a"), w.machine("b", dynalock.WithRetention(0))
			a.take("k", dynalock.KeepAlive(), dynalock.HoldAtLeast(30*time.Second), dynalock.WithData([]byte("a's")))
			if name == "takeover" { // a release would delete it
				r := w.row("k")
				r.DeleteOnRelease = true
				w.table.Put("k", r)
			}
			former := w.row("k")
			how(t, a, b)
			l := b.take("k", dynalock.WithLease(time.Minute))
			r := w.row("k")
			if name == "takeover" && (r.Last == nil || r.Last.Nonce != former.Nonce) {
				t.Errorf("%s: the former tenure ended by %+v", name, r.Last)
			}
			want := &lockstore.Record{
				Owner: "b", Nonce: r.Nonce, Token: int64(l.Token()), Seq: r.Seq, Since: time.Now().UTC().Truncate(time.Second),
				Lease: time.Minute, Expires: r.Expires, Data: []byte("a's"), Queue: []lockstore.Waiter{}, Last: r.Last,
			}
			if got, want := fmt.Sprintf("%+v", *r), fmt.Sprintf("%+v", *want); got != want || r.Nonce == former.Nonce {
				t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
			}
			if until := time.Until(r.Expires); until > 61*time.Second || until < 59*time.Second || string(l.Data()) != "a's" {
				t.Errorf("%s: %v, data %q", name, until, l.Data())
			}
		})
	}
}

// Data of any size that fits, nothing included, comes back as it was.
func TestC8_Sizes(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		for name, data := range map[string][]byte{
			"no bytes": {}, "a zero byte": {0}, "not text": {0xff, 0xfe}, "300 KB": make([]byte, 300<<10),
		} {
			l := a.take("k", dynalock.WithData(data))
			info, err := a.GetLock(bg, "k")
			must(t, err)
			for _, got := range [][]byte{l.Data(), info.Data, w.row("k").Data} {
				if got == nil || string(got) != string(data) {
					t.Errorf("%s: %d bytes, nil %v", name, len(got), got == nil)
				}
			}
			must(t, l.Release(bg))
		}
		must(t, a.take("k", dynalock.WithData(nil)).Release(bg))
		if w.row("k").Data != nil {
			t.Error("nil did not remove the data")
		}
	})
}

// Data is kept by a release, and goes with DeleteOnRelease.
func TestC8_DataAfterRelease(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		must(t, a.take("k", dynalock.WithData([]byte("kept"))).Release(bg))
		l := a.take("k", dynalock.DeleteOnRelease())
		if string(l.Data()) != "kept" {
			t.Errorf("%q", l.Data())
		}
		must(t, l.Release(bg))
		if w.row("k") != nil || a.take("k").Data() != nil {
			t.Error("not deleted")
		}
	})
}
