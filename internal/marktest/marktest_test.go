package marktest_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"testing"

	"github.com/kmdeveloping/dynalock/internal/marktest"
)

const secret = "a \"secret\"\x00\xff of bytes"

// Each way in which a secret can get into text is found.
func TestShows(t *testing.T) {
	type holder struct{ Data []byte }
	for name, print := range map[string]func(*marktest.Paper){
		"as it is":       func(p *marktest.Paper) { fmt.Fprint(p, "x"+secret+"y") },
		"bytes":          func(p *marktest.Paper) { fmt.Fprint(p, []byte(secret)) },
		"in a struct":    func(p *marktest.Paper) { p.Format(holder{[]byte(secret)}) },
		"%#v":            func(p *marktest.Paper) { fmt.Fprintf(p, "%#v", holder{[]byte("x" + secret)}) },
		"hex":            func(p *marktest.Paper) { fmt.Fprintf(p, "%x %X", secret[:1], secret) },
		"quoted":         func(p *marktest.Paper) { fmt.Fprintf(p, "%q", "_"+secret) },
		"wrapped":        func(p *marktest.Paper) { p.Format(fmt.Errorf("hidden: %w", errors.New(secret))) },
		"joined":         func(p *marktest.Paper) { p.Format(errors.Join(errors.New("x"), &quiet{errors.New(secret)})) },
		"in a log":       func(p *marktest.Paper) { p.Log(map[string][]byte{"d": []byte(secret)}) },
		"base64":         func(p *marktest.Paper) { fmt.Fprint(p, base64.StdEncoding.EncodeToString([]byte(secret))) },
		"base64, one on": func(p *marktest.Paper) { fmt.Fprint(p, base64.RawURLEncoding.EncodeToString([]byte("1"+secret+"2"))) },
		"base64, two on": func(p *marktest.Paper) { fmt.Fprint(p, base64.StdEncoding.EncodeToString([]byte("12"+secret+"345"))) },
	} {
		var p marktest.Paper
		if print(&p); p.Shows(secret) == "" {
			t.Errorf("%s: not found in %q", name, p.String())
		}
	}
	var p marktest.Paper
	if p.Log("a secret, but another one", []byte("of bytes")); p.Shows(secret) != "" {
		t.Error(p.Shows(secret))
	}
}

type quiet struct{ error }

func (e *quiet) Error() string { return "quiet" }
func (e *quiet) Unwrap() error { return e.error }
