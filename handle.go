package dynalock

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// A handle is "dynalock1." and, in base64: the table's name and the key, each
// preceded by its length in four bytes, the 16 bytes of the nonce, and the
// first 8 bytes of the SHA-256 of all before. The checksum finds slips of the
// pen; what keeps others out is that a nonce cannot be guessed.
const (
	handlePrefix = "dynalock1."
	nonceBytes   = 16
	sumBytes     = 8
	maxHandle    = 8192
)

// Handle names the tenure for [Client.AttachLock] in another process. Whoever
// has it can act as this handle does, so it is a secret: keep it out of logs
// and command lines.
func (l *Lock) Handle() string {
	l.share()
	var b []byte
	for _, part := range []string{l.c.store.Info().Scope, l.key} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	b = append(b, l.nonce...)
	sum := sha256.Sum256(b)
	return handlePrefix + base64.RawURLEncoding.EncodeToString(append(b, sum[:sumBytes]...))
}

// share notes that others may write for this tenure from now on.
func (l *Lock) share() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shared = true
}

func invalidHandle(what string) error { return fmt.Errorf("%w: it %s", ErrInvalidHandle, what) }

// parseHandle never repeats what it was given.
func parseHandle(handle string) (scope, key string, nonce lockstore.Nonce, err error) {
	text, ok := strings.CutPrefix(handle, handlePrefix)
	switch {
	case handle == "":
		return "", "", "", invalidHandle("is empty")
	case len(handle) > maxHandle:
		return "", "", "", invalidHandle("is too long")
	case !ok && strings.HasPrefix(handle, "dynalock"):
		return "", "", "", invalidHandle("has a version that this one of dynalock does not know")
	case !ok:
		return "", "", "", invalidHandle("does not begin with " + handlePrefix)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	// Line ends, which the decoder passes over, would make two texts one handle.
	if err != nil || strings.ContainsAny(text, "\r\n") || len(b) < sumBytes {
		return "", "", "", invalidHandle("is damaged")
	}
	body, sum := b[:len(b)-sumBytes], sha256.Sum256(b[:len(b)-sumBytes])
	if subtle.ConstantTimeCompare(sum[:sumBytes], b[len(body):]) != 1 {
		return "", "", "", invalidHandle("is damaged")
	}
	parts := [2]string{}
	for i := range parts {
		if len(body) < 4 || uint64(len(body)-4) < uint64(binary.BigEndian.Uint32(body)) {
			return "", "", "", invalidHandle("is damaged")
		}
		n := int(binary.BigEndian.Uint32(body))
		parts[i], body = string(body[4:4+n]), body[4+n:]
	}
	if len(body) != nonceBytes || checkText(parts[1]) != nil {
		return "", "", "", invalidHandle("is damaged")
	}
	return parts[0], parts[1], lockstore.Nonce(body), nil
}

// AttachLock gives another handle to the tenure that [Lock.Handle] named, with
// the same token, whatever this client's owner name. It renews the lease, with
// its length in the record, and believes from then on. The tenure ends when any
// of its handles releases; nothing renews it here.
//
// It never creates a lock: [ErrNotHeld], as a *[LostError], if the tenure has
// ended. One consistent read and one write.
func (c *Client) AttachLock(ctx context.Context, handle string) (*Lock, error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	scope, key, nonce, err := parseHandle(handle)
	if err != nil {
		return nil, err
	}
	if own := c.store.Info().Scope; scope != own {
		return nil, invalidHandle("is of table " + quote(scope) + ", and this client's is " + quote(own))
	}
	if err := ended(ctx, nil); err != nil {
		return nil, err
	}
	r, err := c.readNow(ctx, key)
	if err != nil {
		return nil, err
	}
	if why, by := protocol.WhyLost(nonce, r); why != protocol.LossNone {
		return nil, &LostError{Key: key, Reason: reasons[why], By: by}
	}
	if err := c.mark(ctx, r); err != nil {
		return nil, err
	}
	defer func() { _ = c.mark(ctx, r) }() // again: the first may have been looked at before the change
	return c.attach(ctx, key, r)
}

func (c *Client) attach(ctx context.Context, key string, r *lockstore.Record) (*Lock, error) {
	data, err := c.open(key, r)
	if err != nil {
		return nil, err
	}
	// The belief begins with the renewal; until then it is only of use to send it.
	l := newLock(c, &acquisition{key: key, lease: r.Lease}, r, protocol.Belief{Sent: c.clock.now()})
	l.shared, l.data = true, data
	limited, cancel := limit(ctx)
	defer cancel()
	if err := l.change(limited, &change{step: "attach", renew: true, lease: r.Lease}); err != nil {
		return nil, l.answer(ctx, err)
	}
	if err := c.adopt(l); err != nil {
		return nil, err
	}
	return l, nil
}
