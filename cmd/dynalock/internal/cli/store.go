package cli

import (
	"context"
	"errors"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
)

// The kinds of store that --store names.
const (
	kindSQLite   = "sqlite"
	kindDynamoDB = "dynamodb"
)

// A storeSpec is what --store says.
type storeSpec struct {
	kind  string
	place string // the file's path or the table's name
}

func (s storeSpec) String() string { return s.kind + ":" + s.place }

// An opened store has what the commands need of it.
type opened struct {
	*dynalock.Client
	db    *dynamodb.Client // nil unless the store is a table
	close func() error     // the store itself
}

// An opener opens the store of a spec for a client with those options.
type opener func(ctx context.Context, a *app, spec storeSpec, opts []dynalock.ClientOption) (*opened, error)

// spec gives the store by flag, variable or default. It asks nobody, and what
// is wrong with it is for parseStore to say.
func (a *app) spec() storeSpec {
	spec, _ := a.parseStore()
	return spec
}

func (a *app) parseStore() (storeSpec, error) {
	text, from := a.flags.store, "--store"
	if text == "" {
		text, from = a.lookup("DYNALOCK_STORE"), "DYNALOCK_STORE"
	}
	if text == "" {
		path, err := a.defaultPath()
		return storeSpec{kind: kindSQLite, place: path}, err
	}
	kind, place, ok := strings.Cut(text, ":")
	switch {
	case ok && place == "":
		return storeSpec{}, usagef("%s %q: after the colon comes the path or the table's name", from, text)
	case ok && kind == kindSQLite:
		return storeSpec{kindSQLite, place}, nil
	case ok && kind == kindDynamoDB:
		return storeSpec{kindDynamoDB, place}, nil
	}
	return storeSpec{}, usagef("%s %q is neither sqlite:PATH nor dynamodb:TABLE", from, text)
}

// defaultPath is a file for the locks of this user on this machine, where the
// XDG Base Directory Specification has state that outlives programs.
func (a *app) defaultPath() (string, error) {
	dir := a.lookup("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) { // the specification: ignore what is not absolute
		dir = ""
	}
	if dir == "" && runtime.GOOS == "windows" {
		dir = a.lookup("LocalAppData")
	}
	if dir == "" {
		home := a.lookup("HOME")
		if home == "" {
			home = a.lookup("USERPROFILE")
		}
		if u, err := user.Current(); home == "" && err == nil {
			home = u.HomeDir // cron jobs and containers may have no HOME
		}
		if home == "" {
			return "", usagef("no --store, and no home directory for the default one: set --store sqlite:PATH or DYNALOCK_STORE")
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "dynalock", "locks.db"), nil
}

// checkTableFlags refuses flags that the store would ignore.
func (a *app) checkTableFlags(spec storeSpec) error {
	if spec.kind != kindDynamoDB {
		for name, value := range map[string]string{
			"--endpoint-url": a.flags.endpoint, "--partition-key": a.flags.partitionKey, "--sort-key": a.flags.sortKey,
		} {
			if value != "" {
				return usagef("%s is for --store dynamodb:TABLE, and the store is %s", name, spec)
			}
		}
	}
	return nil
}

// open gives the client of the store that the flags name.
func (a *app) open(ctx context.Context, more ...dynalock.ClientOption) (*opened, error) {
	spec, err := a.parseStore()
	if err != nil {
		return nil, err
	}
	if err := a.checkTableFlags(spec); err != nil {
		return nil, err
	}
	opts, err := a.clientOptions()
	if err != nil {
		return nil, err
	}
	return a.Env.open(ctx, a, spec, append(opts, more...))
}

func openStore(ctx context.Context, a *app, spec storeSpec, opts []dynalock.ClientOption) (*opened, error) {
	if spec.kind == kindSQLite {
		return openSQLite(spec, opts)
	}
	return a.openDynamoDB(ctx, spec.place, opts)
}

// closeLimit bounds what a command does at its end for locks that it leaves:
// long enough for a slow store, short enough for whoever pressed Ctrl-C.
const closeLimit = time.Second

// shut ends the client and the store, also after the command's context ended.
func (o *opened) shut() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	return errors.Join(o.Close(ctx), o.close())
}

// with runs f with the client of the store.
func (a *app) with(ctx context.Context, f func(*opened) error, more ...dynalock.ClientOption) error {
	o, err := a.open(ctx, more...)
	if err != nil {
		return err
	}
	err = f(o)
	if e := o.shut(); e != nil && err == nil && !errors.Is(e, context.DeadlineExceeded) {
		a.say("at the end: %v", message(e))
	}
	return err
}
