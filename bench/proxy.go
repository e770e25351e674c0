package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A proxy stands between clients and the engine, keeps a log of the requests
// that pass, and makes each round trip longer by delay. It knows no more of HTTP
// than the clients here and the engine speak (bodies with a Content-Length, one
// request at a time on a connection): a general one would cost more time than
// the engine, on a machine where everything shares two CPUs.
type proxy struct {
	url    string
	delay  time.Duration
	target string
	listen net.Listener

	mu     sync.Mutex
	closed bool
	log    []request
	open   map[net.Conn]struct{}
	serve  sync.WaitGroup
}

// A request is one line of the log.
type request struct {
	at      int64 // when it arrived, wall clock, ns
	kind    kind
	session bool // for a session's record
	refused bool // not answered with 200: mostly a condition that failed
}

type kind int

const (
	other kind = iota
	write
	strongRead
	weakRead
)

func newProxy(target string, delay time.Duration) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{
		url: "http://" + l.Addr().String(), delay: delay, listen: l,
		target: strings.TrimPrefix(target, "http://"), open: map[net.Conn]struct{}{},
	}
	p.serve.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.serve.Go(func() { p.connection(c) })
		}
	})
	return p, nil
}

// close ends the proxy and every connection through it.
func (p *proxy) close() {
	_ = p.listen.Close()
	p.mu.Lock()
	p.closed = true
	for c := range p.open {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.serve.Wait()
}

// enter keeps a connection to be closed with the proxy.
func (p *proxy) enter(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = c.Close()
		return false
	}
	p.open[c] = struct{}{}
	return true
}

func (p *proxy) leave(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

// connection carries one client's connection over one of its own to the engine.
func (p *proxy) connection(client net.Conn) {
	if !p.enter(client) {
		return
	}
	defer p.leave(client)
	engine, err := net.Dial("tcp", p.target)
	if err != nil || !p.enter(engine) {
		return
	}
	defer p.leave(engine)
	questions, answers := bufio.NewReader(client), bufio.NewReader(engine)
	var m message
	for m.read(questions) == nil {
		r := request{at: time.Now().UnixNano(), kind: m.kind(), session: m.ofSession()}
		there := p.travel(p.delay / 2)
		if _, err := engine.Write(m.text); err != nil {
			return
		}
		err := m.read(answers)
		r.refused = err != nil || !bytes.HasPrefix(m.text, []byte("HTTP/1.1 200"))
		p.note(r)
		if err != nil {
			return
		}
		p.travel(p.delay - there)
		if _, err := client.Write(m.text); err != nil {
			return
		}
	}
}

// travel takes that long, or a little longer: timers are coarse. What the way
// there took too long, the way back makes up for.
func (p *proxy) travel(d time.Duration) (took time.Duration) {
	if d <= 0 {
		return 0
	}
	began := time.Now()
	time.Sleep(d)
	return time.Since(began)
}

func (p *proxy) note(r request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, r)
}

// between gives what passed from one moment to another, in ns of the wall clock.
func (p *proxy) between(from, to int64) (t tally) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.log {
		if r.at >= from && r.at < to {
			t.add(r)
		}
	}
	return t
}

// since gives what passed from that moment on.
func (p *proxy) since(from int64) tally { return p.between(from, time.Now().UnixNano()+1) }

// A tally counts requests. Writes and reads are all of them; the other fields
// say how many of these were of a kind.
type tally struct{ writes, reads, strong, refusedWrites, sessionWrites, sessionReads int }

func (t *tally) add(r request) {
	switch r.kind {
	case write:
		t.writes++
		if r.refused {
			t.refusedWrites++
		}
		if r.session {
			t.sessionWrites++
		}
	case strongRead, weakRead:
		t.reads++
		if r.kind == strongRead {
			t.strong++
		}
		if r.session {
			t.sessionReads++
		}
	}
}

// A message is a request or an answer as it stands on the wire.
type message struct {
	text   []byte
	head   int // bytes before the body
	action string
}

func (m *message) body() []byte { return m.text[m.head:] }

func (m *message) read(r *bufio.Reader) error {
	m.text, m.action = m.text[:0], ""
	length := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		m.text = append(m.text, line...)
		if len(line) <= 2 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return errors.New("a body without a length")
		case bytes.EqualFold(name, []byte("X-Amz-Target")):
			_, action, _ := bytes.Cut(value, []byte("."))
			m.action = string(action)
		}
	}
	m.head = len(m.text)
	m.text = append(m.text, make([]byte, length)...)
	_, err := io.ReadFull(r, m.text[m.head:])
	return err
}

func (m *message) kind() kind {
	switch m.action {
	case "UpdateItem", "PutItem", "DeleteItem":
		return write
	case "GetItem", "Query", "Scan":
		if bytes.Contains(m.body(), []byte(`"ConsistentRead":true`)) {
			return strongRead
		}
		return weakRead
	}
	return other
}

// ofSession reports whether the request is for a session's record, and not for
// a lock that names its session.
func (m *message) ofSession() bool {
	return bytes.Contains(m.body(), []byte(`"Key":{"key":{"S":"dynalock:session:`))
}
