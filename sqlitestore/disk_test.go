package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

// wantError checks an error's kind and whether it leaves the outcome open.
func wantError(t testing.TB, err, kind error, unknown bool) *lockstore.Error {
	t.Helper()
	e, ok := errors.AsType[*lockstore.Error](err)
	if !ok || !errors.Is(err, kind) || e.Unknown != unknown {
		t.Fatalf("got %v (%+v), want the kind %v, unknown %v", err, e, kind, unknown)
	}
	return e
}

// set writes data unconditionally.
func set(ctx context.Context, s lockstore.Store, key string, data []byte) error {
	_, err := s.Write(ctx, key, lockstore.Write{Do: []lockstore.Change{lockstore.SetOwner("o"), lockstore.SetSeq(5), lockstore.SetData{Bytes: data}}})
	return err
}

func get(t testing.TB, s lockstore.Store, key string) []byte {
	t.Helper()
	res, err := s.Get(t.Context(), key, lockstore.Consistent)
	if err != nil {
		t.Fatal(err)
	}
	if res.Record == nil {
		return nil
	}
	return res.Record.Data
}

// afterCrash opens a copy of the files as they would be found after the machine
// went down now with all that was written on the disk: without the memory that
// processes share.
func afterCrash(t testing.TB, path string) *sqlitestore.Store {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(to+suffix, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, to)
	checkIntegrity(t, to)
	return s
}

// SQLite's own limit stands for the disk's: no page can be had any more.
func TestDiskFull(t *testing.T) {
	path := newFile(t)
	s := open(t, path, sqlitestore.WithPragma("max_page_count = 30"))
	big := make([]byte, 20_000)
	var err error
	stored := 0
	for ; err == nil; stored++ {
		err = set(t.Context(), s, fmt.Sprint(stored), big)
	}
	stored--
	e := wantError(t, err, lockstore.ErrUnavailable, false)
	if !strings.Contains(e.Advice, "disk is full") || !errors.Is(err, sqlite3.FULL) {
		t.Error(err)
	}
	if stored < 3 {
		t.Fatalf("only %d", stored)
	}
	for _, now := range []lockstore.Store{s, open(t, path), afterCrash(t, path)} {
		for i := range stored + 1 {
			if got, want := len(get(t, now, fmt.Sprint(i))), len(big); got != want && i < stored || i == stored && got != 0 {
				t.Errorf("record %d of %d has %d bytes", i, stored, got)
			}
		}
	}
	// A lock that is there is renewed in place, and makes room when it goes.
	if _, err := s.Write(t.Context(), "0", lockstore.Write{Do: []lockstore.Change{lockstore.NextSeq{}}}); err != nil {
		t.Error(err)
	}
	if _, err := s.Write(t.Context(), "0", lockstore.Write{Delete: true}); err != nil {
		t.Error(err)
	}
	if err := set(t.Context(), s, "new", big); err != nil {
		t.Error(err)
	}
}

// The disk fills up at any of the writes that a commit makes: the answer is
// that nothing was done, and nothing was, not even after a crash.
func TestDiskFullDuringCommit(t *testing.T) {
	fs, on := newFaultFS(t)
	path := newFile(t)
	s := open(t, path, on)
	before, after := []byte("before"), make([]byte, 10_000)
	for at := 1; ; at++ {
		fs.do(nil)
		if err := set(t.Context(), s, "key", before); err != nil {
			t.Fatal(err)
		}
		writes := 0
		fs.do(func(op fileOp) error {
			if op.what != "write" || !op.onLog() {
				return nil
			}
			if writes++; writes >= at {
				return sqlite3.FULL
			}
			return nil
		})
		err := set(t.Context(), s, "key", after)
		fs.do(nil)
		if writes < at { // all of them went well
			if err != nil || at < 5 {
				t.Errorf("after %d writes: %v", writes, err)
			}
			if n := fs.connections.Load(); n != 1 {
				t.Errorf("%d connections: a full disk takes none away", n)
			}
			return
		}
		wantError(t, err, lockstore.ErrUnavailable, false)
		for _, now := range []lockstore.Store{s, open(t, path), afterCrash(t, path)} {
			if got := get(t, now, "key"); string(got) != string(before) {
				t.Fatalf("full at write %d: the file has %d bytes", at, len(got))
			}
		}
	}
}

// When the disk does not confirm a commit, others do not see it, but it comes
// back after a crash unless somebody writes before: nobody can say whether it
// was done.
func TestDiskFailsToSync(t *testing.T) {
	fs, on := newFaultFS(t)
	path := newFile(t)
	s, other := open(t, path, on), open(t, path)
	if err := set(t.Context(), s, "key", []byte("before")); err != nil {
		t.Fatal(err)
	}
	fs.do(func(op fileOp) error {
		if op.what == "sync" {
			return syscall.EIO
		}
		return nil
	})
	wantError(t, set(t.Context(), s, "key", []byte("after")), lockstore.ErrUnavailable, true)
	fs.do(nil)
	if n := fs.connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	for _, now := range []lockstore.Store{s, other} {
		if got := string(get(t, now, "key")); got != "before" {
			t.Errorf("others see %q", got)
		}
	}
	if got := string(get(t, afterCrash(t, path), "key")); got != "after" {
		t.Errorf("after a crash it is %q: then the outcome would be certain", got)
	}
	if err := set(t.Context(), s, "other key", []byte("next")); err != nil {
		t.Error(err)
	}
	if n := fs.connections.Load(); n != 2 {
		t.Errorf("%d connections: the one that failed is not used again", n)
	}
	if got := string(get(t, afterCrash(t, path), "key")); got != "before" {
		t.Errorf("after the next write and a crash it is %q", got)
	}
}

