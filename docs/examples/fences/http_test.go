package fences_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	"github.com/kmdeveloping/dynalock"
)

// A document is a resource behind a service, which keeps the highest token
// beside it and compares under the same mutex, or in the same transaction, in
// which it writes.
type document struct {
	mu    sync.Mutex
	fence uint64
	text  string
}

func (d *document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, err := strconv.ParseUint(r.Header.Get("Lock-Token-Number"), 10, 64)
	if err != nil {
		http.Error(w, "say which token you have", http.StatusPreconditionRequired)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if token < d.fence {
		http.Error(w, "another holder has been here since", http.StatusPreconditionFailed)
		return
	}
	d.fence, d.text = token, r.FormValue("text")
}

func put(ctx context.Context, url string, lock *dynalock.Lock, text string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("text="+text))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Lock-Token-Number", strconv.FormatUint(lock.Token(), 10))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	return answer.Status, answer.Body.Close()
}

func Example_http() {
	ctx := context.Background()
	server := httptest.NewServer(&document{})
	defer server.Close()
	first, second := twoHolders(ctx)
	fmt.Println(put(ctx, server.URL, second, "new"))
	fmt.Println(put(ctx, server.URL, first, "late"))
	// Output:
	// 200 OK <nil>
	// 412 Precondition Failed <nil>
}
