package dynalocktest

import (
	"context"
	"errors"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

var (
	errCut    = errors.New("dynalocktest: the answer was lost")
	errAsked  = errors.New("dynalocktest: as the test asked for")
	errBubble = errors.New("dynalocktest: the client was made outside of this synctest bubble; make table and client inside, with the bubble's t")
	errOver   = errors.New("dynalocktest: the test is over")
)

// A port is the store that one client gets.
type port struct {
	table *Table
	links [2]*Link // its own, and that of all clients
}

func (p *port) Info() lockstore.Info { return p.table.store.Info() }

func (p *port) Get(ctx context.Context, key string, how lockstore.Consistency) (r lockstore.Result, err error) {
	err = p.pass(ctx, "Get", func() (err error) { r, err = p.table.store.Get(ctx, key, how); return err })
	if err != nil {
		return lockstore.Result{}, err
	}
	return r, nil
}

func (p *port) Write(ctx context.Context, key string, w lockstore.Write) (r lockstore.Result, err error) {
	err = p.pass(ctx, "Write", func() (err error) { r, err = p.table.store.Write(ctx, key, w); return err })
	if err != nil {
		return lockstore.Result{}, err
	}
	return r, nil
}

func (p *port) Scan(ctx context.Context, q lockstore.Query) (page lockstore.Page, err error) {
	err = p.pass(ctx, "Scan", func() (err error) { page, err = p.table.store.Scan(ctx, q); return err })
	if err != nil {
		return lockstore.Page{}, err
	}
	return page, nil
}

// pass carries one request over both links.
func (p *port) pass(ctx context.Context, op string, send func() error) error {
	write := op == "Write"
	switch {
	case p.table.elsewhere():
		return p.failed(op, lockstore.ErrInvalidRequest, errBubble, false)
	case ctx.Err() != nil:
		return send() // which refuses it; nothing was sent
	}
	for _, l := range p.links {
		l.count(write)
	}
	var slow time.Duration
	for _, l := range p.links {
		down, late, fails := l.state()
		switch {
		case down:
			return p.failed(op, lockstore.ErrUnavailable, p.wait(ctx, nil), write)
		case fails != nil:
			return p.failed(op, fails, nil, false)
		}
		slow += late
	}
	met := p.links[0].meet(write)
	if met == nil {
		met = p.links[1].meet(write)
	}
	if met != nil && met.err != nil {
		return p.failed(op, met.err, nil, false)
	}
	err := send()
	if slow > 0 {
		timer := time.NewTimer(slow)
		defer timer.Stop()
		if ended := p.wait(ctx, timer.C); ended != nil {
			return p.failed(op, lockstore.ErrUnavailable, ended, write)
		}
	}
	if met != nil {
		return p.failed(op, lockstore.ErrUnavailable, errCut, true)
	}
	return err
}

// wait waits for the answer; the error: it did not come.
func (p *port) wait(ctx context.Context, answer <-chan time.Time) error {
	select {
	case <-answer:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.links[0].over:
	case <-p.links[1].over:
	}
	return errOver
}

func (p *port) failed(op string, kind, cause error, unknown bool) error {
	if cause == nil {
		cause = errAsked
	}
	return &lockstore.Error{Kind: kind, Op: op, Scope: p.table.store.Info().Scope, Unknown: unknown, Err: cause}
}
