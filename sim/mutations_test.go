package sim

const steps, queues = "internal/protocol/steps.go", "internal/protocol/queue.go"

// mutations are the deliberate faults; docs/bugs.md says what each one is.
var mutations = []mutation{
	{name: "acquire-any", file: steps, old: "lockstore.NonceNot(t.Nonce), lockstore.Released{}, lockstore.NoWaiterAt(0)", now: "lockstore.NonceNot(t.Nonce), lockstore.NoWaiterAt(0)"},
	{name: "acquire-overtakes", file: steps, old: "\t\t\tlockstore.NoWaiterAt(0), lockstore.QueueSound{},\n", now: "\t\t\tlockstore.QueueSound{},\n"},
	{name: "acquire-again", file: steps, old: "lockstore.NonceNot(t.Nonce), lockstore.Released{}", now: "lockstore.Released{}"},
	{name: "move-keeps-ttl", file: steps, old: "lockstore.SetSession(session), lockstore.SetExpires{}, lockstore.SetTTL{})", now: "lockstore.SetSession(session), lockstore.SetExpires{})"},
	{name: "no-seq", file: steps, old: "is := lockstore.Case{lockstore.NonceIs(r.Nonce), lockstore.SeqIs(r.Seq), lockstore.NotReleased{}}", now: "is := lockstore.Case{lockstore.NonceIs(r.Nonce), lockstore.NotReleased{}}"},
	{name: "no-nonce", file: steps, old: "is := lockstore.Case{lockstore.NonceIs(r.Nonce), lockstore.SeqIs(r.Seq), lockstore.NotReleased{}}", now: "is := lockstore.Case{lockstore.SeqIs(r.Seq), lockstore.NotReleased{}}"},
	{name: "delete-drops-queue", file: steps, old: "lockstore.NonceIs(nonce), lockstore.NotReleased{}, lockstore.NoWaiterAt(0))}", now: "lockstore.NonceIs(nonce), lockstore.NotReleased{})}"},
	{name: "token-stays", file: steps, old: "lockstore.SetToken(max(r.Token, base)+1), lockstore.SetLast(last)", now: "lockstore.SetToken(r.Token), lockstore.SetLast(last)"},
	{name: "release-any", file: queues, old: "If: lockstore.All(lockstore.NonceIs(nonce), lockstore.NotReleased{}),\n\t\tDo: append(passOn", now: "If: lockstore.All(lockstore.NotReleased{}),\n\t\tDo: append(passOn"},
	{name: "grant-keeps-session", file: queues, old: "lockstore.SetHold{}, lockstore.SetEnded(false), lockstore.SetSession(\"\"))", now: "lockstore.SetHold{}, lockstore.SetEnded(false))"},
	{name: "claim-lease-short", file: queues, old: "Lease:   ceil(ClaimWindow+bounds.Width(now), time.Millisecond),", now: "Lease:   ceil(ClaimWindow/2, time.Millisecond),"},
	{name: "no-windows", file: queues, old: "more := time.Duration(windows) * ClaimWindow", now: "more := time.Duration(windows) * ClaimWindow / 100"},
	{name: "join-free", file: queues, old: "lockstore.NonceNot(w.ID), lockstore.NotReleased{}, lockstore.QueueSound{},", now: "lockstore.NonceNot(w.ID), lockstore.QueueSound{},"},
	{name: "drops-too-many", file: queues, old: "drop := min(place+1, len(r.Queue), lockstore.MaxQueue)", now: "drop := min(len(r.Queue), lockstore.MaxQueue)"},
	{name: "belief-wall-only", file: "internal/protocol/belief.go", old: "left := b.Lease - now.most(b.Sent)", now: "left := b.Lease - now.Wall.Sub(b.Sent.Wall)"},
	{name: "belief-mono-only", file: "internal/protocol/belief.go", old: "left := b.Lease - now.most(b.Sent)", now: "left := b.Lease - (now.Mono - b.Sent.Mono)"},
	{name: "bounds-mono-only", file: "internal/protocol/bounds.go", old: "least, most := now.least(i.at), now.most(i.at)", now: "least, most := now.Mono-i.at.Mono, now.Mono-i.at.Mono", dir: "../internal/protocol", test: "TestBoundsSuspended"},
	{name: "no-margin", file: "internal/protocol/bounds.go", old: "earliest: t.Earliest.Add(-b.margin),", now: "earliest: t.Latest.Add(b.margin),"},
	{name: "belief-from-answer", file: "try.go", old: "got.asked = now\n", now: "got.asked = got.answered\n"},
	{name: "belief-from-answer-renewed", file: "change.go", old: "p.belief = promise.Belief(now)", now: "p.belief = promise.Belief(protocol.Moment{Mono: now.Mono + p.lease/2, Wall: now.Wall.Add(p.lease / 2)})"},
	{name: "outlives-session", file: "lock.go", old: "left = min(left, s.leftOf(now, bounds), s.members.left(l, now, bounds))", now: "left = min(left, s.members.left(l, now, bounds))"},
	{name: "session-never-lapses", file: "liveness.go", old: "dead := r == nil || r.Released || protocol.Takeable(r, &seen, c.expiryBy(&bounds), asked) <= 0", now: "dead := r == nil || r.Released || protocol.Takeable(r, &seen, c.expiryBy(&bounds), asked) < -1"},
	{name: "session-lapses-at-once", file: "liveness.go", old: "dead := r == nil || r.Released || protocol.Takeable(r, &seen, c.expiryBy(&bounds), asked) <= 0", now: "dead := r == nil || r.Released || protocol.Takeable(r, &seen, c.expiryBy(&bounds), asked) >= 0"},
	{name: "forgets-orphans", file: "orphan.go", old: "\tif known {\n\t\treturn\n\t}\n\tc.lookLater(key, nonce, 0)", now: "\tif known {\n\t\treturn\n\t}"},
	{name: "never-looks", file: "members.go", old: "\tfor range l.members.hire() {\n", now: "\tfor range l.members.hire() * 0 {\n"},
	{name: "won-by-any-copy", file: "internal/protocol/answer.go", old: "\t\tif t.made(r) {\n\t\t\treturn s.promise.Belief(s.at), true", now: "\t\tif r != nil && r.Nonce == t.Nonce && !r.Released {\n\t\t\treturn a.sent[len(a.sent)-1].promise.Belief(a.sent[len(a.sent)-1].at), true"},
	{name: "shortening-unknown", file: "change.go", old: "l.caps = append(l.caps, p)", now: "_ = l.caps", dir: "..", test: "TestExtendShorterAnswerLost"},
	{name: "raise-any", file: steps, old: "w.If[0] = append(w.If[0], tokenOf(&lockstore.Record{Token: from}))", now: "_ = from", dir: "..", test: "TestRegress_RaisedTokenWentBack"},
	{name: "successor-same-token", file: "handover.go", old: "began: now, token: l.token + 1, tokens", now: "began: now, token: l.token, tokens"},
	{name: "ghosts-stay", file: "queue.go", old: "\tif id == \"\" || place < 0 {\n\t\treturn\n\t}\n\tw.id, w.place", now: "\tif id == \"\" || place < 9 {\n\t\treturn\n\t}\n\tw.id, w.place"},
}
