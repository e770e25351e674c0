package memstore_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestInfo(t *testing.T) {
	if got := memstore.New().Info(); got != (lockstore.Info{Scope: "memory"}) {
		t.Error(got)
	}
	if got := memstore.New(memstore.WithScope("mine")).Info(); got != (lockstore.Info{Scope: "mine"}) {
		t.Error(got)
	}
}

// now is the time that a read's answer tells.
func now(t *testing.T, s *memstore.Store) lockstore.TimeBounds {
	t.Helper()
	res, err := s.Get(t.Context(), "k", lockstore.Consistent)
	if err != nil {
		t.Fatal(err)
	}
	return res.Time
}

func TestTimeFollowsTheBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New()
		for range 3 {
			want := time.Now().Round(0).UTC()
			if got := now(t, s); got.Earliest != want || got.Latest != want { // == also sees a monotonic reading
				t.Errorf("got %v, want %v", got, want)
			}
			time.Sleep(1234567 * time.Microsecond)
		}
	})
}

// No real store could send a monotonic reading, which would make a client's
// arithmetic better than it is.
func TestTimeIsWallTime(t *testing.T) {
	if got := now(t, memstore.New()); got.Earliest != got.Earliest.Round(0) {
		t.Error(got)
	}
}

func TestClocks(t *testing.T) {
	at := time.Date(2031, 2, 3, 4, 5, 6, 789e6, time.UTC)
	clock := memstore.WithClock(func() time.Time { return at })
	for _, tt := range []struct {
		opts             []memstore.Option
		earliest, latest time.Time
	}{
		{[]memstore.Option{clock}, at, at},
		{
			[]memstore.Option{clock, memstore.WithDateResolution(time.Second)},
			at.Truncate(time.Second), at.Truncate(time.Second).Add(time.Second),
		},
		{[]memstore.Option{clock, memstore.WithoutTime()}, time.Time{}, time.Time{}},
	} {
		if got := now(t, memstore.New(tt.opts...)); got.Earliest != tt.earliest || got.Latest != tt.latest {
			t.Errorf("got %v, want %v, %v", got, tt.earliest, tt.latest)
		}
	}
}

func TestKeyLimits(t *testing.T) {
	s := memstore.New()
	for _, key := range []string{"", strings.Repeat("x", 2049), "a\xff"} {
		_, err := s.Get(t.Context(), key, lockstore.Consistent)
		if !errors.Is(err, lockstore.ErrInvalidRequest) {
			t.Errorf("get %.10q: %v", key, err)
		}
		_, err = s.Write(t.Context(), key, lockstore.Write{})
		if !errors.Is(err, lockstore.ErrInvalidRequest) {
			t.Errorf("write %.10q: %v", key, err)
		}
	}
}

// The limit is the item's, so that what is not data counts too.
func TestDataLimit(t *testing.T) {
	const fits = 400<<10 - 1024 - len("k") - len("o")
	for size, want := range map[int]error{fits: nil, fits + 1: lockstore.ErrDataTooLarge} {
		s := memstore.New()
		_, err := s.Write(t.Context(), "k", lockstore.Write{Do: []lockstore.Change{
			lockstore.SetOwner("o"), lockstore.SetData{Bytes: make([]byte, size)},
		}})
		if !errors.Is(err, want) || (s.Peek("k") == nil) != (want != nil) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestByHand(t *testing.T) {
	s := memstore.New()
	r := &lockstore.Record{Owner: "o", Data: []byte("data"), Last: &lockstore.Last{By: "b"}}
	want := r.Clone()
	s.Put("k", r)
	s.Put("j", r)
	clear(r.Data)
	r.Last.By = "x"
	clear(s.Peek("k").Data)
	if got := s.Peek("k"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := s.Keys(); !slices.Equal(got, []string{"j", "k"}) {
		t.Error(got)
	}
	s.Remove("j")
	s.Put("k", nil)
	s.Remove("never there")
	if got := s.Keys(); len(got) != 0 || s.Peek("k") != nil {
		t.Error(got)
	}
}

func TestSweep(t *testing.T) {
	s := memstore.New()
	at := time.Unix(1_900_000_000, 0)
	for key, ttl := range map[string]time.Time{"past": at.Add(-time.Second), "now": at, "later": at.Add(time.Second), "never": {}} {
		s.Put(key, &lockstore.Record{Owner: "o", TTL: ttl})
	}
	if got := s.Sweep(at); !slices.Equal(got, []string{"past"}) {
		t.Error("swept", got)
	}
	if got := s.Keys(); !slices.Equal(got, []string{"later", "never", "now"}) {
		t.Error("left", got)
	}
}

func TestScanIsOrdered(t *testing.T) {
	s := memstore.New(memstore.WithPageSize(2))
	for _, key := range []string{"c", "a", "b", "B", "é"} {
		s.Put(key, &lockstore.Record{Owner: key})
	}
	var got []string
	q := lockstore.Query{Limit: 100} // the store may give less
	for pages := 1; ; pages++ {
		page, err := s.Scan(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			got = append(got, item.Key)
		}
		if q.After = page.Next; q.After == "" {
			if pages != 3 || !slices.Equal(got, []string{"B", "a", "b", "c", "é"}) {
				t.Errorf("%d pages: %q", pages, got)
			}
			return
		}
	}
}
