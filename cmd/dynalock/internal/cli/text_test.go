package cli

import (
	"os/exec"
	"testing"
	"time"
)

// TestQuote: a shell gives back what was quoted for it.
func TestQuote(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{
		"plain", "a/b-c_d.e", "", " ", "it's", `"`, `\`, "$HOME", "`id`", "*", "~", "#x", "a\nb", "\x01\x7f7", "tab\t'", "ünïcødé ", "-dash", "!x", "{a,b}",
	} {
		out, err := exec.Command("bash", "-c", "printf %s "+quote(arg)).Output()
		if err != nil || string(out) != arg {
			t.Errorf("%q is quoted as %s, which is %q, %v", arg, quote(arg), out, err)
		}
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "30d": 30 * 24 * time.Hour, "0.5d": 12 * time.Hour, "1h30m": 90 * time.Minute,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "5", "-1d", "NaNd", "1e9d", "d"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
	for want, d := range map[string]time.Duration{"2m": 2 * time.Minute, "1h": time.Hour, "30d": 30 * 24 * time.Hour, "1h5m": 65 * time.Minute, "1m5s": 65 * time.Second} {
		if got := short(d); got != want {
			t.Errorf("%v is written %s", d, got)
		}
	}
}
