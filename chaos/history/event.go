package history

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// A Kind says what an event is.
type Kind string

// The kinds. The first four are of processes, the others of who runs them.
const (
	Begin Kind = "begin" // of a call
	End   Kind = "end"   // of a call, with its outcome
	Held  Kind = "held"  // Held was true when asked for after From; Until is what Deadline said
	Lost  Kind = "lost"  // a handle was found ended that was not released: Outcome, Reason

	Start  Kind = "start"  // of a process
	Exit   Kind = "exit"   // of a process that was not killed
	Kill   Kind = "kill"   // of a process: SIGKILL, from From to At, when it was gone
	Stop   Kind = "stop"   // of a process: SIGSTOP
	Cont   Kind = "cont"   // of a process: SIGCONT
	Cut    Kind = "cut"    // of a process's network
	Heal   Kind = "heal"   // of a process's network
	Down   Kind = "down"   // of the engine, by SIGKILL
	Up     Kind = "up"     // of the engine, on its file
	Faulty Kind = "faulty" // a request of a process met a fault: Op is its name
)

// The calls.
const (
	Acquire    = "acquire"
	Release    = "release"
	Renew      = "renew"
	Extend     = "extend"
	Update     = "update"
	Attach     = "attach"
	Resume     = "resume"      // by the owner's name
	ReleaseKey = "release-key" // by the owner's name
	UpdateKey  = "update-key"  // by the owner's name
	Force      = "force"
	Delete     = "delete" // of the item, by hand
	Close      = "close"  // of the client
	Write      = "write"  // of a register
)

// The outcomes.
const (
	OK      = "ok"
	Refused = "refused" // another holds it: Holder and HolderToken
	Free    = "free"    // nobody does
	Gone    = "lost"    // the handle has ended: Reason
	Unknown = "unknown" // it may have happened, or may yet
	Broken  = "broken"  // an error that should not be
)

// An Event is one line of a log. Times are of [Now].
type Event struct {
	At      int64  `json:"at"`
	From    int64  `json:"from,omitempty"`
	Kind    Kind   `json:"kind"`
	Process string `json:"process,omitempty"` // owner name and generation
	Owner   string `json:"owner,omitempty"`
	Key     string `json:"key,omitempty"`
	Op      string `json:"op,omitempty"`
	Call    int64  `json:"call,omitempty"`   // begin and end of one call, in its process
	Handle  int64  `json:"handle,omitempty"` // in its process
	Token   uint64 `json:"token,omitempty"`
	Lease   int64  `json:"lease,omitempty"` // ns
	Live    bool   `json:"live,omitempty"`
	Waits   bool   `json:"waits,omitempty"`
	AtLeast int64  `json:"at_least,omitempty"` // ns, of HoldAtLeast
	Until   int64  `json:"until,omitempty"`
	// TookOver: the client says that it took the lock from a lapsed tenure.
	TookOver bool `json:"took_over,omitempty"`

	Outcome     string `json:"outcome,omitempty"`
	Reason      string `json:"reason,omitempty"`
	Holder      string `json:"holder,omitempty"`
	HolderToken uint64 `json:"holder_token,omitempty"`
	Error       string `json:"error,omitempty"`

	Register string `json:"register,omitempty"`
	ID       string `json:"id,omitempty"`   // of an update of a register
	Prev     string `json:"prev,omitempty"` // the update that it was made from
}

// A Log is a file that events are appended to. It is safe for concurrent use.
type Log struct {
	mu      sync.Mutex
	file    *os.File
	process string
	owner   string
}

// NewLog opens a log. process and owner are set in events that have none.
func NewLog(path, process, owner string) (*Log, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return &Log{file: f, process: process, owner: owner}, nil
}

// Add writes the event at once, by one write. At is now where it is not set.
func (l *Log) Add(e Event) {
	if e.At == 0 {
		e.At = Now()
	}
	if e.Process == "" {
		e.Process, e.Owner = l.process, l.owner
	}
	text, _ := json.Marshal(e) // plain fields
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.file.Write(append(text, '\n')); err != nil {
		panic(err) // a history with holes proves nothing
	}
}

// Close closes the file.
func (l *Log) Close() error { return l.file.Close() }

// Read reads all logs of a folder. Only the last line of a file may be
// incomplete: that of a process that was killed.
func Read(dir string) ([]Event, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	var events []Event
	for _, path := range paths {
		if events, err = read(path, events); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return events, nil
}

func read(path string, events []Event) ([]Event, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	var bad error
	for n := 1; lines.Scan(); n++ {
		if bad != nil {
			return nil, bad
		}
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			bad = fmt.Errorf("line %d: %w", n, err)
			continue
		}
		events = append(events, e)
	}
	return events, lines.Err()
}
