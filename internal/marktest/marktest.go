package marktest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// verbs are the ways in which values get into text, "%d" and "%x" for bytes.
var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"}

// A Paper collects all that a test gets as text. It is safe for concurrent use,
// and an io.Writer.
type Paper struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps what was printed.
func (p *Paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

// Format keeps the values as each verb writes them; of an error also those
// that it wraps, and of a panic's value what it says.
func (p *Paper) Format(values ...any) {
	for _, v := range values {
		for _, verb := range verbs {
			fmt.Fprintf(p, verb+"\n", v)
		}
		switch e := v.(type) {
		case interface{ Unwrap() error }:
			if inner := e.Unwrap(); inner != nil {
				p.Format(inner)
			}
		case interface{ Unwrap() []error }:
			for _, inner := range e.Unwrap() {
				p.Format(inner)
			}
		}
	}
}

// Log keeps the values as slog's handlers write them, too.
func (p *Paper) Log(values ...any) {
	p.Format(values...)
	for _, v := range values {
		slog.New(slog.NewJSONHandler(p, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(p, nil)).Info("x", "v", v)
	}
}

// String is everything.
func (p *Paper) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// Shows gives the place at which a secret shows, and "" if it does not. A
// secret has at least 8 bytes: shorter ones are found anywhere.
func (p *Paper) Shows(secret string) string {
	all := p.String()
	for _, form := range forms(secret) {
		if i := strings.Index(all, form); i >= 0 {
			return fmt.Sprintf("as %q in %q", form, all[max(0, i-200):min(len(all), i+len(form)+100)])
		}
	}
	return ""
}

// forms are the texts that give a secret away.
func forms(secret string) []string {
	b := []byte(secret)
	list := func(format, sep string) string {
		parts := make([]string, len(b))
		for i, c := range b {
			parts[i] = fmt.Sprintf(format, c)
		}
		return strings.Join(parts, sep)
	}
	forms := []string{
		secret, strings.Trim(fmt.Sprintf("%q", secret), `"`), strings.Trim(fmt.Sprintf("%+q", secret), `"`),
		hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)), list("%d", " "), list("%d", ","), list("0x%02x", ", "), list("0x%x", ", "),
	}
	// In base64 a secret looks one of three ways, by what stands before it.
	for skip := range 3 {
		whole := b[skip : skip+(len(b)-skip)/3*3]
		forms = append(forms, base64.StdEncoding.EncodeToString(whole), base64.URLEncoding.EncodeToString(whole))
	}
	return forms
}
