//go:build linux

package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// A proxy passes TCP on until it is cut: from then on it takes what it gets
// and answers nothing, as a network does that drops packets.
type proxy struct {
	listener net.Listener
	cut      atomic.Bool
	mu       sync.Mutex
	conns    []net.Conn
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l}
	t.Cleanup(p.close)
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				_ = in.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, in, out)
			p.mu.Unlock()
			go p.pass(in, out)
			go p.pass(out, in)
		}
	}()
	return p
}

func (p *proxy) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if p.cut.Load() {
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) url() string { return "http://" + p.listener.Addr().String() }

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
}

const (
	partitionRuns     = 30
	partitionParallel = 6
)

// TestPartition is E4: a wrapper that is cut off from the table ends its
// command, which ignores TERM, before another may start, in every one of 30
// runs with the cut at a random moment.
func TestPartition(t *testing.T) {
	t.Parallel()
	db := enginetest.Client(t)
	table := enginetest.Table(t, db)
	slots := make(chan struct{}, partitionParallel)
	for n := range partitionRuns {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			partition(t, table, fmt.Sprintf("key-%d", n))
		})
	}
}

func partition(t *testing.T, table, key string) {
	const lease, grace = 3 * time.Second, 300 * time.Millisecond
	engine := enginetest.Endpoint(t)
	cut := newProxy(t, strings.TrimPrefix(engine, "http://"))
	near := place{env: append(awsEnv(engine), "DYNALOCK_STORE=dynamodb:"+table)}
	far := place{env: append(awsEnv(cut.url()), "DYNALOCK_STORE=dynamodb:"+table)}
	fileA, fileB := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	args := func(file, times string) []string {
		return []string{"run", "--lease", lease.String(), "--grace", grace.String(), "--wait-for", "1m", key,
			"--", "testchild", "tick", file, times}
	}
	a := far.begin(t, "dynalock", args(fileA, "0")...)
	eventually(t, "A's command runs", 20*time.Second, func() bool { return len(lines(fileA)) > 0 })
	b := near.begin(t, "dynalock", args(fileB, "3")...)
	eventually(t, "B waits", 20*time.Second, func() bool { return strings.Contains(b.stderr.String(), "waiting for") })
	time.Sleep(rand.N(lease)) // real time: the cut comes at any moment between two renewals
	if len(lines(fileB)) > 0 {
		t.Fatalf("B began before the cut; A's stderr: %s", a.stderr)
	}
	cut.cut.Store(true)
	at := time.Now()
	a.wants(76, 30*time.Second)
	b.wants(0, 30*time.Second)
	ticksA, begin := ticks(t, fileA), ticks(t, fileB)[0]
	end := ticksA[len(ticksA)-1]
	if !end.Before(begin) {
		t.Errorf("overlap: A's command ran until %v after B's began", end.Sub(begin))
	}
	// 2 leases, a poll, the grace, and a second and a half by which DynamoDB's
	// clock is known.
	if took, limit := begin.Sub(at), 2*lease+time.Second+grace+1500*time.Millisecond+slack(100*time.Millisecond); took > limit {
		t.Errorf("B began %v after the cut, later than %v", took, limit)
	}
	t.Logf("A ended %v after the cut, B began %v after that", end.Sub(at), begin.Sub(end))
}
