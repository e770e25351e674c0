// Package sqlitestore keeps lock records in one SQLite file, for processes on
// one machine. It needs no server, no account and no C compiler.
//
//	store, err := sqlitestore.Open("/var/lib/app/locks.db")
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	client := dynalock.New(store)
//
// # What is guaranteed
//
// Every write is one transaction that takes the file's only write lock first,
// so that all processes which open the file agree on who holds what. Killing a
// process at any moment, SIGKILL included, loses no write that was answered and
// damages nothing. An answer carries the machine's own wall clock, which all of
// these processes share: a lease that ran out is taken over at once.
//
// By default an answered write also survives a power failure, as far as the
// disk keeps what it reported as written; [WithNormalSync] gives that up for
// speed.
//
// # What is not
//
// One machine, meaning one running kernel (containers on it share one), and a
// local disk: SQLite's write-ahead log needs memory that all processes map,
// which NFS, SMB and the folders that virtual machines share with their host do
// not give. On Linux, Open refuses the network file systems that it knows.
//
// The file, and those beside it whose names end in -wal and -shm, belong
// together and to this package. Copying, replacing or editing one of them while
// a process has it open, and opening it by another driver or another name (a
// hard link), can damage it or let two processes hold one lock. Removing the
// file ends every lock in it: calls of those that had it open fail from then on
// ([lockstore.ErrTableNotFound]).
//
// A process that is stopped (SIGSTOP, a debugger) in the middle of a write
// stops all others; their calls fail after [WithTimeout].
//
// Nothing is removed by itself: a record stays until its lock is released with
// DeleteOnRelease.
//
// # Cost
//
// A write waits for one fdatasync (F_FULLFSYNC on macOS), and every 250 pages
// for two more; a read waits for none, and never for a writer. A folder
// that Open makes has mode 0700, a file 0600: whoever can read it can act as any
// holder in it. To share it, chmod the file and those beside it; later ones
// follow the file. A connection takes 1 to 3 MB of memory, and a Store opens up
// to four as calls need them.
//
// SQLite is built in through github.com/ncruces/go-sqlite3 (MIT), translated to
// Go; SQLite itself is in the public domain.
package sqlitestore
