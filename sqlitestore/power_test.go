package sqlitestore_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/kmdeveloping/dynalock/sqlitestore"
)

// A disk knows what of two files would be there after the power failed: what
// was written before the last sync, and any part of what came after.
type disk struct {
	mu      sync.Mutex
	rand    *rand.Rand
	safe    map[string][]byte
	pending map[string][]fileOp
	ops     int
}

// newDisk begins with what the files hold now.
func newDisk(t *testing.T, seed uint64, paths ...string) *disk {
	d := &disk{rand: rand.New(rand.NewPCG(seed, 1)), safe: map[string][]byte{}, pending: map[string][]fileOp{}}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		d.safe[path] = text
	}
	return d
}

// see takes an operation into account before it is made.
func (d *disk) see(op fileOp) {
	d.ops++
	if op.what != "sync" {
		op.data = append([]byte(nil), op.data...)
		d.pending[op.path] = append(d.pending[op.path], op)
		return
	}
	for _, p := range d.pending[op.path] {
		d.safe[op.path] = p.apply(d.safe[op.path])
	}
	d.pending[op.path] = nil
}

func (o fileOp) apply(text []byte) []byte {
	end := o.off + int64(len(o.data))
	if int64(len(text)) < end {
		text = append(text, make([]byte, end-int64(len(text)))...)
	}
	if o.what == "truncate" {
		return text[:o.off]
	}
	copy(text[o.off:], o.data)
	return text
}

// fail writes what is left of the files into a folder. Of each operation after
// the last sync it has none, all, or some sectors.
func (d *disk) fail(t *testing.T) (path string) {
	dir := t.TempDir()
	for name, text := range d.safe {
		text = append([]byte(nil), text...)
		for _, op := range d.pending[name] {
			switch d.rand.IntN(3) {
			case 0:
				text = op.apply(text)
			case 1:
				const sector = 512
				for off := 0; off < len(op.data); off += sector {
					if d.rand.IntN(2) == 0 {
						text = fileOp{what: "write", off: op.off + int64(off), data: op.data[off:min(off+sector, len(op.data))]}.apply(text)
					}
				}
			}
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "locks.db")
}

// The power fails at any operation on the files. By default every step that was
// answered is there; with normal sync all up to some step are. Nothing is
// damaged in either case.
func TestPowerFailure(t *testing.T) {
	for name, opts := range options {
		t.Run(name, func(t *testing.T) {
			steps := 400
			if raceDetector { // which slows SQLite down tenfold
				steps = 80
			}
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			fs, on := newFaultFS(t)
			path := newFile(t)
			opts := append(opts, on, sqlitestore.WithPragma("wal_autocheckpoint = 50"))
			s := open(t, path, opts...)
			d := newDisk(t, seed, path, path+"-wal")
			states := []model{{}} // states[i]: after i steps
			answered, failures, undone := 0, 0, 0
			next := 1 + d.rand.IntN(30)
			fs.do(func(op fileOp) error {
				if op.what == "read" {
					return nil
				}
				d.mu.Lock()
				defer d.mu.Unlock()
				if d.see(op); d.ops == next {
					failures++
					next += 1 + d.rand.IntN(40)
					got := reopen(t, d.fail(t))
					at := len(states) - 1 // the step that is being made
					for at >= 0 && !got.equal(states[at]) {
						at--
					}
					if at < 0 || at < answered && name == "full" {
						t.Errorf("after %d answered steps the file is as after %d: %v", answered, at, got)
					}
					if at < answered {
						undone++
					}
				}
				return nil
			})
			m := model{}
			for i := range steps {
				key, w := step(seed, i)
				m.apply(t, seed, i)
				states = append(states, m.clone())
				if _, err := s.Write(t.Context(), key, w); err != nil {
					t.Fatal(err)
				}
				d.mu.Lock()
				answered = i + 1
				d.mu.Unlock()
			}
			fs.do(nil)
			t.Logf("%d failures in %d operations, %d of them undid something", failures, d.ops, undone)
			if failures < steps/10 || (undone > 0) != (name == "normal") {
				t.Error("that shows nothing")
			}
		})
	}
}

func reopen(t *testing.T, path string) model {
	s, err := sqlitestore.Open(path)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer s.Close()
	checkIntegrity(t, path)
	return contents(t, s)
}

func (m model) clone() model {
	c := model{}
	for key, r := range m {
		c[key] = r.Clone()
	}
	return c
}
