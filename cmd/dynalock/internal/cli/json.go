package cli

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/kmdeveloping/dynalock"
)

// jsonVersion is in every object. It rises only if a field is removed or means
// something else; fields may be added at any time.
const jsonVersion = 1

// A lockJSON is a lock as get, ls, watch and force-release print it.
type lockJSON struct {
	Version int        `json:"version"`
	Event   string     `json:"event,omitempty"` // watch: held, renewed, released, lapsed, changed or gone
	Time    *time.Time `json:"time,omitempty"`  // watch: when the change was seen
	Key     string     `json:"key"`
	Owner   string     `json:"owner"`
	Token   uint64     `json:"token"`
	State   string     `json:"state"`
	Since   *time.Time `json:"since,omitempty"`
	Expires *time.Time `json:"expires,omitempty"` // absent: no end, or not known
	LeaseMS int64      `json:"lease_ms"`          // 0: until released
	Waiters int        `json:"waiters,omitempty"`
	Problem string     `json:"problem,omitempty"` // why the item or its data cannot be read
	dataJSON
}

// A dataJSON is data that was asked for.
type dataJSON struct {
	Data       *string `json:"data,omitempty"`        // if it is UTF-8
	DataBase64 *string `json:"data_base64,omitempty"` // otherwise
}

func newDataJSON(data []byte) dataJSON {
	if data == nil {
		return dataJSON{}
	}
	text := string(data)
	if utf8.Valid(data) {
		return dataJSON{Data: &text}
	}
	text = base64.StdEncoding.EncodeToString(data)
	return dataJSON{DataBase64: &text}
}

func newLockJSON(info *dynalock.LockInfo, withData bool) lockJSON {
	j := lockJSON{
		Version: jsonVersion, Key: info.Key, Owner: info.Owner, Token: info.Token, State: string(info.State),
		Since: moment(info.Since), Expires: moment(info.Expires), LeaseMS: info.Lease.Milliseconds(), Waiters: info.Waiters,
	}
	if info.DataErr != nil {
		j.Problem = info.DataErr.Error()
	}
	if withData {
		j.dataJSON = newDataJSON(info.Data)
	}
	return j
}

// A tenureJSON is what acquire and renew print.
type tenureJSON struct {
	Version int        `json:"version"`
	Key     string     `json:"key"`
	Owner   string     `json:"owner"`
	Token   uint64     `json:"token"`
	Expires *time.Time `json:"expires,omitempty"` // absent: no end
	Handle  string     `json:"handle,omitempty"`  // a secret: whoever has it can release
}

// A doneJSON is what release and update print.
type doneJSON struct {
	Version int    `json:"version"`
	Key     string `json:"key"`
	Done    string `json:"done"` // released or updated
}

// A reportJSON is run's own report.
type reportJSON struct {
	Version  int       `json:"version"`
	Key      string    `json:"key"`
	Owner    string    `json:"owner"`
	Token    uint64    `json:"token,omitempty"`   // 0: the lock was not had
	Outcome  string    `json:"outcome"`           // exited, signaled, held, lost, interrupted, not-started, store or usage
	ExitCode int       `json:"exit_code"`         // of dynalock
	Error    string    `json:"error,omitempty"`   // what stderr said
	Lost     string    `json:"lost,omitempty"`    // reason, of outcome lost
	LostBy   string    `json:"lost_by,omitempty"` // owner name of who ended it
	Released bool      `json:"released"`          // the lock was released at the end
	WaitedMS int64     `json:"waited_ms"`         // until the lock was had or given up
	HeldMS   int64     `json:"held_ms,omitempty"` // from then to the end of the command
	Holder   any       `json:"holder,omitempty"`  // of outcome held: a holderJSON
	Child    any       `json:"child,omitempty"`   // a childJSON; absent: it was not started
	Store    string    `json:"store,omitempty"`   // as --store takes it
	Started  time.Time `json:"started"`
}

// A holderJSON is who held the lock.
type holderJSON struct {
	Owner   string     `json:"owner"`
	Token   uint64     `json:"token"`
	Since   *time.Time `json:"since,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
}

// A childJSON is how the command that run started ended.
type childJSON struct {
	PID      int    `json:"pid"`
	ExitCode int    `json:"exit_code"`        // its own; 128 + n for a signal
	Signal   string `json:"signal,omitempty"` // that ended it
	Killed   bool   `json:"killed"`           // it had to be killed because TERM was not enough
}

// A findingJSON is one line of table check.
type findingJSON struct {
	Version int    `json:"version"`
	Level   string `json:"level"` // ok, warning or problem
	Check   string `json:"check"`
	Found   string `json:"found"`
	Advice  string `json:"advice,omitempty"`
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// printJSON writes one object as one line.
func (a *app) printJSON(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return a.printf("%s\n", escaped(line))
}

// escaped writes what is not printable the other way that JSON has: it means
// the same, and does nothing to a terminal. encoding/json does so up to U+001F.
func escaped(line []byte) []byte {
	if printable(string(line)) {
		return line
	}
	var b []byte
	for _, r := range string(line) { // valid UTF-8, which encoding/json sees to
		switch {
		case unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return b
}

// printf writes a result. That it could not be written is an error of the
// command: a handle that went nowhere is a lock that nobody can release.
func (a *app) printf(format string, args ...any) error {
	if _, err := fmt.Fprintf(a.Stdout, format, args...); err != nil {
		return &codeError{code: exitStore, text: "stdout: " + err.Error(), err: err}
	}
	return nil
}
