package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

func init() { roles["serve"] = serve }

// serve makes the calls of a remote on a store of this process.
func serve(args []string) error {
	s, err := sqlitestore.Open(args[0])
	if err != nil {
		return err
	}
	server := rpc.NewServer()
	if err := server.Register(&Service{s}); err != nil {
		return err
	}
	server.ServeConn(pipe{os.Stdin, os.Stdout})
	return s.Close()
}

type pipe struct {
	io.Reader
	io.WriteCloser
}

// A remote is a store whose work is done in another process.
type remote struct {
	client *rpc.Client
	scope  string
}

func newRemote(t *testing.T, path string) *remote {
	c := start(t, nil, "serve", path)
	r := &remote{rpc.NewClient(pipe{c.out, c.in}), path}
	t.Cleanup(func() {
		_ = r.client.Close()
		if err := c.Wait(); err != nil {
			t.Errorf("the serving process: %v", err)
		}
	})
	return r
}

// Call and Answer cross the pipe.
type (
	Call struct {
		Canceled bool
		Deadline time.Time
		Key      string
		Read     lockstore.Consistency
		If       [][]Value
		NoIf     bool
		Do       []Value
		Delete   bool
		Query    lockstore.Query
	}
	Answer struct {
		Applied bool
		Record  *Record
		Time    lockstore.TimeBounds
		Items   []Item
		Next    string
		Err     *Failure
	}
	Item struct {
		Key    string
		Record *Record
	}
	// Record says beside what gob keeps which slices are empty, not absent.
	Record struct {
		lockstore.Record
		HasData, HasQueue bool
	}
	Failure struct {
		Kind    int
		Unknown bool
		Text    string
		Ended   bool
		Late    bool
	}
)

// Service is the other end of a remote.
type Service struct{ s *sqlitestore.Store }

func (c Call) context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	if c.Canceled {
		cancel()
	} else if !c.Deadline.IsZero() {
		ctx, cancel = context.WithDeadline(ctx, c.Deadline)
	}
	return ctx, cancel
}

func (v *Service) Get(c Call, a *Answer) error {
	ctx, cancel := c.context()
	defer cancel()
	res, err := v.s.Get(ctx, c.Key, c.Read)
	a.set(res, err)
	return nil
}

func (v *Service) Write(c Call, a *Answer) error {
	ctx, cancel := c.context()
	defer cancel()
	w := lockstore.Write{Delete: c.Delete}
	for _, tests := range c.If {
		var list lockstore.Case
		for _, t := range tests {
			list = append(list, t.value().(lockstore.Test))
		}
		w.If = append(w.If, list)
	}
	for _, change := range c.Do {
		w.Do = append(w.Do, change.value().(lockstore.Change))
	}
	res, err := v.s.Write(ctx, c.Key, w)
	a.set(res, err)
	return nil
}

func (v *Service) Scan(c Call, a *Answer) error {
	ctx, cancel := c.context()
	defer cancel()
	page, err := v.s.Scan(ctx, c.Query)
	a.set(lockstore.Result{Time: page.Time}, err)
	for _, item := range page.Items {
		if item.Err != nil {
			return item.Err
		}
		a.Items = append(a.Items, Item{item.Key, toRecord(item.Record)})
	}
	a.Next = page.Next
	return nil
}

func (r *remote) Info() lockstore.Info { return lockstore.Info{Scope: r.scope} }

func (r *remote) Get(ctx context.Context, key string, read lockstore.Consistency) (lockstore.Result, error) {
	a, err := r.call(ctx, "Service.Get", Call{Key: key, Read: read})
	return lockstore.Result{Applied: a.Applied, Record: a.Record.record(), Time: a.Time}, err
}

func (r *remote) Write(ctx context.Context, key string, w lockstore.Write) (lockstore.Result, error) {
	c := Call{Key: key, Delete: w.Delete}
	for _, tests := range w.If {
		var list []Value
		for _, t := range tests {
			v, err := toValue(t)
			if err != nil {
				return lockstore.Result{}, err
			}
			list = append(list, v)
		}
		c.If = append(c.If, list)
	}
	for _, change := range w.Do {
		v, err := toValue(change)
		if err != nil {
			return lockstore.Result{}, err
		}
		c.Do = append(c.Do, v)
	}
	a, err := r.call(ctx, "Service.Write", c)
	return lockstore.Result{Applied: a.Applied, Record: a.Record.record(), Time: a.Time}, err
}

func (r *remote) Scan(ctx context.Context, q lockstore.Query) (lockstore.Page, error) {
	a, err := r.call(ctx, "Service.Scan", Call{Query: q})
	page := lockstore.Page{Next: a.Next, Time: a.Time}
	for _, item := range a.Items {
		page.Items = append(page.Items, lockstore.Item{Key: item.Key, Record: item.Record.record()})
	}
	return page, err
}

// call hands the context's end over as a time, which both processes read off
// one clock.
func (r *remote) call(ctx context.Context, method string, c Call) (a Answer, err error) {
	c.Canceled = errors.Is(ctx.Err(), context.Canceled)
	c.Deadline, _ = ctx.Deadline()
	if err := r.client.Call(method, c, &a); err != nil {
		return a, err
	}
	return a, a.Err.error()
}

func (a *Answer) set(res lockstore.Result, err error) {
	a.Applied, a.Record, a.Time = res.Applied, toRecord(res.Record), res.Time
	if e, ok := errors.AsType[*lockstore.Error](err); ok {
		a.Err = &Failure{Unknown: e.Unknown, Text: e.Error(), Ended: errors.Is(err, context.Canceled), Late: errors.Is(err, context.DeadlineExceeded)}
		for i, kind := range kinds {
			if errors.Is(err, kind) {
				a.Err.Kind = i
			}
		}
	} else if err != nil {
		panic(err) // a store has no others
	}
}