// A disk that does not answer keeps nobody: neither a writer whose context
// ends, nor one without a deadline, nor readers.
func TestDiskHangs(t *testing.T) {
	for name, tt := range map[string]struct {
		ctx   func(context.Context) (context.Context, context.CancelFunc)
		cause error // nil: the store's own bound
	}{
		"deadline": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 20*time.Millisecond)
		}, context.DeadlineExceeded},
		"cancel": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(20*time.Millisecond, func() { cancel(errors.New("a cause of its own")) })
			return ctx, func() { cancel(nil) }
		}, context.Canceled},
		"own bound": {context.WithCancel, nil},
	} {
		t.Run(name, func(t *testing.T) {
			fs, on := newFaultFS(t)
			s := open(t, newFile(t), on, sqlitestore.WithTimeout(500*time.Millisecond))
			if err := set(t.Context(), s, "key", []byte("before")); err != nil {
				t.Fatal(err)
			}
			stuck, release := make(chan struct{}, 1), make(chan struct{})
			fs.do(func(op fileOp) error {
				if op.what == "sync" && op.onLog() {
					stuck <- struct{}{}
					<-release
				}
				return nil
			})
			ctx, cancel := tt.ctx(t.Context())
			defer cancel()
			start := time.Now()
			err := set(ctx, s, "key", []byte("after"))
			took := time.Since(start)
			<-stuck
			wantError(t, err, lockstore.ErrUnavailable, true)
			own := !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
			if tt.cause == nil != own || tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Errorf("got %v, want the cause %v", err, tt.cause)
			}
			if took > 3*time.Second {
				t.Errorf("it took %v", took)
			}
			if got := string(get(t, s, "key")); got != "before" {
				t.Errorf("meanwhile it is %q", got)
			}
			fs.do(nil)
			close(release)
			if err := set(t.Context(), s, "other", nil); err != nil { // behind the one that hung
				t.Error(err)
			}
			if got := string(get(t, s, "key")); got != "after" {
				t.Errorf("in the end it is %q", got)
			}
		})
	}
}

// Before its commit a write is certainly not made, whatever becomes of it.
func TestDiskHangsReading(t *testing.T) {
	fs, on := newFaultFS(t)
	path := newFile(t)
	s, other := open(t, path, on), open(t, path)
	stuck, release := make(chan struct{}, 2), make(chan struct{})
	fs.do(func(op fileOp) error {
		if op.what == "read" {
			stuck <- struct{}{}
			<-release
		}
		return nil
	})
	if err := set(t.Context(), other, "key", []byte("before")); err != nil { // which s has to read from the log
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	start := time.Now()
	data := []byte("after")
	wantError(t, set(ctx, s, "key", data), lockstore.ErrUnavailable, false)
	clear(data) // it is the caller's again; the race detector watches
	<-stuck
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := s.Get(ctx, "key", lockstore.Consistent)
	wantError(t, err, lockstore.ErrUnavailable, false)
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	fs.do(nil)
	close(release)
	if err := set(t.Context(), s, "other", nil); err != nil { // behind the one that hung
		t.Error(err)
	}
	if got := string(get(t, other, "key")); got != "before" {
		t.Errorf("the write that was given up was made: %q", got)
	}
}

// A writer that leaves while it waits for a connection lets the next one have
// its place in the line.
func TestDiskHangsWithAllConnections(t *testing.T) {
	fs, on := newFaultFS(t)
	path := newFile(t)
	s := open(t, path, on)
	if err := set(t.Context(), open(t, path), "key", []byte("data")); err != nil { // which s has to read from the log
		t.Fatal(err)
	}
	const connections = 4
	stuck, release := make(chan struct{}, 100), make(chan struct{})
	fs.do(func(op fileOp) error {
		if op.what == "read" {
			stuck <- struct{}{}
			<-release
		}
		return nil
	})
	var wg sync.WaitGroup
	for range connections + 1 {
		wg.Go(func() {
			if res, err := s.Get(context.Background(), "key", lockstore.Consistent); err != nil || string(res.Record.Data) != "data" {
				t.Errorf("%+v, %v", res, err)
			}
		})
	}
	for range connections {
		<-stuck
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantError(t, set(ctx, s, "other", nil), lockstore.ErrUnavailable, false)
	fs.do(nil)
	close(release)
	wg.Wait()
	if err := set(t.Context(), s, "other", nil); err != nil {
		t.Error(err)
	}
	if n := fs.connections.Load(); n != connections {
		t.Errorf("%d connections", n)
	}
}

// A commit that ends soon after its context is told as what it was.
func TestDiskIsSlow(t *testing.T) {
	fs, on := newFaultFS(t)
	s := open(t, newFile(t), on, sqlitestore.WithGrace(time.Minute))
	ctx, cancel := context.WithCancel(t.Context())
	fs.do(func(op fileOp) error {
		if op.what == "sync" && op.onLog() {
			cancel()
			time.Sleep(10 * time.Millisecond) // real time: less than the store's patience
		}
		return nil
	})
	if err := set(ctx, s, "key", []byte("after")); err != nil {
		t.Error(err)
	}
	fs.do(nil)
	if got := string(get(t, s, "key")); got != "after" {
		t.Errorf("it is %q", got)
	}
}
