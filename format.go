package dynalock

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
)

func quote(s string) string { return strconv.Quote(s) }

// Format writes key, owner, token and state, whatever the verb: never data,
// nonce or handle.
func (l *Lock) Format(f fmt.State, _ rune) {
	if l == nil || l.c == nil {
		_, _ = io.WriteString(f, "no lock")
		return
	}
	_, _ = fmt.Fprintf(f, "lock %q of %q, token %d, %s", l.key, l.owner, l.Token(), l.state())
}

// LogValue gives slog the same.
func (l *Lock) LogValue() slog.Value {
	if l == nil || l.c == nil {
		return slog.StringValue("no lock")
	}
	return slog.GroupValue(slog.String("key", l.key), slog.String("owner", l.owner),
		slog.Uint64("token", l.Token()), slog.String("state", l.state()))
}

func (l *Lock) state() string {
	err := l.Err()
	switch lost, isLost := err.(*LostError); {
	case err == nil:
		return "held"
	case isLost:
		return "lost: " + string(lost.Reason)
	case err == ErrClosed:
		return "closed"
	}
	return "released"
}

// Format writes key, owner, token and state, whatever the verb: never data.
func (i LockInfo) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "lock %q of %q, token %d, %s", i.Key, i.Owner, i.Token, i.State)
}

// LogValue gives slog the same.
func (i LockInfo) LogValue() slog.Value {
	return slog.GroupValue(slog.String("key", i.Key), slog.String("owner", i.Owner),
		slog.Uint64("token", i.Token), slog.String("state", string(i.State)))
}
