package lockstore

import (
	"fmt"
	"time"
)

// Holds reports whether c holds for r, the record under the key or nil. It is
// the meaning of a Condition: embedded stores call it inside their own
// critical section, the others are tested against it.
func (c Condition) Holds(r *Record) (bool, error) {
	if len(c) == 0 {
		return true, nil
	}
	for _, tests := range c {
		ok, err := tests.holds(r)
		if ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func (c Case) holds(r *Record) (bool, error) {
	for _, t := range c {
		ok, err := holds(t, r)
		if !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func holds(test Test, r *Record) (bool, error) {
	there := r != nil
	if !there {
		r = &Record{}
	}
	switch t := test.(type) {
	case Absent:
		return !there, nil
	case Exists:
		return there, nil
	case NonceIs:
		return t != "" && r.Nonce == Nonce(t), nil
	case NonceNot:
		return r.Nonce != Nonce(t), nil
	case NoNonce:
		return r.Nonce == "", nil
	case SeqIs:
		return t != 0 && r.Seq == int64(t), nil
	case TokenIs:
		return t != 0 && r.Token == int64(t), nil
	case NoToken:
		return r.Token == 0, nil
	case OwnerIs:
		return t != "" && r.Owner == string(t), nil
	case Released:
		return there && r.Released, nil
	case NotReleased:
		return !r.Released, nil
	case ExpiredBefore:
		return there && r.Lease > 0 && !r.Expires.IsZero() && r.Expires.Before(time.Time(t)), nil
	case SessionIs:
		return t != "" && r.Session == string(t), nil
	case NoSession:
		return r.Session == "", nil
	case NoWaiterAt:
		if t < 0 {
			return false, fmt.Errorf("lockstore: a queue has no place %d", int(t))
		}
		return int(t) >= len(r.Queue), nil
	case WaiterAt:
		if t.Place < 0 {
			return false, fmt.Errorf("lockstore: a queue has no place %d", t.Place)
		}
		return t.Place < len(r.Queue) && r.Queue[t.Place].ID == t.ID, nil
	case NotQueued:
		for _, w := range r.Queue[:min(len(r.Queue), MaxQueue)] {
			if w.ID == Nonce(t) {
				return false, nil
			}
		}
		return true, nil
	case QueueSound:
		return true, nil
	}
	return false, fmt.Errorf("lockstore: unknown test %T", test)
}

// Apply returns what w makes of r, which it leaves alone: the new record, or
// nil after a Delete. Like Holds it is the meaning of a Write's change.
func (w Write) Apply(r *Record) (*Record, error) {
	if w.Delete {
		return nil, nil
	}
	n := r.Clone()
	if n == nil {
		n = &Record{}
	}
	for _, change := range w.Do {
		if err := apply(n, change); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func apply(r *Record, change Change) error {
	switch c := change.(type) {
	case SetOwner:
		r.Owner = string(c)
	case SetNonce:
		r.Nonce = Nonce(c)
	case NextToken:
		if r.Token == 0 {
			r.Token = int64(c)
		}
		r.Token++
	case SetToken:
		r.Token = int64(c)
	case SetSeq:
		r.Seq = int64(c)
	case NextSeq:
		r.Seq++
	case SetLease:
		r.Lease = ceil(time.Duration(c), time.Millisecond)
	case SetExpires:
		r.Expires = truncate(time.Time(c), time.Millisecond)
	case SetTTL:
		r.TTL = truncate(time.Time(c), time.Second)
	case SetSince:
		r.Since = truncate(time.Time(c), time.Second)
	case SetReleased:
		r.Released = bool(c)
	case SetDeleteOnRelease:
		r.DeleteOnRelease = bool(c)
	case SetData:
		r.Data, r.Sealed, r.DataErr = nil, c.Sealed, nil
		if c.Bytes != nil {
			r.Data = append([]byte{}, c.Bytes...)
		}
	case SetSession:
		r.Session = string(c)
	case SetLast:
		r.Last = nil
		if last := Last(c); last != (Last{}) {
			r.Last = &last
		}
	case SetHold:
		r.Hold = truncate(time.Time(c), time.Millisecond)
	case SetEnded:
		r.Ended = bool(c)
	case NextRevoked:
		r.Revoked++
	default:
		return applyToQueue(r, change)
	}
	return nil
}

func applyToQueue(r *Record, change Change) error {
	switch c := change.(type) {
	case KeepQueue:
		if r.Queue == nil {
			r.Queue = []Waiter{}
		}
	case AddWaiter:
		r.Queue = append(r.Queue, Waiter(c))
	case DropWaiterAt:
		if c < 0 || c >= MaxQueue {
			return fmt.Errorf("lockstore: a queue has no place %d", int(c))
		}
		if i := int(c); i < len(r.Queue) {
			r.Queue = append(r.Queue[:i:i], r.Queue[i+1:]...)
		}
	case DropWaiters:
		if c < 0 || c > MaxQueue {
			return fmt.Errorf("lockstore: a queue has no %d entries", int(c))
		}
		r.Queue = r.Queue[min(int(c), len(r.Queue)):]
	case PassOn:
		passOn(r)
	default:
		return fmt.Errorf("lockstore: unknown change %T", change)
	}
	return nil
}

func passOn(r *Record) {
	r.Released, r.DeleteOnRelease = len(r.Queue) == 0, false
	if len(r.Queue) == 0 {
		return
	}
	head := r.Queue[0]
	r.Nonce, r.Owner, r.DeleteOnRelease = head.ID, head.Owner, head.DeleteOnRelease
	r.Token++
	r.Queue = r.Queue[1:]
}

// truncate brings t to the resolution that stores keep, in UTC and without a
// monotonic reading.
func truncate(t time.Time, d time.Duration) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(d)
}

// ceil rounds d up: whoever counts a lease that was rounded down would end
// before the holder does.
func ceil(d, unit time.Duration) time.Duration {
	if rest := d % unit; rest > 0 {
		d += unit - rest
	}
	return d
}
