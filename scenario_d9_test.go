package dynalock_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/hook"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
)

// lines is a slog handler that keeps what it is given.
type lines struct {
	mu  sync.Mutex
	all []slog.Record
}

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }
func (l *lines) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *lines) WithGroup(string) slog.Handler            { return l }
func (l *lines) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, r.Clone())
	return nil
}

// at gives the lines of that level or above, with their attributes.
func (l *lines) at(least slog.Level) (texts []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.all {
		if r.Level >= least {
			text := r.Level.String() + " " + r.Message
			r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
			texts = append(texts, text)
		}
	}
	return texts
}

func (l *lines) option() dynalock.ClientOption { return dynalock.WithLogger(slog.New(l)) }

// TestD9_SilentWhenWell: a minute with 50 locks, their acquires and releases
// included, says nothing above debug level.
func TestD9_SilentWhenWell(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var log lines
		a := w.machine("a", log.option())
		var held []*dynalock.Lock
		for i := range 50 {
			held = append(held, a.take(fmt.Sprint(i), dynalock.KeepAlive(), dynalock.WithLease(3*time.Second)))
		}
		time.Sleep(time.Minute)
		if n := len(log.at(slog.LevelDebug)); n > 50 {
			t.Errorf("%d lines even at debug level: one for each renewal?", n)
		}
		for _, l := range held {
			must(t, l.Release(bg))
		}
		must(t, a.Close(bg))
		if got := log.at(slog.LevelInfo); len(got) != 0 {
			t.Error(got)
		}
	})
}

// TestD9_OneWarningForAFailure: an outage that the lock survives is one
// warning, however many tries fail.
func TestD9_OneWarningForAFailure(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var log lines
		a := w.machine("a", log.option())
		l := a.take("k", dynalock.KeepAlive())
		time.Sleep(time.Minute)
		// By then its session is renewed.
		failing := a.net.On(faultstore.Match{If: movesEnd, Times: 3}, faultstore.Throttle())
		<-failing.Done()
		time.Sleep(time.Minute)
		warnings := log.at(slog.LevelWarn)
		if len(warnings) != 1 || !strings.Contains(warnings[0], "key=k owner") || !strings.Contains(warnings[0], "throttled") || !l.Held() {
			t.Errorf("%q, %v", warnings, l.Err())
		}
		if infos := log.at(slog.LevelInfo); len(infos) > 2 {
			t.Errorf("%q", infos)
		}
	})
}

// TestD9_OneErrorForALoss with what one needs to find out why.
func TestD9_OneErrorForALoss(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var log lines
		a := w.machine("web-1", log.option())
		l := a.take("the key", dynalock.KeepAlive(), dynalock.WithLease(3*time.Second))
		a.net.Down(faultstore.Deny())
		<-l.Done()
		_ = l.Renew(bg)
		_ = l.Release(bg)
		time.Sleep(time.Minute)
		errs := log.at(slog.LevelError)
		if len(errs) != 1 {
			t.Fatalf("%q", errs)
		}
		for _, part := range []string{"key=the key", "owner=web-1", "cause=expired", "access denied", "not allowed"} {
			if !strings.Contains(errs[0], part) {
				t.Errorf("%q does not tell %q", errs[0], part)
			}
		}
		if n := len(log.at(slog.LevelWarn)); n > 2 {
			t.Errorf("%q", log.at(slog.LevelWarn))
		}
	})
}

// TestD9_ContentionIsNoError: 1,000 tries of a held lock, and a wait.
func TestD9_ContentionIsNoError(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var log lines
		w.machine("a").take("k")
		b := w.machine("b", log.option())
		for range 1000 {
			_, err := b.AcquireLock(bg, "k")
			if !errors.Is(err, dynalock.ErrHeld) {
				t.Fatal(err)
			}
		}
		_, _ = b.AcquireLock(bg, "k", dynalock.WaitFor(time.Minute))
		if got := log.at(slog.LevelDebug + 1); len(got) != 0 {
			t.Error(got)
		}
	})
}

// texts are all that a test could get out of the library as text.
type texts struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (x *texts) add(values ...any) {
	x.format(values...)
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, v := range values {
		slog.New(slog.NewJSONHandler(&x.all, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&x.all, nil)).Info("x", "v", v)
	}
}

