// Process is one of the processes that the tests of package dynalock start: it
// does what its arguments say, one after the other, and prints a line of JSON
// for each.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
)

// A program is what the flags say and what the steps share.
type program struct {
	client *dynalock.Client
	lock   *dynalock.Lock
	in     *bufio.Reader
	out    *json.Encoder
	stolen bool // whether the last acquire took the lock over

	key, data, handle  string
	lease, pause, for_ time.Duration
	live, remove       bool
	attempts           int
}

// A report is a line of output.
type report struct {
	Do      string   `json:"do"`
	Token   uint64   `json:"token,omitempty"`
	Owner   string   `json:"owner,omitempty"`
	Data    string   `json:"data,omitempty"`
	Handle  string   `json:"handle,omitempty"`
	Held    bool     `json:"held,omitempty"`
	Stolen  bool     `json:"stolen,omitempty"`
	From    int64    `json:"from,omitempty"` // of an interval of belief; Unix nanoseconds
	To      int64    `json:"to,omitempty"`
	Gap     int64    `json:"gap,omitempty"` // longest time without a look, nanoseconds
	Error   string   `json:"error,omitempty"`
	Matches []string `json:"matches,omitempty"` // errors of dynalock's that it matches
}

var kinds = map[string]error{
	"ErrHeld": dynalock.ErrHeld, "ErrOwnerMismatch": dynalock.ErrOwnerMismatch, "ErrNotHeld": dynalock.ErrNotHeld,
	"ErrLost": dynalock.ErrLost, "ErrInvalidHandle": dynalock.ErrInvalidHandle,
}

func (p *program) say(r report, err error) {
	if err != nil {
		r.Error = err.Error()
		for name, kind := range kinds {
			if errors.Is(err, kind) {
				r.Matches = append(r.Matches, name)
			}
		}
	}
	if err := p.out.Encode(r); err != nil {
		os.Exit(3) // whoever started us is gone
	}
}

func main() {
	p := &program{in: bufio.NewReader(os.Stdin), out: json.NewEncoder(os.Stdout)}
	endpoint := flag.String("endpoint", "", "`URL` of the engine")
	table := flag.String("table", "", "name of the table")
	owner := flag.String("owner", "", "owner name")
	flag.StringVar(&p.key, "key", "k", "the lock's key")
	flag.StringVar(&p.data, "data", "", "data to store")
	flag.StringVar(&p.handle, "handle", "", "what attach attaches")
	flag.DurationVar(&p.lease, "lease", 0, "lease; 0: the default")
	flag.DurationVar(&p.pause, "pause", 0, "longest time that contend and loop hold the lock")
	flag.DurationVar(&p.for_, "for", 0, "how long loop goes on")
	flag.IntVar(&p.attempts, "attempts", 0, "how often contend tries")
	flag.BoolVar(&p.live, "live", false, "KeepAlive")
	flag.BoolVar(&p.remove, "delete", false, "DeleteOnRelease")
	flag.Parse()

	db := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
	p.client = dynalock.NewDynalockClient(db, *table, dynalock.WithLockOwnerName(*owner),
		dynalock.WithPollInterval(10*time.Millisecond, 50*time.Millisecond),
		dynalock.WithObserver(func(_ context.Context, e dynalock.Event) {
			if e.Kind == dynalock.EventAcquired {
				p.stolen = e.TakenOver
			}
		}))
	for _, step := range flag.Args() {
		do, ok := steps[step]
		if !ok {
			fmt.Fprintln(os.Stderr, "no such step:", step)
			os.Exit(2)
		}
		do(p, step)
	}
}
