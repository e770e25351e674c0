package dynalock

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// Errors that a call of this package may match with errors.Is. The store's are
// at the end; what they say is in lockstore.
//
// An error matches context.Canceled or context.DeadlineExceeded if and only if
// the caller's own context ended. Time limits of this package are
// ErrUnavailable.
var (
	// ErrHeld: another tenure holds the lock. The error is a *[HeldError].
	ErrHeld = errors.New("lock is held")
	// ErrOwnerMismatch: release, update or resume of another owner's lock.
	// The error is a *[HeldError].
	ErrOwnerMismatch = errors.New("lock belongs to another owner")
	// ErrNotHeld: update, resume, attach or force of a lock that is free. A
	// *[LostError] matches it too.
	ErrNotHeld = errors.New("lock is not held")
	// ErrLost: the tenure ended without its handle's Release. The error is a
	// *[LostError].
	ErrLost = errors.New("lock was lost")
	// ErrReleased: the handle was released.
	ErrReleased = errors.New("lock was released")
	// ErrClosed: the client was closed.
	ErrClosed = errors.New("client was closed")
	// ErrInvalidKey: a key is 1 to 2,048 bytes of valid UTF-8 without the
	// reserved prefix.
	ErrInvalidKey = errors.New("invalid key")
	// ErrInvalidOption: a setting or option that cannot be, or not with the
	// others. The message names it.
	ErrInvalidOption = errors.New("invalid option")
	// ErrInvalidHandle: not a handle, or one of another table.
	ErrInvalidHandle = errors.New("invalid handle")
	// ErrDecrypt: the data is not what a configured key sealed for this lock.
	ErrDecrypt = errors.New("data cannot be decrypted")

	ErrNotFound      = lockstore.ErrNotFound      // no item under that key
	ErrTableNotFound = lockstore.ErrTableNotFound // no such table, or not yet
	ErrTableSchema   = lockstore.ErrTableSchema   // the table has other keys
	ErrAccessDenied  = lockstore.ErrAccessDenied  // credentials missing, expired or not allowed
	ErrThrottled     = lockstore.ErrThrottled     // refused for load
	ErrUnavailable   = lockstore.ErrUnavailable   // no usable answer in time
	ErrMalformed     = lockstore.ErrMalformed     // something else wrote the item
	ErrDataTooLarge  = lockstore.ErrDataTooLarge  // the item would not fit
)

// A HeldError tells who holds a lock that was wanted. It matches ErrHeld or,
// from the calls that are for the lock's owner only, ErrOwnerMismatch; never
// both.
type HeldError struct {
	Key     string
	Owner   string
	Token   uint64        // fencing token of the holder; 0: it has none
	Since   time.Time     // when the holder took it, to the second
	Lease   time.Duration // 0: held until released
	Expires time.Time     // end of the lease in the store's time unless renewed; zero: none, or not known
	RetryAt time.Time     // local time from which a try can succeed though nobody releases; zero: never

	mismatch bool
}

func (e *HeldError) Error() string {
	text := "lock " + strconv.Quote(e.Key) + " is held by " + strconv.Quote(e.Owner)
	if e.mismatch {
		text = "lock " + strconv.Quote(e.Key) + " belongs to another owner, " + strconv.Quote(e.Owner)
	}
	if !e.Since.IsZero() {
		text += " since " + e.Since.Format(time.RFC3339)
	}
	switch {
	case !e.Expires.IsZero():
		text += ", until " + e.Expires.Format(time.RFC3339) + " unless renewed"
	case e.Lease > 0:
		text += ", with a lease of " + e.Lease.String()
	default:
		text += ", until released"
	}
	return text
}

// Is matches ErrHeld or ErrOwnerMismatch.
func (e *HeldError) Is(target error) bool {
	if e.mismatch {
		return target == ErrOwnerMismatch
	}
	return target == ErrHeld
}

// A Reason is why a lock was lost.
type Reason string

// The reasons of a [LostError].
const (
	// ReasonExpired: it could not be renewed in time, or nothing renewed it.
	// LostError.Err is the last failure, if there was one.
	ReasonExpired Reason = "expired"
	// ReasonTakenOver: after its lease had ended, another took it (By).
	ReasonTakenOver Reason = "taken over"
	// ReasonForced: an operator (By) used ForceRelease.
	ReasonForced Reason = "forced"
	// ReasonReleased: released by key or by another handle of the tenure.
	ReasonReleased Reason = "released elsewhere"
	// ReasonSuperseded: its owner went on with it elsewhere, by ResumeLock.
	ReasonSuperseded Reason = "superseded"
	// ReasonGone: the item was removed by hand, or by the table's item expiry.
	ReasonGone Reason = "gone"
	// ReasonHeldTooLong: HoldAtMost ran out.
	ReasonHeldTooLong Reason = "held too long"
)

var reasons = map[protocol.Loss]Reason{
	protocol.LossTakenOver:  ReasonTakenOver,
	protocol.LossForced:     ReasonForced,
	protocol.LossReleased:   ReasonReleased,
	protocol.LossSuperseded: ReasonSuperseded,
	protocol.LossGone:       ReasonGone,
}

// A LostError tells how a tenure ended that its handle did not end. It matches
// ErrLost and ErrNotHeld.
type LostError struct {
	Key    string
	Reason Reason
	By     string // owner name of who ended it, where that is known
	Err    error  // last failure to renew, of ReasonExpired; may be nil
}

func (e *LostError) Error() string {
	text := "lock " + strconv.Quote(e.Key) + " was lost: " + string(e.Reason)
	if e.By != "" {
		text += " by " + strconv.Quote(e.By)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Is matches ErrLost and ErrNotHeld.
func (e *LostError) Is(target error) bool { return target == ErrLost || target == ErrNotHeld }

// Unwrap gives the last failure to renew.
func (e *LostError) Unwrap() error { return e.Err }

func invalidOption(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalidOption}, args...)...)
}

// A maskedError is a store's failure whose own context errors do not show:
// they come from time limits of this package, not from the caller's context.
type maskedError struct{ err error }

func mask(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &maskedError{err}
	}
	return err
}

func (e *maskedError) Error() string { return e.err.Error() }

func (e *maskedError) Is(target error) bool {
	return target != context.Canceled && target != context.DeadlineExceeded && errors.Is(e.err, target)
}

func (e *maskedError) As(target any) bool {
	// Not into the context package's own deadline type, which is comparable by Is.
	return errors.As(e.err, target)
}

// An endedError is what the caller's context made of a call.
type endedError struct {
	ctx, cause, last error
}

// ended gives err, or what to say when the caller's context has ended: its
// error, its cause, and err as what was last known.
func ended(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return &endedError{ctx: ctx.Err(), cause: context.Cause(ctx), last: err}
}

func (e *endedError) Error() string {
	text := e.cause.Error()
	if e.last != nil {
		text += " (" + e.last.Error() + ")"
	}
	return text
}

func (e *endedError) Unwrap() []error {
	errs := []error{e.ctx, e.cause}
	if e.last != nil {
		errs = append(errs, e.last)
	}
	return errs
}
