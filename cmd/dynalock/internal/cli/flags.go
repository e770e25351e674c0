package cli

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kmdeveloping/dynalock"
)

// globalFlags are those of every command.
type globalFlags struct {
	store        string
	endpoint     string
	partitionKey string
	sortKey      string
	owner        string
	keyFile      string
	context      string
	plaintext    bool
	verbose      bool
	json         bool
}

func (g *globalFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&g.store, "store", "", "where the locks are: sqlite:PATH or dynamodb:TABLE (default DYNALOCK_STORE, or a file of this user)")
	fs.StringVar(&g.owner, "owner", "", "owner name, by which another command may go on with a lock (default DYNALOCK_OWNER, or host, pid and a random part)")
	fs.StringVar(&g.endpoint, "endpoint-url", "", "DynamoDB endpoint (default AWS_ENDPOINT_URL, or AWS)")
	fs.StringVar(&g.partitionKey, "partition-key", "", `name of the table's partition key (default "key")`)
	fs.StringVar(&g.sortKey, "sort-key", "", "NAME=VALUE of the table's sort key, if it has one")
	fs.StringVar(&g.keyFile, "encryption-key-file", "", "file with AES keys, one in base64 or hex a line, that encrypt the data stored with locks; the first encrypts, all decrypt")
	fs.StringVar(&g.context, "encryption-context", "", "text bound into ciphertexts (default the store's name)")
	fs.BoolVar(&g.plaintext, "allow-plaintext-data", false, "read data stored before encryption was switched on")
	fs.BoolVar(&g.json, "json", false, "print results as JSON, one object a line")
	fs.BoolVarP(&g.verbose, "verbose", "v", false, "log what happens with locks to stderr")
}

// ownerName is the name that was given, or "".
func (a *app) ownerName() string {
	if a.flags.owner != "" {
		return a.flags.owner
	}
	return a.lookup("DYNALOCK_OWNER")
}

// newOwner names this process, for people who read it in another one.
func newOwner() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "unknown-host"
	}
	// A host name comes from outside: an owner name is valid UTF-8 and bounded.
	host = strings.ToValidUTF8(host, "?")
	return fmt.Sprintf("%.255s-%d-%s", host, os.Getpid(), strings.ToLower(rand.Text()[:8]))
}

// clientOptions are the library's settings by the global flags.
func (a *app) clientOptions() ([]dynalock.ClientOption, error) {
	if a.flags.owner == "" {
		if a.flags.owner = a.lookup("DYNALOCK_OWNER"); a.flags.owner == "" {
			a.flags.owner = newOwner()
		}
	}
	opts := []dynalock.ClientOption{dynalock.WithLockOwnerName(a.flags.owner)}
	if a.flags.keyFile != "" {
		aead, err := readKeys(a.flags.keyFile)
		if err != nil {
			return nil, err
		}
		opts = append(opts, dynalock.WithDataEncryption(aead))
	}
	if a.flags.context != "" {
		opts = append(opts, dynalock.WithEncryptionContext(a.flags.context))
	}
	if a.flags.plaintext {
		opts = append(opts, dynalock.AllowPlaintextData())
	}
	if a.flags.verbose {
		handler := slog.NewTextHandler(a.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})
		opts = append(opts, dynalock.WithLogger(slog.New(handler)))
	}
	return opts, nil
}
