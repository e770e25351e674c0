package dynalock

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// A handle is "dynalock1." and, in base64: the table's name and the key, each
// preceded by its length in four bytes, the 16 bytes of the nonce, the token in
// 8 bytes, and the first 8 bytes of the SHA-256 of all before. The checksum finds
// slips of the pen; what keeps others out is that a nonce cannot be guessed.
const (
	handlePrefix = "dynalock1."
	nonceBytes   = 16
	tokenBytes   = 8
	sumBytes     = 8
	maxHandle    = 8192
)

// Handle names the tenure for [Client.AttachLock] in another process. Whoever
// has it can act as this handle does, so it is a secret: keep it out of logs
// and command lines. A live lock is renewed by itself from then on, not with the
// client's others.
func (l *Lock) Handle() string {
	l.share()
	var b []byte
	for _, part := range []string{l.c.store.Info().Scope, l.key} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	of := l.name()
	b = binary.BigEndian.AppendUint64(append(b, of.nonce...), uint64(of.token))
	sum := sha256.Sum256(b)
	return handlePrefix + base64.RawURLEncoding.EncodeToString(append(b, sum[:sumBytes]...))
}

// A tenureName names a tenure. The item's token may be higher than the one that
// its holder has: tokens are reserved for hand-overs within a client.
type tenureName struct {
	nonce lockstore.Nonce
	token int64
}

// name is that of the handle's tenure. After a hand-over within the client the
// tenure is its successor's, and this handle names none.
func (l *Lock) name() tenureName {
	l.mu.Lock()
	of, passed := tenureName{l.nonce, l.token}, l.passed
	l.mu.Unlock()
	if passed {
		of.nonce = l.c.newNonce()
	}
	return of
}

// share notes that others may write for this tenure from now on.
func (l *Lock) share() {
	now := l.c.clock.now()
	l.mu.Lock()
	l.renewAlone(now)
	l.mu.Unlock()
	l.c.schedule(l, now)
}

func invalidHandle(what string) error { return fmt.Errorf("%w: it %s", ErrInvalidHandle, what) }

// parseHandle never repeats what it was given.
func parseHandle(handle string) (scope, key string, of tenureName, err error) {
	text, ok := strings.CutPrefix(handle, handlePrefix)
	switch {
	case handle == "":
		return "", "", tenureName{}, invalidHandle("is empty")
	case len(handle) > maxHandle:
		return "", "", tenureName{}, invalidHandle("is too long")
	case !ok && strings.HasPrefix(handle, "dynalock"):
		return "", "", tenureName{}, invalidHandle("has a version that this one of dynalock does not know")
	case !ok:
		return "", "", tenureName{}, invalidHandle("does not begin with " + handlePrefix)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	// Line ends, which the decoder passes over, would make two texts one handle.
	if err != nil || strings.ContainsAny(text, "\r\n") || len(b) < sumBytes {
		return "", "", tenureName{}, invalidHandle("is damaged")
	}
	body, sum := b[:len(b)-sumBytes], sha256.Sum256(b[:len(b)-sumBytes])
	if subtle.ConstantTimeCompare(sum[:sumBytes], b[len(body):]) != 1 {
		return "", "", tenureName{}, invalidHandle("is damaged")
	}
	parts := [2]string{}
	for i := range parts {
		if len(body) < 4 || uint64(len(body)-4) < uint64(binary.BigEndian.Uint32(body)) {
			return "", "", tenureName{}, invalidHandle("is damaged")
		}
		n := int(binary.BigEndian.Uint32(body))
		parts[i], body = string(body[4:4+n]), body[4+n:]
	}
	if len(body) != nonceBytes+tokenBytes || checkText(parts[1]) != nil {
		return "", "", tenureName{}, invalidHandle("is damaged")
	}
	token := int64(binary.BigEndian.Uint64(body[nonceBytes:]))
	if token < 0 {
		return "", "", tenureName{}, invalidHandle("is damaged")
	}
	return parts[0], parts[1], tenureName{lockstore.Nonce(body[:nonceBytes]), token}, nil
}

// AttachLock gives another handle to the tenure that [Lock.Handle] named, with
// the same token, whatever this client's owner name. It renews the lease, with
// its length in the record, and believes from then on. The tenure ends when any
// of its handles releases; nothing renews it here.
//
// It never creates a lock: [ErrNotHeld], as a *[LostError], if the tenure has
// ended. One consistent read and one write; where its holder has not yet given
// the lock a lease of its own, as it does when it is asked for a handle, it
// waits for that, by further reads.
func (c *Client) AttachLock(ctx context.Context, handle string) (*Lock, error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	scope, key, of, err := parseHandle(handle)
	if err != nil {
		return nil, err
	}
	if own := c.store.Info().Scope; scope != own {
		return nil, invalidHandle("is of table " + quote(scope) + ", and this client's is " + quote(own))
	}
	if c.reserved(key) {
		return nil, &keyError{errReserved}
	}
	if err := ended(ctx, nil); err != nil {
		return nil, err
	}
	limited, cancel := limit(ctx)
	defer cancel()
	for n := 0; ; n++ {
		r, err := c.readNow(ctx, key)
		if err != nil {
			return nil, err
		}
		if why, by := protocol.WhyLost(of.nonce, r); why != protocol.LossNone {
			return nil, &LostError{Key: key, Reason: reasons[why], By: by}
		}
		if r.Session == "" {
			if l, err := c.attach(ctx, key, of.token, r); err != errInSession {
				return l, err
			}
		}
		if !c.backoff(limited, c.closing, min(n, 5), errInSession) {
			return nil, c.failure(ctx, unavailable("attach", c, errInSession))
		}
	}
}

// errInSession: whoever asked for a handle takes its lock out of its session,
// at once if it can. Nobody else may: its belief goes by the session until then.
var errInSession = errors.New("its holder has not yet given the lock a lease of its own, as it does when it is asked for a handle; try again")

func (c *Client) attach(ctx context.Context, key string, token int64, r *lockstore.Record) (*Lock, error) {
	data, err := c.open(key, r)
	if err != nil {
		return nil, err
	}
	// The belief begins with the renewal; until then it is only of use to send it.
	l := newLock(c, &acquisition{key: key, lease: r.Lease}, r, protocol.Belief{Sent: c.clock.now()})
	l.shared, l.token, l.data = true, token, data
	limited, cancel := limit(ctx)
	defer cancel()
	if err := l.change(limited, &change{step: "attach", renew: true, attaches: true, lease: r.Lease}); err != nil {
		return nil, l.answer(ctx, err)
	}
	if err := c.adopt(l); err != nil {
		return nil, err
	}
	return l, nil
}
