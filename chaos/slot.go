package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock/chaos/history"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// A slot is where one process of a round runs, and after it was killed the next
// one of the same owner name.
type slot struct {
	r     *round
	job   job
	proxy *proxy // nil on SQLite

	mu    sync.Mutex
	armed moment // when fire is called
	fire  func()

	cmd   *exec.Cmd
	life  io.Closer // the process is killed when this is closed, also by our death
	ended chan error
}

// start runs the next process.
func (s *slot) start() error {
	s.job.Generation++
	name := s.job.process()
	s.job.Log = filepath.Join(s.r.dir, name+".jsonl")
	text, err := json.Marshal(s.job)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	said, err := os.Create(filepath.Join(s.r.dir, name+".stderr"))
	if err != nil {
		return err
	}
	defer said.Close()
	cmd := enginetest.Watched(self, []string{workerCommand, string(text)})
	cmd.Stdout, cmd.Stderr = said, said
	if s.life, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if s.proxy != nil {
		s.proxy.of(name)
	}
	from := history.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	s.r.log.Add(history.Event{Kind: history.Start, Process: name, From: from})
	s.cmd, s.ended = cmd, make(chan error, 1)
	go func() { s.ended <- cmd.Wait() }()
	return s.awaitLog()
}

// awaitLog waits until the process is its own program: before that, a stop
// would hit the shell that watches over it.
func (s *slot) awaitLog() error {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if _, err := os.Stat(s.job.Log); err == nil {
			return nil
		}
	}
	return fmt.Errorf("process %s does not begin", s.job.process())
}

// act does one thing to the process, and undoes it.
func (s *slot) act(a act) error {
	switch a.do {
	case doKill:
		return s.kill(a)
	case doStop:
		if !canStop {
			return nil
		}
		s.when(a.when, func() {
			from := history.Now()
			_ = stop(s.cmd.Process) // it may have ended
			s.note(history.Stop, from)
		})
		time.Sleep(a.lasts)
		from := history.Now()
		_ = cont(s.cmd.Process)
		s.note(history.Cont, from)
	case doCut:
		s.when(a.when, func() {
			from := history.Now()
			s.proxy.isolate()
			s.note(history.Cut, from)
		})
		time.Sleep(a.lasts)
		from := history.Now()
		s.proxy.heal()
		s.note(history.Heal, from)
	}
	return nil
}

func (s *slot) note(kind history.Kind, from int64) {
	s.r.log.Add(history.Event{Kind: kind, Process: s.job.process(), Owner: s.job.Owner, From: from})
}

// kill ends the process and starts the next one.
func (s *slot) kill(a act) error {
	from := int64(0)
	s.when(a.when, func() {
		from = history.Now()
		_ = s.cmd.Process.Kill() // it may have ended
	})
	<-s.ended
	s.note(history.Kill, from)
	_ = s.life.Close()
	time.Sleep(a.lasts / 4)
	return s.start()
}

// when calls f once a request of the process is where it is wanted, or after a
// while all the same.
func (s *slot) when(m moment, f func()) {
	if m == atAny {
		f()
		return
	}
	fired := make(chan struct{})
	s.mu.Lock()
	s.armed, s.fire = m, func() {
		f()
		close(fired)
	}
	s.mu.Unlock()
	select {
	case <-fired:
		return
	case <-time.After(patience):
	}
	s.reached(m)
	<-fired
}

// reached is told where a request is.
func (s *slot) reached(m moment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fire != nil && s.armed == m {
		s.fire()
		s.fire = nil
	}
}

// await waits until the process has ended by itself.
func (s *slot) await(limit time.Duration) error {
	defer s.life.Close()
	name := s.job.process()
	select {
	case err := <-s.ended:
		s.note(history.Exit, history.Now())
		if err != nil {
			return fmt.Errorf("process %s: %w", name, err)
		}
		return nil
	case <-time.After(limit):
	}
	_ = quit(s.cmd.Process)
	select {
	case <-s.ended:
	case <-time.After(5 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
	return fmt.Errorf("process %s does not end", name)
}
