package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

func isSession(key string) bool { return strings.Contains(key, "session:") }

// live is the tenure that a record shows.
func live(r *lockstore.Record) lockstore.Nonce {
	if r == nil || r.Released || r.Ended {
		return ""
	}
	return r.Nonce
}

// changed judges a write of p that was just made; o.mu is held.
func (o *oracle) changed(p *process, key string, before, after *lockstore.Record, w lockstore.Write) {
	now := time.Now()
	for _, change := range w.Do {
		if join, ok := change.(lockstore.AddWaiter); ok {
			o.joined[join.ID] = p
		}
	}
	was, is := live(before), live(after)
	if !isSession(key) {
		o.judgeStep(p, key, before, after)
	}
	if was != "" && was != is {
		o.end(p, key, before, after)
	}
	if is != "" {
		t := o.tenures[is]
		if t == nil {
			t = &tenure{key: key, creator: p, began: now}
			if by := o.joined[is]; by != nil {
				t.creator, t.joined = by, true
			}
			o.tenures[is] = t
		}
		if is != was && !t.ended.IsZero() {
			// By a copy of the request that began it. It is nobody's by now, and to
			// be found; who believed in it before is judged like everybody.
			if before != nil && before.Nonce == is {
				o.wrong("%v revives a tenure that the record shows as ended: %s became %s", p, show(key, before), show(key, after))
			}
			was := *t
			t.former = append(t.former, &was)
			t.began, t.ended, t.named = now, time.Time{}, false
		}
		if is == was && isSession(key) && !now.Before(t.end(before).Add(-before.Lease/500)) {
			t.lapsed = true // a late renewal does not bring it back
		}
		if is != was || slices.ContainsFunc(w.Do, promises) {
			t.written, t.promised = now, laterOf(t.promised, now.Add(after.Lease))
		}
		t.lease, t.session = after.Lease, after.Session
	}
	if after == nil {
		o.absent[key] = now
		delete(o.tokens, key)
	}
	if isSession(key) {
		if is == "" {
			for _, k := range o.w.keys {
				o.orphanedBy(k, key)
			}
		}
		return
	}
	o.judge(key)
}

