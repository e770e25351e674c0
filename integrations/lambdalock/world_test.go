//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/lambdalock/internal/emulator"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// limit is for a busy machine; nothing takes long.
const limit = time.Minute

var built = struct {
	dir string
	mu  sync.Mutex
}{}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "lambdalock-")
	if err != nil {
		panic(err)
	}
	built.dir = dir
	code := enginetest.Run(m)
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// executable builds a function once.
func executable(t *testing.T, pkg string) string {
	t.Helper()
	built.mu.Lock()
	defer built.mu.Unlock()
	dir := filepath.Join(built.dir, filepath.Base(pkg))
	path := filepath.Join(dir, "bootstrap")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	path, err := emulator.Build(pkg, dir)
	must(t, err)
	return path
}

// A world is two tables and the way to them.
type world struct {
	t       *testing.T
	net     *proxy
	db      *dynamodb.Client // not through the proxy
	locks   *dynalock.Client
	names   []string // of the tables
	seconds int      // the function's timeout
	pkg     string
}

func newWorld(t *testing.T, seconds int) *world {
	t.Helper()
	db := enginetest.Client(t)
	w := &world{t: t, net: newProxy(t), db: db, seconds: seconds, pkg: ".",
		names: []string{enginetest.Table(t, db), enginetest.Table(t, db, enginetest.Keys{Partition: "item"})}}
	w.locks = dynalock.NewDynalockClient(db, w.names[0], dynalock.WithLockOwnerName("the test"))
	t.Cleanup(func() { must(t, w.locks.Close(context.Background())) })
	t.Cleanup(w.checkPolicy)
	return w
}

// sent are the function's requests, with the tables' names in the templates.
func (w *world) sent() []request {
	sent := w.net.requests()
	for i := range sent {
		sent[i].table = []string{"locks", "prices", "?"}[(slices.Index(w.names, sent[i].table)+3)%3]
	}
	return sent
}

// checkPolicy: the function sent nothing that its role may not.
func (w *world) checkPolicy() {
	policy := readSAM(w.t)
	for _, r := range w.sent() {
		if w.pkg == "." && !policy.allows(r) {
			w.t.Errorf("the templates' policy does not allow %v", r)
		}
	}
}

// An environment is an execution environment of the function.
type environment struct {
	*emulator.Emulator
	w *world
}

func (w *world) environment() *environment {
	w.t.Helper()
	log, err := os.Create(filepath.Join(w.t.TempDir(), "log"))
	must(w.t, err)
	e, err := emulator.Start(executable(w.t, w.pkg), []string{
		"PATH=" + os.Getenv("PATH"), "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
		"AWS_ENDPOINT_URL_DYNAMODB=" + w.net.URL,
		fmt.Sprint("AWS_LAMBDA_FUNCTION_TIMEOUT=", w.seconds),
		"LOCKS_TABLE=" + w.names[0], "PRICES_TABLE=" + w.names[1],
	}, log)
	w.t.Cleanup(func() {
		if w.t.Failed() {
			text, _ := os.ReadFile(log.Name())
			w.t.Logf("the emulator and the function said:\n%s", text)
		}
		_ = log.Close()
	})
	must(w.t, err)
	w.t.Cleanup(e.Stop)
	return &environment{e, w}
}

// An answer is what an invocation gives, either way.
type answer struct {
	result
	ErrorType, ErrorMessage string
	text                    string
}

// invoke has the list's name as request id: a retry has the same.
func (e *environment) invoke(list priceList) answer {
	e.w.t.Helper()
	return <-e.begin(list)
}

func (e *environment) begin(list priceList) <-chan answer {
	c := make(chan answer, 1)
	event, err := json.Marshal(list)
	must(e.w.t, err)
	go func() {
		ctx, cancel := context.WithTimeout(e.w.t.Context(), limit)
		defer cancel()
		text, err := e.Invoke(ctx, list.Name, event)
		if err != nil {
			text = []byte(err.Error())
		}
		a := answer{text: string(text)}
		_ = json.Unmarshal(text, &a) // not JSON after a timeout
		c <- a
	}()
	return c
}

func (e *environment) signal(s syscall.Signal) {
	e.w.t.Helper()
	p, err := e.Process()
	must(e.w.t, err)
	must(e.w.t, p.Signal(s))
}

// lock is what the table says of it.
func (w *world) lock() *dynalock.LockInfo {
	w.t.Helper()
	l, err := w.locks.GetLock(w.t.Context(), key)
	must(w.t, err)
	return l
}

// price is the one that is stored, and by which token.
func (w *world) price(item string) string {
	w.t.Helper()
	out, err := w.db.GetItem(w.t.Context(), &dynamodb.GetItemInput{TableName: &w.names[1],
		Key: map[string]types.AttributeValue{"item": &types.AttributeValueMemberS{Value: item}}})
	must(w.t, err)
	number := func(name string) string {
		n, _ := out.Item[name].(*types.AttributeValueMemberN)
		if n == nil {
			return "none"
		}
		return n.Value
	}
	return number("cents") + " by " + number("lock_token")
}

// holdsPrice holds up the next write of that price.
func (w *world) holdsPrice(item string) *held {
	return w.net.holds(request{"UpdateItem", w.names[1], item})
}

func (h *held) wait(t *testing.T) {
	t.Helper()
	select {
	case <-h.sent:
	case <-time.After(limit):
		t.Fatalf("%v was not sent", h.request)
	}
}

// fruit is a list whose prices are all the same.
func fruit(name string, cents int) priceList {
	l := priceList{Name: name}
	for _, item := range []string{"apple", "fig", "pear", "plum"} {
		l.Prices = append(l.Prices, price{item, cents})
	}
	return l
}
