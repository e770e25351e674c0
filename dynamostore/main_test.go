package dynamostore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.uber.org/goleak"

	"github.com/kmdeveloping/dynalock/dynamostore"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
	"github.com/kmdeveloping/dynalock/lockstore"
)

func TestMain(m *testing.M) {
	code := enginetest.Run(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "leak:", err)
		code = 1
	}
	os.Exit(code)
}

type attributes = map[string]types.AttributeValue

// A rig is a store on a table of the engine, with a wire between the two that
// sees every request and can spoil it. db reads and writes beside the store.
type rig struct {
	*testing.T
	store *dynamostore.Store
	db    *dynamodb.Client
	table string
	wire  *wire
}

// newRig tells the SDK's client to retry, which the store must not let it do.
func newRig(t *testing.T) *rig {
	return newRigOn(t, enginetest.Keys{}, dynamostore.Config{})
}

func newRigOn(t *testing.T, keys enginetest.Keys, config dynamostore.Config) *rig {
	t.Helper()
	db := enginetest.Client(t)
	r := &rig{T: t, db: db, table: enginetest.Table(t, db, keys)}
	r.wire, r.store = newWire(t, r.table, config)
	return r
}

func newWire(t testing.TB, table string, config dynamostore.Config) (*wire, *dynamostore.Store) {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	w := &wire{next: transport}
	client := enginetest.NewClient(enginetest.Endpoint(t), &http.Client{Transport: w}, func(o *dynamodb.Options) {
		o.RetryMaxAttempts, o.RetryMode = 5, aws.RetryModeAdaptive
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: secretKey, SessionToken: sessionToken}, nil
		})
	})
	store, err := dynamostore.New(client, table, config)
	if err != nil {
		t.Fatal(err)
	}
	return w, store
}

// What no error may show.
const (
	secretKey    = "SECRETKEY"
	sessionToken = "SESSIONTOKEN"
	secretData   = "SECRETDATA"
)

// A wire is the HTTP transport under the store's client.
type wire struct {
	next http.RoundTripper

	mu    sync.Mutex
	spoil fault
	seen  []seen
}

// A seen is one request as it was sent.
type seen struct {
	op   string
	body map[string]any
}

// A fault answers for the engine, which it may ask by send.
type fault func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error)

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	request := seen{op: op}
	if err := json.Unmarshal(text, &request.body); err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.seen = append(w.seen, request)
	spoil := w.spoil
	w.mu.Unlock()
	send := func() (*http.Response, error) {
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(strings.NewReader(string(text)))
		return w.next.RoundTrip(again)
	}
	if spoil != nil {
		return spoil(r, send)
	}
	return send()
}

func (w *wire) set(f fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spoil, w.seen = f, nil
}

func (w *wire) requests() []seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

// answer makes an HTTP answer as the engine would write one.
func answer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}, "Content-Type": {"application/x-amz-json-1.0"}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}

// refusal is DynamoDB's answer with an error code.
func refusal(status int, code, message string) *http.Response {
	text, _ := json.Marshal(map[string]string{"__type": "com.amazonaws.dynamodb.v20120810#" + code, "message": message})
	return answer(status, string(text))
}

// put writes an item as it is, beside the store.
func (r *rig) put(it attributes) {
	r.Helper()
	if _, err := r.db.PutItem(r.Context(), &dynamodb.PutItemInput{TableName: &r.table, Item: it}); err != nil {
		r.Fatal(err)
	}
}

// item reads an item as it is.
func (r *rig) item(key string) attributes {
	r.Helper()
	out, err := r.db.GetItem(r.Context(), &dynamodb.GetItemInput{
		TableName: &r.table, Key: attributes{"key": text(key)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		r.Fatal(err)
	}
	return out.Item
}

func (r *rig) write(key string, w lockstore.Write) lockstore.Result {
	r.Helper()
	res, err := r.store.Write(r.Context(), key, w)
	if err != nil {
		r.Fatal(err)
	}
	return res
}

// storeError checks that an error is the store's, of that kind and no other.
func storeError(t testing.TB, err, kind error) *lockstore.Error {
	t.Helper()
	e, ok := errors.AsType[*lockstore.Error](err)
	if !ok || !errors.Is(err, kind) {
		t.Fatalf("got %v, want a *lockstore.Error of the kind %q", err, kind)
	}
	return e
}

func text(s string) types.AttributeValue       { return &types.AttributeValueMemberS{Value: s} }
func number(s string) types.AttributeValue     { return &types.AttributeValueMemberN{Value: s} }
func binary(s string) types.AttributeValue     { return &types.AttributeValueMemberB{Value: []byte(s)} }
func boolean(b bool) types.AttributeValue      { return &types.AttributeValueMemberBOOL{Value: b} }
func object(m attributes) types.AttributeValue { return &types.AttributeValueMemberM{Value: m} }
func list(l ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: l}
}

const (
	nonce1 = lockstore.Nonce("\x00\x01\x02\x03\x04\x05\x06\x07\x80\xff\xfe\xfd\xfc\xfb\xfa\x00")
	nonce2 = lockstore.Nonce("0123456789abcdef")
)
