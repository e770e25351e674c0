package cli

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/kmdeveloping/dynalock"
)

// quote writes an argument so that a shell gives it back unchanged, and a
// person sees what is in it.
func quote(arg string) string {
	if runtime.GOOS == "windows" {
		if plainWord(arg) {
			return arg
		}
		if !printable(arg) { // to be seen, for no shell there gives it back
			return strconv.Quote(arg)
		}
		return `"` + strings.ReplaceAll(arg, `"`, `\"`) + `"`
	}
	switch {
	case plainWord(arg):
		return arg
	case printable(arg):
		return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
	}
	// Control characters: bash, zsh, ksh and POSIX of 2024 read $'...'.
	var b strings.Builder
	b.WriteString("$'")
	for i := range len(arg) {
		switch c := arg[i]; {
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\\' || c == '\'':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			b.WriteString(`\` + octal(c))
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + "'"
}

// octal has three digits, so that a digit may follow.
func octal(c byte) string {
	text := strconv.FormatUint(uint64(c), 8)
	return strings.Repeat("0", 3-len(text)) + text
}

// printable reports whether a terminal shows s as it is. Whoever may write to
// the table chooses keys, owner names and data: control characters would move
// the cursor and more, others turn the direction in which the rest is read.
func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// plain is a message for a terminal, of which parts may come from elsewhere:
// all that is not printable is escaped, line ends aside.
func plain(s string) string {
	if printable(strings.ReplaceAll(s, "\n", "")) {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if !printable(line) {
			lines[i] = strings.ReplaceAll(strings.Trim(strconv.Quote(line), `"`), `\"`, `"`)
		}
	}
	return strings.Join(lines, "\n")
}

// plainWord reports whether no shell gives arg a meaning of its own.
func plainWord(arg string) bool {
	return arg != "" && utf8.ValidString(arg) && strings.IndexFunc(arg, func(r rune) bool {
		return !(unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-./:,@%+=", r))
	}) < 0
}

// shown is a key or owner name in a line of text: as it is where nothing in it
// could be mistaken for something else, quoted otherwise.
func shown(s string) string {
	if s != "" && s[0] != '"' && !strings.Contains(s, " ") && printable(s) {
		return s
	}
	return strconv.Quote(s)
}

// keyArgs is the key as the command's last argument.
func keyArg(key string) string {
	if strings.HasPrefix(key, "-") {
		return " -- " + quote(key)
	}
	return " " + quote(key)
}

// storeFlags repeats the flags that a command needs to see the same locks,
// beginning with a space; what comes from the environment is there next time.
func (a *app) storeFlags() string {
	text := ""
	for _, f := range []struct{ name, value string }{
		{"--store", a.flags.store}, {"--endpoint-url", a.flags.endpoint},
		{"--partition-key", a.flags.partitionKey}, {"--sort-key", a.flags.sortKey},
	} {
		if f.value != "" {
			text += " " + f.name + " " + quote(f.value)
		}
	}
	return text
}

func (a *app) forceCommand(key string, token uint64) string {
	return "dynalock force-release" + a.storeFlags() + " --token " + strconv.FormatUint(token, 10) + keyArg(key)
}

// heldText says who holds a lock, and how to end that.
func (a *app) heldText(e *dynalock.HeldError) string {
	whose := ""
	if errors.Is(e, dynalock.ErrOwnerMismatch) {
		whose = " belongs to another owner: it"
	}
	return "lock " + strconv.Quote(e.Key) + whose + holderText(e) +
		"\nTo end that tenure, whoever holds it: " + a.forceCommand(e.Key, e.Token)
}

func holderText(e *dynalock.HeldError) string {
	text := " is held by " + strconv.Quote(e.Owner)
	if !e.Since.IsZero() {
		text += " since " + stamp(e.Since) + " (" + rough(time.Since(e.Since)) + ")"
	}
	switch {
	case e.Lease == 0:
		return text + ", until it is released"
	case !e.Expires.IsZero():
		return text + ", until " + stamp(e.Expires) + " unless it renews"
	}
	return text + ", which renews a lease of " + short(e.Lease)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// leftText is what is left of a lease.
func leftText(info *dynalock.LockInfo) string {
	switch {
	case info.State == dynalock.StateReleased:
		return "-"
	case !info.Expires.IsZero():
		return rough(time.Until(info.Expires))
	case info.Lease > 0:
		return "?"
	}
	return "no end"
}
