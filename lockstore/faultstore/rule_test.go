package faultstore_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// A script of rules is read from top to bottom, one request a rule.
func TestRulesInOrder(t *testing.T) {
	bubble(t, func(r rig) {
		writes := faultstore.Match{Op: faultstore.OpWrite, Times: 1}
		r.fs.On(writes, faultstore.Throttle())
		r.fs.On(writes, faultstore.Deny())
		last := r.fs.On(faultstore.Match{Op: faultstore.OpWrite, Key: "k", Skip: 1, Times: 2}, faultstore.Refuse500())
		var got []string
		for range 6 {
			_, err := r.write(update("x"))
			kind := "ok"
			if err != nil {
				kind, _, _ = strings.Cut(err.Error(), " (")
			}
			got = append(got, kind)
		}
		want := "[throttled access denied ok store unavailable store unavailable ok]"
		if fmt.Sprint(got) != want {
			r.Errorf("got  %v\nwant %v", got, want)
		}
		if last.Fired() != 2 || !closed(last.Done()) {
			r.Error("the last rule fired", last.Fired())
		}
	})
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		match faultstore.Match
		meets string
	}{
		{faultstore.Match{}, "get scan acquire renew update resume release delete other"},
		{faultstore.Match{Op: faultstore.OpGet}, "get"},
		{faultstore.Match{Op: faultstore.OpScan}, "scan"},
		{faultstore.Match{Op: faultstore.OpWrite, Key: "other"}, "other"},
		{faultstore.Match{If: faultstore.Acquires}, "acquire resume other"},
		{faultstore.Match{If: faultstore.Renewals}, "renew"},
		{faultstore.Match{If: faultstore.Updates}, "update"},
		{faultstore.Match{If: faultstore.Releases}, "release delete"},
	} {
		bubble(t, func(r rig) {
			r.fs.On(tt.match, faultstore.Deny())
			var met []string
			note := func(name string, err error) {
				if err != nil {
					met = append(met, name)
				}
			}
			_, err := r.fs.Get(r.Context(), "k", lockstore.Eventual)
			note("get", err)
			_, err = r.fs.Scan(r.Context(), lockstore.Query{})
			note("scan", err)
			for _, w := range []struct {
				name, key string
				write     lockstore.Write
			}{
				{"acquire", "k", acquire("n")}, {"renew", "k", renew()}, {"update", "k", update("x")}, {"resume", "k", resume()},
				{"release", "k", release()}, {"delete", "k", lockstore.Write{Delete: true}}, {"other", "other", acquire("n")},
			} {
				_, err := r.fs.Write(r.Context(), w.key, w.write)
				note(w.name, err)
			}
			if got := strings.Join(met, " "); got != tt.meets {
				r.Errorf("%+v meets %q, want %q", tt.match, got, tt.meets)
			}
		})
	}
}

func TestOff(t *testing.T) {
	bubble(t, func(r rig) {
		rule := r.fs.On(faultstore.Match{}, faultstore.Deny())
		_, _ = r.write(acquire("n"))
		rule.Off()
		r.must(acquire("n"))
		if rule.Fired() != 1 || !closed(rule.Done()) {
			r.Error("fired", rule.Fired())
		}
	})
}

func TestRequestsAndLog(t *testing.T) {
	bubble(t, func(r rig) {
		r.must(acquire("n"))
		if res, err := r.write(acquire("m")); err != nil || res.Applied {
			r.Fatal(res, err)
		}
		r.must(update("secret"))
		r.fs.On(faultstore.Match{Op: faultstore.OpScan}, faultstore.Delay(time.Second))
		_, _ = r.fs.Get(r.Context(), "k", lockstore.Eventual)
		_, _ = r.fs.Get(r.Context(), "k", lockstore.Consistent)
		_, _ = r.fs.Scan(r.Context(), lockstore.Query{})
		want := faultstore.Counts{Gets: 2, Strong: 1, Writes: 3, Scans: 1, Failed: 1}
		if got := r.fs.Requests(); got != want || got.Total() != 6 {
			r.Errorf("got %+v, want %+v", got, want)
		}
		var lines []string
		for _, e := range r.fs.Log() {
			_, line, _ := strings.Cut(e.String(), " ")
			lines = append(lines, line)
		}
		wantLog := `+0s Write "k" acquire
+0s Write "k" acquire not applied
+0s Write "k" update
+0s Get "k"
+0s Get "k" consistent
+1s Scan "" [delay(1s)]`
		if got := strings.Join(lines, "\n"); got != wantLog {
			r.Errorf("got\n%s\nwant\n%s", got, wantLog)
		}
		r.fs.Reset()
		if r.fs.Requests().Total() != 0 || len(r.fs.Log()) != 0 {
			r.Error("something is left after Reset")
		}
	})
}

func TestLogIsBounded(t *testing.T) {
	fs := faultstore.New(memstore.New())
	defer fs.Close()
	for range 10_000 {
		_, _ = fs.Get(t.Context(), "k", lockstore.Eventual)
	}
	if n := len(fs.Log()); n < 4096 || n > 8192 {
		t.Error(n, "entries")
	}
}

// Many clients, all faults: what the log calls applied is what the store has.
func TestConcurrentUse(t *testing.T) {
	bubble(t, func(r rig) {
		r.fs.Seed(7, faultstore.Rates{
			Cut: 0.1, Fail: 0.1, Refuse: 0.1, Throttle: 0.1, Hold: 0.1, Delay: 0.1, Late: 0.1, Repeat: 0.1, Stale: 0.5,
		})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 50 {
					_, _ = r.fs.Write(r.timeout(300*time.Millisecond), "k", update("x"))
					_, _ = r.fs.Get(r.Context(), "k", lockstore.Eventual)
				}
			})
		}
		wg.Wait()
		if err := r.fs.Wait(r.Context()); err != nil {
			r.Fatal(err)
		}
		var applied int64
		for _, e := range r.fs.Log() {
			if e.Applied {
				applied++
			}
		}
		r.wantSeq(applied)
		if applied < 200 || r.fs.Requests().Total() != 800 {
			r.Error(applied, "applied of", r.fs.Requests())
		}
	})
}
