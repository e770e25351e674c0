package sim

import (
	"context"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

// A table is the table as one process reaches it, behind all faults: what
// passes here happens, and the oracle sees it at its true time.
type table struct {
	*memstore.Store
	p *process
}

func (t *table) Get(ctx context.Context, key string, how lockstore.Consistency) (lockstore.Result, error) {
	r, err := t.Store.Get(ctx, key, how)
	if err == nil {
		t.p.w.oracle.read(t.p, key, r.Record)
	}
	return r, err
}

func (t *table) Write(ctx context.Context, key string, w lockstore.Write) (lockstore.Result, error) {
	o := t.p.w.oracle
	o.mu.Lock()
	defer o.mu.Unlock()
	before := t.Peek(key)
	r, err := t.Store.Write(ctx, key, w)
	switch {
	case err != nil:
		o.tracef("%v: write %s: %v", t.p, name(key), err)
	case !r.Applied:
		o.tracef("%v: refused %s at %s", t.p, summary(w), show(key, r.Record))
	default:
		o.tracef("%v: %s: %s", t.p, summary(w), show(key, r.Record))
		o.changed(t.p, key, before, r.Record, w)
	}
	return r, err
}