func (x *texts) format(values ...any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			_, _ = fmt.Fprintf(&x.all, verb+"\n", v)
		}
	}
}

// TestD9_SecretsStaySecret: data, handles and nonces are in no line, error,
// event or formatted value.
func TestD9_SecretsStaySecret(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var x texts
		var log lines
		net := faultstore.New(w.table)
		defer net.Close()
		n := 0
		var mu sync.Mutex
		store := &hook.Store{Store: net, Random: func(b []byte) {
			mu.Lock()
			defer mu.Unlock()
			n++
			copy(b, fmt.Sprintf("NONCE%011d", n))
		}}
		c := dynalock.New(store, dynalock.WithLockOwnerName("a"), log.option(),
			dynalock.WithObserver(func(_ context.Context, e dynalock.Event) { x.add(e, &e, e.Err) }))
		data := []byte("DATA-MARKER")
		l, err := c.AcquireLock(bg, "k", dynalock.WithData(data), dynalock.KeepAlive(), dynalock.WithLease(2*time.Second))
		must(t, err)
		handle := l.Handle()
		info, err := c.GetLock(bg, "k")
		must(t, err)
		x.add(l, info, *info)
		// In a list, a JSON handler goes by encoding/json, which has no such rule.
		x.format([]dynalock.LockInfo{*info}, map[string]*dynalock.Lock{"l": l}, struct{ L *dynalock.Lock }{l})
		_, held := c.AcquireLock(bg, "k", dynalock.WithData(data))
		_, attach := c.AttachLock(bg, handle[:len(handle)-3])
		_, attach2 := c.AttachLock(bg, handle+"x")
		m, err := c.AttachLock(bg, handle)
		must(t, err)
		x.add(m, held, attach, attach2)
		net.On(faultstore.Match{Op: faultstore.OpWrite, Times: 3}, faultstore.ApplyCut())
		x.add(l.Update(bg, data), c.UpdateLock(bg, "k", make([]byte, 1<<20)))
		r := w.row("k")
		r.Data, r.Sealed = data, true
		w.table.Put("k", r)
		_, sealed := c.ResumeLock(bg, "k")
		x.add(sealed)
		net.Down(faultstore.Refuse())
		time.Sleep(10 * time.Second)
		x.add(l, l.Err(), l.Release(bg), m.Release(bg))
		net.Up()
		w.table.Put("k", r)
		_, gone := c.AttachLock(bg, handle)
		x.add(gone)
		must(t, c.Close(bg))
		x.add(l, log.at(slog.LevelDebug))
		all := x.all.String()
		for _, secret := range []string{
			"DATA-MARKER", "444154412d4d41524b4552", "68 65 84 65", "REFUQS", handle, handle[:len(handle)-3], "dynalock1.e", "NONCE", "4e4f4e4345", "78 79 78 67 69",
		} {
			if i := strings.Index(all, secret); i >= 0 {
				t.Errorf("%.20q shows: %q", secret, all[max(0, i-200):min(len(all), i+100)])
			}
		}
		if !strings.Contains(all, `lock "k" of "a"`) || len(all) < 10000 {
			t.Errorf("not enough text to judge: %d bytes", len(all))
		}
	})
}

// What is shown of a lock tells which one it is, and how it is.
func TestD9_WhatIsShown(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.machine("a")
		l := a.take("k", dynalock.WithLease(time.Second))
		want := fmt.Sprintf(`lock "k" of "a", token %d, `, l.Token())
		check := func(state string, values ...any) {
			t.Helper()
			for _, v := range values {
				if got := fmt.Sprint(v); got != want+state {
					t.Errorf("%s, want %s", got, want+state)
				}
				var b bytes.Buffer
				slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
				for _, attr := range []string{"v.key=k", "v.owner=a", fmt.Sprintf("v.token=%d", l.Token()), "v.state="} {
					if !strings.Contains(b.String(), attr) {
						t.Errorf("%s: no %s", b.String(), attr)
					}
				}
			}
		}
		info, err := a.GetLock(bg, "k")
		must(t, err)
		check("held", l, info, *info)
		time.Sleep(2 * time.Second)
		info, err = a.GetLock(bg, "k")
		must(t, err)
		check("lost: expired", l)
		check("lapsed", info, *info)
		if got := fmt.Sprint((*dynalock.Lock)(nil)); got != "no lock" {
			t.Error(got)
		}
	})
}
