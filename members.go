package dynalock

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

const (
	// watchAtLeast is how long a session's locks are watched after its record
	// was marked: what the mark announces may come late.
	watchAtLeast = 30 * time.Second
	// sampled is how many locks are read with each renewal of their session.
	// Whatever nobody marks, such as a deletion by hand, is found by this: within
	// a lease where a client has up to three times as many live locks.
	sampled = 16
	// lookers is how many locks of one session are read at once.
	lookers = 8
)

// The members are the locks that a session keeps alive. Each is proved by the
// session's renewals alone, so what changes its record from outside has to
// reach this client in another way: whoever does that marks the session's record
// before and after. From the renewal that shows a new mark on, for a while, a
// member is believed only for a lease from when a read showed it unchanged: as if
// each were renewed by itself, by reads.
type members struct {
	mu    sync.Mutex
	over  bool // nobody can enter any more
	locks map[*Lock]*list.Element
	order list.List // of *Lock: who was read longest ago comes first

	marks   int64           // how often the record was marked, as last seen
	until   time.Duration   // monotonic; the end of the watch, 0: none
	watched protocol.Moment // when the last watch ended
	unsure  map[*Lock]protocol.Belief
	toRead  []*Lock
	busy    int // lookers at work
}

func newMembers() *members {
	return &members{locks: map[*Lock]*list.Element{}, unsure: map[*Lock]protocol.Belief{}}
}

// add enters a lock; false: the session has ended for want of locks.
func (m *members) add(l *Lock) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.over && m.locks[l] == nil {
		m.locks[l] = m.order.PushBack(l)
	}
	return !m.over
}

// replace puts the next holder of a tenure in the place of the former one, with
// all that is not known about it.
func (m *members) replace(l, next *Lock) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.locks[l]
	if e == nil {
		return false
	}
	e.Value = next
	m.locks[next] = e
	delete(m.locks, l)
	if until, is := m.unsure[l]; is {
		m.unsure[next] = until
		delete(m.unsure, l)
	}
	if i := slices.Index(m.toRead, l); i >= 0 {
		m.toRead[i] = next
	}
	return true
}

func (m *members) remove(l *Lock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.locks[l]; e != nil {
		m.order.Remove(e)
		delete(m.locks, l)
	}
	delete(m.unsure, l)
}

// close forbids entering, if there are no locks.
func (m *members) close() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.over = len(m.locks) == 0
	return m.over
}

func (m *members) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.locks)
}

func (m *members) all() []*Lock {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.first(len(m.locks))
}

// first gives the n who were read longest ago, or as many as there are.
func (m *members) first(n int) []*Lock {
	all := make([]*Lock, 0, min(n, len(m.locks)))
	for e := m.order.Front(); e != nil && len(all) < n; e = e.Next() {
		all = append(all, e.Value.(*Lock))
	}
	return all
}

// renewed takes into account what a renewal of the session showed: how often
// its record has been marked. before is what the session could believe until
// then. It gives the locks whose belief has to be looked at anew.
func (m *members) renewed(marks int64, before protocol.Belief, lease time.Duration, now protocol.Moment) []*Lock {
	m.mu.Lock()
	defer m.mu.Unlock()
	if marks != m.marks {
		m.marks, m.until = marks, now.Mono+max(lease, watchAtLeast)
	}
	if m.until == 0 && len(m.unsure) == 0 {
		m.toRead = m.first(sampled)
		return nil
	}
	m.toRead = m.first(len(m.locks))
	if m.until == 0 {
		return nil
	}
	if m.until <= now.Mono {
		m.until, m.watched = 0, now // each is read a last time
	}
	for l := range m.locks {
		if _, is := m.unsure[l]; !is {
			m.unsure[l] = before
		}
	}
	return slices.Clone(m.toRead)
}

// left is how much longer the lock may be believed without having been read.
func (m *members) left(l *Lock, now protocol.Moment, bounds *protocol.Bounds) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if until, is := m.unsure[l]; is {
		return until.Left(now, bounds)
	}
	return protocol.Forever
}

// sure notes that a read showed the lock as it was. What had run out before the
// answer came stays so.
func (m *members) sure(l *Lock, got answer, lease time.Duration, bounds *protocol.Bounds) {
	m.mu.Lock()
	defer m.mu.Unlock()
	until, is := m.unsure[l]
	switch {
	case !is, until.Left(got.answered, bounds) <= 0:
	case m.until == 0 && got.asked.Mono >= m.watched.Mono:
		delete(m.unsure, l)
	default:
		m.unsure[l] = protocol.Belief{Sent: got.asked, Lease: lease}
	}
}

// next gives the next lock to read, to one of the lookers; nil: it may go.
// must: until it has been read, its belief runs out.
func (m *members) next() (l *Lock, must bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.toRead) > 0 {
		l, m.toRead = m.toRead[0], m.toRead[1:]
		if e := m.locks[l]; e != nil && !closed(l.done) {
			m.order.MoveToBack(e)
			_, must = m.unsure[l]
			return l, must
		}
	}
	m.busy--
	return nil, false
}

func (m *members) gone() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy--
}

func (m *members) again(l *Lock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.toRead = append(m.toRead, l)
}

// hire gives the number of lookers to start.
func (m *members) hire() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := max(min(len(m.toRead), lookers)-m.busy, 0)
	m.busy += n
	return n
}

// lookAtMembers reads those locks of a session that have to be read.
func (l *Lock) lookAtMembers() {
	for range l.members.hire() {
		if !l.c.spawn(l.look) {
			l.members.gone()
		}
	}
}

// look reads one after the other. One that must be read is read again after a
// failure, with pauses, until it ends.
func (l *Lock) look(ctx context.Context) {
	for fails := 0; ; {
		if ctx.Err() != nil || closed(l.done) {
			l.members.gone()
			return
		}
		held, must := l.members.next()
		if held == nil {
			return
		}
		if !must && held.looksSame(ctx, l) || held.confirm(ctx, l) {
			fails = 0
			continue
		}
		if must {
			l.members.again(held)
		}
		pause := backoffMin << min(fails, 6)
		fails++
		l.c.sleep(ctx, l.done, l.c.jitter(pause/2, pause))
	}
}

// looksSame takes a cheap look. What it shows may be of the past, so that only
// "nothing has changed" is to be believed.
func (l *Lock) looksSame(ctx context.Context, session *Lock) bool {
	got, err := l.c.read(ctx, l.key, lockstore.Eventual)
	return err == nil && protocol.GoesOn(l.nonce, got.Record) && got.Record.Session == session.key
}

// confirm finds out by a read whether a session's lock is still this handle's;
// false: it could not.
func (l *Lock) confirm(ctx context.Context, session *Lock) bool {
	if l.c.renewalSlot(ctx) != nil {
		return false
	}
	defer func() { <-l.c.renewal }()
	got, err := l.c.read(ctx, l.key, lockstore.Consistent)
	if err != nil {
		return false
	}
	l.c.see(l.key, got.Record, got.answered)
	if why, by := protocol.WhyLost(l.nonce, got.Record); why != protocol.LossNone {
		_ = l.lose(why, by)
		return true
	}
	if got.Record.Session == session.key { // or it is leaving it, by a renewal of its own
		bounds := l.c.clock.at()
		session.members.sure(l, got, session.lease, &bounds)
	}
	return true
}

// renewAlone takes the lock out of its session by a renewal that is due at
// once. l.mu is held.
func (l *Lock) renewAlone(now protocol.Moment) {
	l.shared = true
	if l.session != nil || l.moving != nil {
		l.renewal.at = now.Mono
	}
}
