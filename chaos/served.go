package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock"
)

// served is a register that the parent keeps, past all faults: it refuses
// tokens lower than the highest it has seen, at reads too. One whose name ends in
// bare takes everything.
type served struct {
	w    *worker
	item string
}

func (r *served) name() string { return r.item }

func (r *served) read(ctx context.Context, l *dynalock.Lock) (string, error) {
	return r.ask(ctx, l, "")
}

func (r *served) write(ctx context.Context, l *dynalock.Lock, _, id string) error {
	_, err := r.ask(ctx, l, id)
	return err
}

func (r *served) ask(ctx context.Context, l *dynalock.Lock, id string) (last string, err error) {
	query := url.Values{"name": {r.item}, "process": {r.w.process()}, "token": {strconv.FormatUint(l.Token(), 10)}, "id": {id}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.w.Registers+"?"+query.Encode(), nil)
	if err != nil {
		return "", err
	}
	answer, err := r.w.web.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
		return last, json.NewDecoder(answer.Body).Decode(&last)
	case http.StatusConflict:
		return "", errFenced
	}
	return "", fmt.Errorf("the register answers %s", answer.Status)
}

// A keeper keeps the served registers.
type keeper struct {
	url    string
	server *http.Server

	mu    sync.Mutex
	items map[string]*kept
	read  func(process string) // called after a register was read, before the answer
}

type kept struct {
	token uint64
	last  string
}

func newKeeper(read func(process string)) (*keeper, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	k := &keeper{url: "http://" + l.Addr().String(), items: map[string]*kept{}, read: read}
	k.server = &http.Server{Handler: k, ReadHeaderTimeout: time.Minute}
	go func() { _ = k.server.Serve(l) }() // until close
	return k, nil
}

func (k *keeper) close() error { return k.server.Close() }

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	token, err := strconv.ParseUint(q.Get("token"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	last, ok := k.access(q.Get("name"), token, q.Get("id"))
	if !ok {
		http.Error(w, "a higher token was here", http.StatusConflict)
		return
	}
	if q.Get("id") == "" {
		k.read(q.Get("process"))
	}
	_ = json.NewEncoder(w).Encode(last)
}

// access reads a register and, with an id, writes it.
func (k *keeper) access(name string, token uint64, id string) (last string, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	it := k.items[name]
	if it == nil {
		it = &kept{}
		k.items[name] = it
	}
	if token < it.token && !strings.HasSuffix(name, "/bare") {
		return "", false
	}
	it.token = max(it.token, token)
	if id != "" {
		it.last = id
	}
	return it.last, true
}

// last gives the last update of each register.
func (k *keeper) last() map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := map[string]string{}
	for name, it := range k.items {
		all[name] = it.last
	}
	return all
}
