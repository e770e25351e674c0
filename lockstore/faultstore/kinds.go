package faultstore

import "github.com/kmdeveloping/dynalock/lockstore"

// What follows recognises the protocol's steps by what they change, to be used
// as [Match].If.

// Acquires recognises a write that begins a tenure: by acquiring a free lock
// or by taking over.
func Acquires(_ string, w lockstore.Write) bool {
	c := look(w)
	return c.nonce && c.token
}

// Renewals recognises a write that moves a tenure's end: renew, extend, claim.
func Renewals(_ string, w lockstore.Write) bool {
	c := look(w)
	return c.nextSeq && c.expires && !c.nonce && !c.release
}

// Updates recognises a write that only replaces a tenure's data.
func Updates(_ string, w lockstore.Write) bool {
	c := look(w)
	return c.nextSeq && c.data && !c.expires && !c.nonce && !c.release
}

// Releases recognises a write that frees the lock: by marking the record or by
// deleting it.
func Releases(_ string, w lockstore.Write) bool {
	return w.Delete || look(w).release
}

// seen is what a write's changes touch.
type seen struct{ nonce, token, nextSeq, expires, data, release bool }

func look(w lockstore.Write) (s seen) {
	for _, change := range w.Do {
		switch c := change.(type) {
		case lockstore.SetNonce:
			s.nonce = true
		case lockstore.NextToken, lockstore.SetToken:
			s.token = true
		case lockstore.NextSeq, lockstore.SetSeq:
			s.nextSeq = true
		case lockstore.SetExpires:
			s.expires = true
		case lockstore.SetData:
			s.data = true
		case lockstore.SetReleased:
			s.release = s.release || bool(c)
		case lockstore.PassOn:
			s.release = true
		case lockstore.SetEnded:
			s.release = s.release || bool(c) // and stays taken until HoldAtLeast's end
		}
	}
	return s
}

// what names a request for the log.
func what(req request) string {
	switch {
	case req.op == OpGet && req.read == lockstore.Consistent:
		return "consistent"
	case req.op != OpWrite:
		return ""
	}
	for _, kind := range []struct {
		name string
		is   func(string, lockstore.Write) bool
	}{{"acquire", Acquires}, {"renewal", Renewals}, {"update", Updates}, {"release", Releases}} {
		if kind.is(req.key, req.write) {
			return kind.name
		}
	}
	return "other"
}
