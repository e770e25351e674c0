package main

import (
	"errors"
	"net/http"
	"testing"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// A former holder's late write, between the new holder's read and its write: it
// is refused where the read wrote the token too, or the lock's item is checked
// with the write. A fence at writes alone lets it in, and it is overwritten by
// who has not seen it.
func TestLateWrite(t *testing.T) {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	db := enginetest.NewClient(enginetest.Endpoint(t), &http.Client{Transport: transport})
	w := &worker{db: db, job: job{Table: enginetest.Table(t, db), Items: enginetest.Table(t, db)}}
	fence := &fenced{w, "fence"}
	for name, test := range map[string]struct {
		r       register
		read    func(*dynalock.Lock) (string, error)
		refused bool
	}{
		"fence at reads too":   {fence, func(l *dynalock.Lock) (string, error) { return fence.read(t.Context(), l) }, true},
		"fence at writes only": {&fenced{w, "naive"}, func(l *dynalock.Lock) (string, error) { return (&guarded{w, "naive"}).read(t.Context(), l) }, false},
		"guard":                {&guarded{w, "guard"}, func(l *dynalock.Lock) (string, error) { return (&guarded{w, "guard"}).read(t.Context(), l) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			former := w.take(t, name)
			if _, err := test.read(former); err != nil {
				t.Fatal(err)
			}
			operator := dynalock.NewDynalockClient(db, w.Table)
			if _, err := operator.ForceRelease(t.Context(), name, former.Token()); err != nil {
				t.Fatal(err)
			}
			next := w.take(t, name)
			prev, err := test.read(next)
			if err != nil || prev != "" {
				t.Fatalf("%q, %v", prev, err)
			}
			if err := test.r.write(t.Context(), former, "", "late"); errors.Is(err, errFenced) != test.refused || !test.refused && err != nil {
				t.Errorf("the late write: %v", err)
			}
			if err := test.r.write(t.Context(), next, prev, "next"); err != nil {
				t.Errorf("the holder's write: %v", err)
			}
		})
	}
}

func (w *worker) take(t *testing.T, key string) *dynalock.Lock {
	t.Helper()
	c := dynalock.NewDynalockClient(w.db, w.Table)
	t.Cleanup(func() {
		if err := c.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	l, err := c.AcquireLock(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
