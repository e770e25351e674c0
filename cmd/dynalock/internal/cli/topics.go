package cli

import "github.com/spf13/cobra"

// topics are texts of help, not commands.
func topics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "stores", Short: "Where locks are kept", Long: storesText},
		{Use: "exit-codes", Short: "What exit codes mean", Long: exitText},
		{Use: "json", Short: "What --json prints", Long: jsonText},
	}
}

const storesText = `--store, or DYNALOCK_STORE, says where the locks are:

  sqlite:PATH      a file, for processes of one machine. It must be on a local
                   disk and is made by its first use. Without --store it is
                   $XDG_STATE_HOME/dynalock/locks.db, or the same under
                   ~/.local/state: one for each user.
  dynamodb:TABLE   a table, for any number of machines, with the AWS SDK's usual
                   configuration: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL, the
                   shared files, container and instance roles. "dynalock table
                   create" makes it.

A table of another shape is named by --partition-key and --sort-key NAME=VALUE.
Locks of different stores have nothing to do with one another.

Data stored with locks is encrypted if --encryption-key-file names a file of AES
keys: "openssl rand -base64 32 > key" makes one. To change the key, put the new
one on the first line and keep the old one on the next.`

const exitText = `  0     done
  1     nothing to do, or not allowed: no such lock, it is free, it belongs to
        another owner, a check found problems
  64    usage: the command line is wrong; nothing was done
  69    the store cannot be reached or refuses; a wrong table; stdout is closed
  75    another holds the lock (run and acquire: see --held-exit-code)
  76    run: the lock was lost while the command ran
  126   run: the command cannot be executed
  127   run: the command was not found
  128+n ended by signal n; run: the command was

run exits with the command's own code otherwise. force-release of a lock that is
free already is success. "go run" makes 1 of every code but 0: install the
command before relying on them (go install ./cmd/dynalock in a clone).`

const jsonText = `With --json a command prints its result as JSON on stdout, one object a line
(run: on stderr, when it is over; stdout is the command's). Every object has
"version": 1. Fields may be added; a field that is removed or changes its meaning
raises the version. Times are RFC 3339 in UTC, spans are in milliseconds.

  get, ls, watch   key, owner, token, state, since, expires, lease_ms, waiters,
                   problem; get --show-data: data, or data_base64 if it is no
                   UTF-8; watch: event (held, released, lapsed, changed, gone,
                   unreadable) and time. expires is absent where the lease has
                   no end or none is known
  force-release    the same, of the tenure that was ended
  acquire, renew   key, owner, token, expires, handle (renew: with --print-handle)
  release, update  key, done
  run              key, owner, token, outcome (exited, signaled, lost, held,
                   interrupted, not-started, store, usage), exit_code, error,
                   lost, lost_by, released, waited_ms, held_ms, holder, store,
                   started, child: pid, exit_code, signal, killed
  table check      level (ok, warning, problem), check, found, advice
  version          dynalock, commit, modified, go, platform`
