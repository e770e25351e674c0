package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

// block takes the file's write lock, as a process does that is stopped in the
// middle of a write.
func block(t *testing.T, path string) (unblock func()) {
	db, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READWRITE)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	unblock = sync.OnceFunc(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(unblock)
	return unblock
}

func TestBusy(t *testing.T) {
	path := newFile(t)
	s := open(t, path)
	if err := set(t.Context(), s, "key", []byte("before")); err != nil {
		t.Fatal(err)
	}
	unblock := block(t, path)

	hasty, err := sqlitestore.Open(path, sqlitestore.WithTimeout(500*time.Millisecond)) // which needs no write lock
	if err != nil {
		t.Fatal(err)
	}
	e := wantError(t, set(t.Context(), hasty, "key", nil), lockstore.ErrUnavailable, false)
	if errors.Is(e, context.DeadlineExceeded) || !strings.Contains(e.Advice, "keep the file busy") {
		t.Errorf("its own bound: %v", e)
	}
	if err := hasty.Close(); err != nil { // nothing goes on after that
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	e = wantError(t, set(ctx, s, "key", nil), lockstore.ErrUnavailable, false)
	if !errors.Is(e, context.DeadlineExceeded) {
		t.Errorf("the caller's deadline: %v", e)
	}

	// Readers do not wait.
	if got := string(get(t, s, "key")); got != "before" {
		t.Errorf("%q", got)
	}
	if page, err := s.Scan(t.Context(), lockstore.Query{}); err != nil || len(page.Items) != 1 {
		t.Errorf("%+v, %v", page, err)
	}

	done := make(chan error)
	go func() { done <- set(context.Background(), s, "key", []byte("after")) }()
	time.Sleep(20 * time.Millisecond) // real time: until it waits
	unblock()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := string(get(t, s, "key")); got != "after" {
		t.Errorf("%q", got)
	}
}

// Who stands behind others of its own process leaves when its context ends.
func TestBusyLine(t *testing.T) {
	path := newFile(t)
	s := open(t, path)
	unblock := block(t, path)
	first := make(chan error)
	go func() { first <- set(context.Background(), s, "first", nil) }()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(10+i)*time.Millisecond)
			defer cancel()
			err := set(ctx, s, fmt.Sprint(i), nil)
			if e, ok := errors.AsType[*lockstore.Error](err); !ok || e.Unknown || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	unblock()
	if err := <-first; err != nil {
		t.Error(err)
	}
	if got := contents(t, s); len(got) != 1 {
		t.Errorf("calls that left were carried out: %v", got)
	}
}

func init() { roles["hammer"] = hammer }

// hammer writes as fast as it can until its standard input ends.
func hammer(args []string) error {
	s, err := sqlitestore.Open(args[0], options[args[1]]...)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(done)
	}()
	n := 0
	for start := time.Now(); ; n++ {
		select {
		case <-done:
			fmt.Printf("%.0f writes/s\n", float64(n)/time.Since(start).Seconds())
			return s.Close()
		default:
		}
		if err := set(context.Background(), s, "hammered", fmt.Append(nil, n)); err != nil {
			return err
		}
		if n == 0 {
			fmt.Println("started")
		}
	}
}

var options = map[string][]sqlitestore.Option{"full": nil, "normal": {sqlitestore.WithNormalSync()}}

// One process that writes without a break must not keep another from renewing
// its locks.
func TestFairness(t *testing.T) {
	for name, opts := range options {
		t.Run(name, func(t *testing.T) {
			path := newFile(t)
			c := start(t, nil, "hammer", path, name)
			c.line(t)
			s := open(t, path, opts...)
			var took []time.Duration
			for range 40 {
				start := time.Now()
				if err := set(t.Context(), s, "beat", nil); err != nil {
					t.Fatal(err)
				}
				took = append(took, time.Since(start))
				time.Sleep(50 * time.Millisecond) // real time: between two renewals
			}
			_ = c.in.Close()
			rate := c.line(t)
			c.end(t)
			slices.Sort(took)
			median, most := took[len(took)/2], took[len(took)-1]
			t.Logf("median %v, most %v, beside %s", median, most, rate)
			if most > 3*time.Second { // a busy machine; SQLite's own waiting takes 5.8 s
				t.Errorf("a beat took %v", most)
			}
		})
	}
}
