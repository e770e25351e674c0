// Command chaos runs real processes with real clients on a real engine, makes
// everything fail that can fail at any time, and checks what they did.
//
//	go run ./chaos -for 1h             # until the time is over, or a fault is found
//	go run ./chaos -seed 7 -rounds 1   # the first round of that seed again
//
// A round is a fresh table and a few processes that work with its locks for a
// while; one seed decides its kind, what the processes do, and the schedule of
// faults. There are three kinds:
//
//	histories  requests meet faults: slow, lost, late, repeated, refused, answers cut
//	crashes    processes are killed and started again, stopped and continued, also in
//	           the middle of requests, cut off alone; the engine is killed and
//	           started again on its file; requests meet a few faults
//	named      histories with named exceptions: force, release and resume by the
//	           owner's name, deletion by hand. A former handle may believe for as long
//	           as docs/protocol.md says
//
// each on dynoxide (a DynamoDB engine) and on a SQLite file. What the processes
// write down and what is concluded is in package history. If something is found,
// everything about the round is kept in a folder, which is printed with the
// command that repeats its schedule; scheduling by the operating system is not
// repeated.
//
// Signals other than SIGKILL need Unix; elsewhere there are no stops.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	j, yes, err := parseJob(os.Args)
	switch {
	case yes && err == nil:
		err = work(j)
	case !yes:
		err = command(os.Args[1:], os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// A setting is what the command was asked for.
type setting struct {
	lasts  time.Duration // of all; 0: by the number of rounds
	rounds int           // 0: by time
	round  time.Duration // of one
	seed   uint64
	kinds  []string
	stores []string
	keep   bool
	dir    string // where the folders of rounds are made; empty: where temporary files are
	broken string // see job
}

// command runs rounds until the time is over or something is found.
func command(args []string, out io.Writer) error {
	var s setting
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.DurationVar(&s.lasts, "for", 0, "run rounds for that long")
	flags.IntVar(&s.rounds, "rounds", 0, "run so many rounds")
	flags.DurationVar(&s.round, "round", 20*time.Second, "length of a round")
	flags.Uint64Var(&s.seed, "seed", uint64(time.Now().Unix()), "of the first round; the next ones count on")
	kinds := flags.String("kind", strings.Join([]string{kindCrashes, kindHistories, kindNamed}, ","), "kinds of rounds")
	stores := flags.String("store", storeDynoxide+","+storeSQLite, "stores")
	flags.BoolVar(&s.keep, "keep", false, "keep the logs of all rounds")
	flags.StringVar(&s.dir, "dir", "", "make the folders of rounds there, instead of where temporary files are")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s.kinds, s.stores = strings.Split(*kinds, ","), strings.Split(*stores, ",")
	for _, k := range s.kinds {
		if !slices.Contains([]string{kindCrashes, kindHistories, kindNamed}, k) {
			return fmt.Errorf("there is no kind %q", k)
		}
	}
	for _, k := range s.stores {
		if !slices.Contains([]string{storeDynoxide, storeSQLite}, k) {
			return fmt.Errorf("there is no store %q", k)
		}
	}
	if s.lasts == 0 && s.rounds == 0 {
		s.rounds = 1
	}
	total, err := s.run(out)
	total.print(out)
	return err
}

// run runs the rounds one after the other.
func (s setting) run(out io.Writer) (*report, error) {
	total, began := newReport(), time.Now()
	for n := 0; (s.rounds == 0 || n < s.rounds) && (s.lasts == 0 || time.Since(began) < s.lasts); n++ {
		p := s.plan(s.seed + uint64(n))
		fmt.Fprint(out, firstLine(p.String()))
		one, err := s.one(p)
		total.add(one)
		if err != nil {
			return total, err
		}
		fmt.Fprintf(out, "; %d tenures, %d takeovers, %d updates\n", one.Tenures, sum(one.Takeovers), one.Registers.Applied)
	}
	return total, nil
}

// plan is the round of a seed.
func (s setting) plan(seed uint64) *plan {
	i := int(seed % uint64(len(s.kinds)*len(s.stores)))
	p := newPlan(seed, s.kinds[i/len(s.stores)], s.stores[i%len(s.stores)], s.round)
	p.broken = s.broken
	return p
}

// one runs a round; the error is of what was found.
func (s setting) one(p *plan) (*report, error) {
	if s.dir != "" {
		if err := os.MkdirAll(s.dir, 0o755); err != nil {
			return newReport(), err
		}
	}
	dir, err := os.MkdirTemp(s.dir, fmt.Sprintf("chaos-%d-*", p.seed))
	if err != nil {
		return newReport(), err
	}
	last, problem := p.run(dir)
	r, found, err := p.judge(dir, last, problem)
	if err != nil {
		return r, fmt.Errorf("%w; the logs are in %s", err, dir)
	}
	if len(found) == 0 {
		if !s.keep {
			err = os.RemoveAll(dir)
		}
		return r, err
	}
	return r, fmt.Errorf("%d findings, all in %s:\n  %s\nagain: go run ./chaos -seed %d -rounds 1 -kind %s -store %s -round %v",
		len(found), dir, strings.Join(found[:min(len(found), 10)], "\n  "), p.seed, p.kind, p.store, s.round)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func sum(m map[string]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}
