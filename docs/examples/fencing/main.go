//go:build unix

// Fencing shows with real processes why a lock alone cannot keep a paused
// holder from writing late, and two ways to refuse what it writes:
//
//	go run ./docs/examples/fencing
//
// It starts a DynamoDB engine on loopback and ends it. It needs no account, and
// npm the first time, which fetches the engine.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

func main() {
	if err := start(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fencing:", err)
		os.Exit(1)
	}
}

// start is the parent without arguments, and a worker with them.
func start(args []string, out io.Writer) error {
	if len(args) == 0 {
		return story(out)
	}
	if len(args) != 5 {
		return errors.New("it takes no arguments")
	}
	amount, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	return work(args[0], args[1], amount, args[3], args[4] == "stops")
}

func story(out io.Writer) error {
	engine, err := enginetest.Start("")
	if err != nil {
		return err
	}
	defer func() { _ = engine.Stop() }()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	s := &stage{out: out, endpoint: engine.URL, db: enginetest.NewClient(engine.URL, http.DefaultClient)}
	if err := s.build(ctx); err != nil {
		return err
	}
	s.say("An account has a balance of 100. Worker A adds 10 and worker B adds 50, each under the lock.")
	s.say("A is paused after it looked at its lock, so B takes over. What A writes then has to be refused,")
	s.say("since A read the account before B changed it: the balance should be 150.")
	for _, scene := range []struct{ title, as string }{
		{"1. Without a fence", "plain"},
		{"2. With FenceCondition", "fenced"},
		{"3. With TransactGuard", "guarded"},
	} {
		s.say("\n%s\n", scene.title)
		if err := s.play(ctx, scene.as); err != nil {
			return fmt.Errorf("%s: %w", scene.title, err)
		}
	}
	return nil
}

// A stage has the tables and what is said.
type stage struct {
	out      io.Writer
	endpoint string
	db       *dynamodb.Client
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func (s *stage) build(ctx context.Context) error {
	locks := dynalock.NewDynalockClient(s.db, "locks")
	if err := locks.CreateTable(ctx); err != nil {
		return err
	}
	_, err := s.db.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("accounts"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
	})
	return errors.Join(err, locks.Close(ctx))
}

// play lets A come first and be paused, B take over, and A go on.
func (s *stage) play(ctx context.Context, as string) error {
	acc := newAccount(s.db)
	if err := acc.write(ctx, nil, 100); err != nil {
		return err
	}
	a, err := s.enter("A", as, 10, "stops")
	if err != nil {
		return err
	}
	defer a.leave()
	if err := a.hear(atGate); err != nil {
		return err
	}
	if err := a.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	s.say("   ... A is paused (SIGSTOP) ...")
	b, err := s.enter("B", as, 50, "goes on")
	if err != nil {
		return err
	}
	defer b.leave()
	if err := b.hear(""); err != nil {
		return err
	}
	s.say("   ... A goes on (SIGCONT), right where it was ...")
	if err := a.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	if _, err := io.WriteString(a.in, "\n"); err != nil {
		return err
	}
	if err := a.hear(""); err != nil {
		return err
	}
	n, err := acc.read(ctx, nil)
	if err != nil {
		return err
	}
	s.say("   The balance is %d: %s.", n, map[bool]string{true: "right", false: "B's 50 are gone"}[n == 150])
	return nil
}
