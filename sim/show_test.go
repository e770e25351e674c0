package sim

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// short names a nonce in a trace.
func short(n lockstore.Nonce) string {
	s := hex.EncodeToString([]byte(n))
	return s[:min(6, len(s))]
}

// name shortens the key of a session.
func name(key string) string {
	if i := strings.LastIndex(key, "session:"); i >= 0 {
		return "session:" + key[i+8:min(len(key), i+14)]
	}
	return key
}

// show is a record on one line, times from the start of the history.
func show(key string, r *lockstore.Record) string {
	if r == nil {
		return name(key) + " is gone"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s seq %d token %d of %s", name(key), short(r.Nonce), r.Seq, r.Token%1e7, r.Owner)
	for _, part := range []struct {
		show bool
		text string
	}{
		{r.Released, "RELEASED"}, {r.Ended, "ENDED"}, {r.DeleteOnRelease, "del"},
		{r.Lease > 0, "lease " + r.Lease.String()}, {!r.Expires.IsZero(), "until " + since(r.Expires)},
		{!r.Hold.IsZero(), "hold " + since(r.Hold)}, {r.Session != "", "in " + name(r.Session)},
		{r.Revoked > 0, fmt.Sprint("marks ", r.Revoked)},
	} {
		if part.show {
			b.WriteString(" " + part.text)
		}
	}
	for _, w := range r.Queue {
		b.WriteString(" <" + short(w.ID) + " " + w.Owner)
	}
	if r.Last != nil {
		fmt.Fprintf(&b, " last %s %s by %s", short(r.Last.Nonce), r.Last.How, r.Last.By)
	}
	return b.String()
}

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // a bubble's time begins so

func since(t time.Time) string { return fmt.Sprintf("%.4f", t.Sub(epoch).Seconds()) }

// summary names what a write does.
func summary(w lockstore.Write) string {
	if w.Delete {
		return "delete"
	}
	var parts []string
	for _, change := range w.Do {
		switch c := change.(type) {
		case lockstore.SetNonce:
			parts = append(parts, "begin "+short(lockstore.Nonce(c)))
		case lockstore.PassOn:
			parts = append(parts, "pass on")
		case lockstore.AddWaiter:
			parts = append(parts, "join "+short(c.ID))
		case lockstore.DropWaiterAt:
			parts = append(parts, fmt.Sprint("leave ", int(c)))
		case lockstore.NextRevoked:
			parts = append(parts, "mark")
		case lockstore.SetSeq:
			parts = append(parts, fmt.Sprint("seq ", int64(c)))
		case lockstore.SetToken:
			parts = append(parts, "token")
		case lockstore.SetSession:
			if c != "" {
				parts = append(parts, "move")
			}
		case lockstore.SetLast:
			parts = append(parts, string(c.How))
		}
	}
	return strings.Join(parts, ", ")
}
