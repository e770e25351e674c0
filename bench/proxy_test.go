package main

import (
	"bufio"
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

func TestProxyCounts(t *testing.T) {
	p, err := newProxy(enginetest.Endpoint(t), 20*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	table := enginetest.Table(t, enginetest.Client(t))
	c := newLibrary(newSDK(p.url), table, false)
	ctx := context.Background()
	l, err := c.AcquireLock(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AcquireLock(ctx, "a"); err == nil {
		t.Fatal("held twice")
	}
	began := time.Now()
	if _, err := c.GetLock(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 20*time.Millisecond {
		t.Errorf("a read took %v, want at least the delay", took)
	}
	if err := l.Release(ctx); err != nil {
		t.Fatal(err)
	}
	want := tally{writes: 3, refusedWrites: 1, reads: 1, strong: 1}
	if got := p.since(0); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func TestMessage(t *testing.T) {
	for body, want := range map[string]kind{
		`GetItem {"ConsistentRead":true}`: strongRead, `GetItem {"ConsistentRead":false}`: weakRead, `GetItem {}`: weakRead,
		`UpdateItem {}`: write, `PutItem {}`: write, `DeleteItem {}`: write, `DescribeTable {}`: other,
	} {
		action, text, _ := strings.Cut(body, " ")
		m := read(t, action, text)
		if got := m.kind(); got != want || string(m.body()) != text {
			t.Errorf("%s: kind %v, body %q", body, got, m.body())
		}
	}
	session := read(t, "UpdateItem", `{"TableName":"t","Key":{"key":{"S":"dynalock:session:1"}}}`)
	moved := read(t, "UpdateItem", `{"Key":{"key":{"S":"a"}},"ExpressionAttributeValues":{":s":{"S":"dynalock:session:1"}}}`)
	if !session.ofSession() || moved.ofSession() {
		t.Error("a session's record and a lock that names it are not told apart")
	}
}

func read(t *testing.T, action, body string) *message {
	t.Helper()
	var m message
	text := "POST / HTTP/1.1\r\nHost: a\r\nx-amz-target: DynamoDB_20120810." + action + "\r\ncontent-length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	if err := m.read(bufio.NewReader(strings.NewReader(text))); err != nil {
		t.Fatal(err)
	}
	return &m
}