// end is from when on r, which shows t, may be taken over: by observation or by
// clock, which a request that travelled long may have set to a time that is past.
func (t *tenure) end(r *lockstore.Record) time.Time {
	end := t.written.Add(r.Lease)
	if !r.Expires.IsZero() && r.Expires.Before(end) {
		return r.Expires
	}
	return end
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// promises reports a change that begins a tenure's lease anew.
func promises(change lockstore.Change) bool {
	_, ok := change.(lockstore.SetLease)
	return ok
}

// end notes how the tenure in before ended.
func (o *oracle) end(p *process, key string, before, after *lockstore.Record) {
	t := o.tenures[before.Nonce]
	if t == nil {
		return
	}
	t.ended = time.Now()
	switch {
	case after == nil:
		t.how, t.by, t.gone = lockstore.HowReleased, p.owner, true
	case after.Last != nil && after.Last.Nonce == before.Nonce:
		t.how, t.by = after.Last.How, after.Last.By
	default:
		t.how, t.by = lockstore.HowTakenOver, after.Owner
	}
	if isSession(key) {
		return
	}
	elsewhere := t.how == lockstore.HowReleased && (p != t.creator || t.shared)
	if t.how == lockstore.HowForced || t.how == lockstore.HowResumed || elsewhere {
		t.named = true
	}
	if t.how == lockstore.HowTakenOver {
		t.named = false
	}
	o.pardon(t, before)
}

// pardon says how long the former handles of a tenure may believe that ended
// by a named exception.
func (o *oracle) pardon(t *tenure, r *lockstore.Record) {
	const slack = time.Second
	switch {
	case r.Session != "":
		lease := time.Duration(0)
		if s := o.w.table.Peek(r.Session); s != nil {
			lease = s.Lease
		}
		t.pardoned = t.ended.Add(2*lease + 2*slack)
	case r.Lease == 0:
		t.pardoned = t.ended.Add(1000 * time.Hour)
	default:
		t.pardoned = laterOf(t.promised, t.ended).Add(slack)
	}
}

// removed notes that somebody deleted an item beside the library. By hand that
// ends a tenure by a named exception; the table's item expiry may not.
func (o *oracle) removed(key string, before *lockstore.Record, byHand bool) {
	n := live(before)
	o.absent[key] = time.Now()
	delete(o.tokens, key)
	if t := o.tenures[n]; n != "" && t != nil {
		t.ended, t.gone, t.named = time.Now(), true, byHand
		o.pardon(t, before)
	}
	if isSession(key) {
		for _, k := range o.w.keys {
			o.orphanedBy(k, key)
		}
		return
	}
	o.judge(key)
}

// orphanedBy checks that nobody believes in a lock whose session has ended.
func (o *oracle) orphanedBy(key, session string) {
	r := o.w.table.Peek(key)
	if n := live(r); n == "" || r.Session != session {
		return
	}
	for _, h := range o.handles[key] {
		if h.nonce == r.Nonce && !h.p.dead.Load() && !h.p.frozen() && h.Held() {
			o.wrong("%v believes, and its session %s has ended", h.name(), name(session))
		}
	}
}

// judgeStep checks tokens, the queue's order and takeovers of one write.
func (o *oracle) judgeStep(p *process, key string, before, after *lockstore.Record) {
	was, is := live(before), live(after)
	if after != nil {
		if last := o.tokens[key]; after.Token < last || after.Token == last && is != "" && is != was && before != nil && !before.Legacy() {
			o.wrong("%v begins %s with token %d after %d", p, show(key, after), after.Token, last)
		}
		o.tokens[key] = max(o.tokens[key], after.Token)
	}
	if before != nil && after == nil && len(before.Queue) > 0 {
		o.wrong("%v deletes an item that others wait for: %s", p, show(key, before))
	}
	if before == nil || after == nil {
		return
	}
	if before.Released && len(after.Queue) > len(before.Queue) {
		o.wrong("%v waits for a free lock: %s", p, show(key, after))
	}
	if why := disorder(before, after); why != "" {
		o.wrong("%v: %s: %s became %s", p, why, show(key, before), show(key, after))
	}
	if is == "" || is == was || after.Last != nil && after.Last.Nonce == was && after.Last.How != lockstore.HowTakenOver && was != "" {
		return
	}
	t := o.tenures[before.Nonce]
	if len(before.Queue) > 0 && len(after.Queue) == len(before.Queue) && (t == nil || t.creator != p) {
		o.wrong("%v overtook the queue: %s became %s", p, show(key, before), show(key, after))
	}
	if before.Released {
		return
	}
	o.judgeTakeover(p, key, before, after)
}

// disorder checks that a queue changed in one of the ways in which it may: the
// first are served or dropped, one leaves, or one comes last.
func disorder(before, after *lockstore.Record) string {
	old, now := before.Queue, after.Queue
	if len(now) > len(old) && slices.Equal(now[:len(old)], old) && len(now) == len(old)+1 {
		return ""
	}
	drop := len(old) - len(now)
	if drop < 0 || len(now) > 0 && !slices.Equal(now, old[drop:]) && (drop != 1 || !isWithoutOne(old, now)) {
		return "the queue was reordered"
	}
	return ""
}

func isWithoutOne(old, now []lockstore.Waiter) bool {
	for i := range old {
		if slices.Equal(now, slices.Concat(old[:i], old[i+1:])) {
			return true
		}
	}
	return false
}

// judgeTakeover checks by the true time that a lease had ended, and that those
// who stood before had their turn.
func (o *oracle) judgeTakeover(p *process, key string, before, after *lockstore.Record) {
	t := o.tenures[before.Nonce]
	if t != nil && t.creator == p { // what it had left behind, nobody's, is its own to end
		return
	}
	now := time.Now()
	dropped := len(before.Queue) - len(after.Queue)
	if before.Session == "" {
		if before.Lease == 0 && !before.Legacy() {
			o.wrong("%v took over a tenure without an end: %s", p, show(key, before))
			return
		}
		if t == nil || before.Legacy() || len(t.former) > 0 {
			return
		}
		turn := time.Duration(max(dropped-1, 0)) * protocol.ClaimWindow
		if early := t.end(before).Add(turn).Sub(now); early > before.Lease/500+5*time.Millisecond {
			o.wrong("%v took over %v too early: %s became %s", p, early, show(key, before), show(key, after))
		}
		return
	}
	s := o.w.table.Peek(before.Session)
	if st := o.tenures[live(s)]; st != nil && !st.lapsed && now.Before(st.end(s).Add(-s.Lease/500)) {
		o.wrong("%v took over from a session that lives: %s, %s", p, show(key, before), show(before.Session, s))
	}
}

// lie says what is false about the reason that a handle was given; "" if it is
// the true one.
func (o *oracle) lie(h *handle, lost *dynalock.LostError) string {
	t := o.tenures[h.nonce]
	if t == nil {
		return ""
	}
	for _, former := range t.former {
		if o.lieAbout(former, h, lost) == "" {
			return ""
		}
	}
	return o.lieAbout(t, h, lost)
}

func (o *oracle) lieAbout(t *tenure, h *handle, lost *dynalock.LostError) string {
	later := false // another tenure began since: what the record told may be gone
	for n, other := range o.tenures {
		if n != h.nonce && other.key == t.key && !t.ended.IsZero() && !other.began.Before(t.ended) {
			later = true
		}
	}
	if t.ended.IsZero() && lost.Reason != dynalock.ReasonExpired && lost.Reason != dynalock.ReasonHeldTooLong {
		return "its tenure goes on"
	}
	switch lost.Reason {
	case dynalock.ReasonExpired:
		if h.live && h.p.slow <= 20*time.Millisecond && t.lease > 2*time.Second && !h.p.troubledSince(time.Now().Add(-2*max(t.lease, maxLease))) && !o.w.faulty && t.ended.IsZero() {
			return "nothing was in the way of its renewals"
		}
	case dynalock.ReasonHeldTooLong:
		if h.atMost == 0 || !o.w.faulty && !h.p.troubledSince(t.began.Add(-10*time.Second)) && time.Since(t.began) < h.atMost*99/100-25*h.p.slow {
			return "it had not been held for that long"
		}
	case dynalock.ReasonForced:
		if t.how != lockstore.HowForced || lost.By != t.by {
			return "the truth is " + string(t.how) + " by " + t.by
		}
	case dynalock.ReasonSuperseded:
		if t.how != lockstore.HowResumed || lost.By != t.by {
			return "the truth is " + string(t.how) + " by " + t.by
		}
	case dynalock.ReasonReleased:
		// A deleting release of unknown outcome leaves nothing that tells it from others.
		if t.how != lockstore.HowReleased && !t.gone {
			return "the truth is " + string(t.how) + " by " + t.by
		}
	case dynalock.ReasonGone:
		if o.absent[t.key].Before(t.ended) {
			return "the item was never gone"
		}
	case dynalock.ReasonTakenOver:
		if t.how != lockstore.HowTakenOver && !later {
			return "the truth is " + string(t.how) + " by " + t.by
		}
	}
	return ""
}
