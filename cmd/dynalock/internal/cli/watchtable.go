package cli

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/kmdeveloping/dynalock"
)

// A table is the terminal's screen. It draws over itself, so that nothing
// flickers, and leaves the last picture on the screen.
type table struct {
	out     io.Writer
	restore func()
	size    func() (width, height int)
}

// The control sequences of ECMA-48 that it takes.
const (
	csiHome      = "\x1b[H"
	csiClear     = "\x1b[2J"
	csiClearLine = "\x1b[K"
	csiClearDown = "\x1b[J"
	csiBold      = "\x1b[1m"
	csiPlain     = "\x1b[0m"
)

func newTable(out io.Writer) *table {
	t := &table{out: out, restore: func() {}, size: func() (int, int) { return 80, 24 }}
	if f, ok := out.(*os.File); ok {
		t.restore = enableControl(f)
		t.size = func() (int, int) {
			width, height, err := term.GetSize(int(f.Fd()))
			if err != nil || width < 20 || height < 4 {
				return 80, 24
			}
			return width, height
		}
	}
	fmt.Fprint(out, csiClear)
	return t
}

func (t *table) close() {
	fmt.Fprint(t.out, csiPlain+"\n")
	t.restore()
}

// draw shows what the watcher has seen. Rows that changed are marked by a star
// and bold; those that ended are shown once more.
func (t *table) draw(w *watcher, changes []change, failure error) error {
	width, height := t.size()
	marked := map[string]dynalock.LockInfo{}
	for _, c := range changes {
		if c.what == "gone" {
			c.info.State = "gone"
		}
		marked[c.info.Key] = c.info
	}
	rows := maps.Clone(marked)
	for key, info := range w.seen {
		if _, ok := rows[key]; !ok && (w.all || info.State != dynalock.StateReleased) {
			rows[key] = info
		}
	}
	status := fmt.Sprintf("%d locks, %d changed, at %s; Ctrl-C ends", len(rows), len(marked), time.Now().Format(time.TimeOnly))
	if failure != nil {
		status = strings.ReplaceAll(plain("trying again after: "+message(failure)), "\n", " ")
	}
	var b strings.Builder
	line := func(style, text string) {
		b.WriteString(style + cut(text, width) + csiPlain + csiClearLine + "\r\n")
	}
	b.WriteString(csiHome)
	line("", status)
	line(csiBold, "  "+row("STATE", "TOKEN", "LEFT", "OWNER", "KEY"))
	for i, key := range slices.Sorted(maps.Keys(rows)) {
		if i == height-4 && len(rows) > height-3 {
			line("", fmt.Sprintf("  and %d more", len(rows)-i))
			break
		}
		info := rows[key]
		if _, changed := marked[key]; changed {
			line(csiBold, "* "+lockRow(&info))
		} else {
			line("", "  "+lockRow(&info))
		}
	}
	b.WriteString(csiClearDown)
	_, err := io.WriteString(t.out, b.String())
	return err
}

// cut keeps a row on its line. What is in it was quoted where it is not
// printable, so a rune is a column, save for wide ones, which may wrap.
func cut(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}
