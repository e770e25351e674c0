//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// A proxy stands between the function and the engine. It notes the requests,
// and can hold one up, as a network does: it arrives though its sender died.
type proxy struct {
	*httptest.Server
	engine string

	mu   sync.Mutex
	seen []request
	hold *held
	all  []*held
}

// A held request has been sent and has not arrived.
type held struct {
	request
	sent   chan struct{} // closed when it is there to be let go
	let    chan struct{}
	once   sync.Once
	answer chan string // of the engine
}

func newProxy(t *testing.T) *proxy {
	p := &proxy{engine: enginetest.Endpoint(t)}
	p.Server = httptest.NewServer(p)
	t.Cleanup(func() {
		for _, h := range p.all {
			h.deliver()
		}
		p.Close() // waits for all requests
	})
	return p
}

// holds makes the next such request wait until it is let go.
func (p *proxy) holds(r request) *held {
	h := &held{request: r, sent: make(chan struct{}), let: make(chan struct{}), answer: make(chan string, 1)}
	p.mu.Lock()
	p.hold, p.all = h, append(p.all, h)
	p.mu.Unlock()
	return h
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the function died while it sent
	}
	h := p.note(parse(r.Header, body))
	if h != nil {
		close(h.sent)
		<-h.let
	}
	onward, err := http.NewRequest(r.Method, p.engine+r.URL.Path, bytes.NewReader(body)) // not r's context: the sender may be gone
	if err != nil {
		panic(err)
	}
	onward.Header = r.Header.Clone()
	answer, err := http.DefaultClient.Do(onward)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(text)
	if h != nil {
		h.answer <- string(text)
	}
}

// note keeps the request, and tells whether it is to be held up.
func (p *proxy) note(r request) *held {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, r)
	if p.hold == nil || p.hold.request != r {
		return nil
	}
	h := p.hold
	p.hold = nil
	return h
}

// parse finds the one string attribute that is the key of our tables.
func parse(h http.Header, body []byte) request {
	var in struct {
		TableName string
		Key       map[string]struct{ S string }
	}
	_ = json.Unmarshal(body, &in)
	_, action, _ := strings.Cut(h.Get("X-Amz-Target"), ".")
	r := request{action: action, table: in.TableName}
	for _, value := range in.Key {
		r.key += value.S
	}
	return r
}

func (p *proxy) requests() []request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

func (h *held) deliver() { h.once.Do(func() { close(h.let) }) }

// letGo delivers the request and gives the engine's answer.
func (h *held) letGo() string {
	h.deliver()
	return <-h.answer
}