var kinds = []error{
	lockstore.ErrUnavailable, lockstore.ErrInvalidRequest, lockstore.ErrDataTooLarge, lockstore.ErrTableNotFound,
	lockstore.ErrTableSchema, lockstore.ErrAccessDenied, lockstore.ErrThrottled, lockstore.ErrMalformed,
}

func (f *Failure) error() error {
	if f == nil {
		return nil
	}
	cause := errors.New(f.Text)
	switch {
	case f.Ended:
		cause = context.Canceled
	case f.Late:
		cause = context.DeadlineExceeded
	}
	return &lockstore.Error{Kind: kinds[f.Kind], Unknown: f.Unknown, Err: cause}
}

func toRecord(r *lockstore.Record) *Record {
	if r == nil {
		return nil
	}
	return &Record{*r, r.Data != nil, r.Queue != nil}
}

func (r *Record) record() *lockstore.Record {
	if r == nil {
		return nil
	}
	if r.HasData && r.Data == nil {
		r.Data = []byte{}
	}
	if r.HasQueue && r.Queue == nil {
		r.Queue = []lockstore.Waiter{}
	}
	return &r.Record
}

// A Value is a Test or a Change, whose types gob cannot send: some have no
// exported fields.
type Value struct {
	Type    string
	Text    string
	Number  int64
	Time    time.Time
	Bytes   []byte
	HasData bool
	Sealed  bool
	Last    lockstore.Last
	Waiter  lockstore.Waiter
}

var timeType = reflect.TypeFor[time.Time]()

func toValue(v any) (Value, error) {
	if v == nil {
		return Value{}, errors.New("nil cannot be sent")
	}
	rv := reflect.ValueOf(v)
	x := Value{Type: rv.Type().Name()}
	if types[x.Type] != rv.Type() {
		return x, fmt.Errorf("%T cannot be sent", v)
	}
	switch v := v.(type) {
	case lockstore.WaiterAt:
		x.Number, x.Text = int64(v.Place), string(v.ID)
		return x, nil
	case lockstore.SetData:
		x.Bytes, x.HasData, x.Sealed = v.Bytes, v.Bytes != nil, v.Sealed
		return x, nil
	case lockstore.SetLast:
		x.Last = lockstore.Last(v)
		return x, nil
	case lockstore.AddWaiter:
		x.Waiter = lockstore.Waiter(v)
		return x, nil
	}
	switch {
	case rv.Type().ConvertibleTo(timeType):
		x.Time = rv.Convert(timeType).Interface().(time.Time)
	case rv.Kind() == reflect.String:
		x.Text = rv.String()
	case rv.Kind() == reflect.Bool && rv.Bool():
		x.Number = 1
	case rv.CanInt():
		x.Number = rv.Int()
	}
	return x, nil
}

func (x Value) value() any {
	rv := reflect.New(types[x.Type]).Elem()
	switch p := rv.Addr().Interface().(type) {
	case *lockstore.WaiterAt:
		p.Place, p.ID = int(x.Number), lockstore.Nonce(x.Text)
		return *p
	case *lockstore.SetData:
		if p.Bytes, p.Sealed = x.Bytes, x.Sealed; x.HasData && x.Bytes == nil {
			p.Bytes = []byte{}
		}
		return *p
	case *lockstore.SetLast:
		return lockstore.SetLast(x.Last)
	case *lockstore.AddWaiter:
		return lockstore.AddWaiter(x.Waiter)
	}
	switch {
	case rv.Type().ConvertibleTo(timeType):
		rv.Set(reflect.ValueOf(x.Time).Convert(rv.Type()))
	case rv.Kind() == reflect.String:
		rv.SetString(x.Text)
	case rv.Kind() == reflect.Bool:
		rv.SetBool(x.Number == 1)
	case rv.CanInt():
		rv.SetInt(x.Number)
	}
	return rv.Interface()
}

// types are all that lockstore has, by name.
var types = func() map[string]reflect.Type {
	m := map[string]reflect.Type{}
	for _, v := range []any{
		lockstore.Absent{}, lockstore.Exists{}, lockstore.NonceIs(""), lockstore.NonceNot(""), lockstore.NoNonce{},
		lockstore.SeqIs(0), lockstore.TokenIs(0), lockstore.NoToken{}, lockstore.OwnerIs(""), lockstore.Released{},
		lockstore.NotReleased{}, lockstore.ExpiredBefore{}, lockstore.SessionIs(""), lockstore.NoSession{},
		lockstore.NoWaiterAt(0), lockstore.WaiterAt{}, lockstore.QueueSound{}, lockstore.NotQueued(""),
		lockstore.SetOwner(""), lockstore.SetNonce(""), lockstore.NextToken(0), lockstore.SetToken(0), lockstore.SetSeq(0),
		lockstore.NextSeq{}, lockstore.SetLease(0), lockstore.SetExpires{}, lockstore.SetTTL{}, lockstore.SetSince{},
		lockstore.SetReleased(false), lockstore.SetDeleteOnRelease(false), lockstore.SetData{}, lockstore.SetSession(""),
		lockstore.SetLast{}, lockstore.SetHold{}, lockstore.SetEnded(false), lockstore.KeepQueue{},
		lockstore.AddWaiter{}, lockstore.DropWaiterAt(0), lockstore.DropWaiters(0),
		lockstore.NextRevoked{}, lockstore.PassOn{},
	} {
		m[reflect.TypeOf(v).Name()] = reflect.TypeOf(v)
	}
	return m
}()
