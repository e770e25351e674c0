// Package gooselock lets one instance at a time migrate a database with goose,
// whatever the database: its lock is a dynalock, not one of the database.
//
//	locker, err := gooselock.New(client, "migrate/orders")
//	...
//	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithLocker(locker))
//	...
//	ctx, stop := gooselock.Context(ctx)
//	defer stop()
//	results, err := provider.Up(ctx)
//
// The lock is live (dynalock.KeepAlive): held for as long as the migrations take,
// and free within a lease, 20 s, when the process dies. Who waits for it finds the
// migrations done, and does nothing.
//
// # When the lock is lost
//
// goose has no way to be told that its lock is gone, say because the store could
// not be reached for a whole lease; another instance may begin then. So
// [Context] ends the migrations: what runs in a transaction is rolled back. What
// runs outside of one (goose's NO TRANSACTION) may be left half done, as by any
// other end of the context. Without Context the migrations go on, and the error of
// Up says afterwards that the lock was lost.
//
// # What it relies on
//
// Facts about goose are those of github.com/pressly/goose/v3 v3.30.0:
//
//   - lock/locker.go: lock.Locker gets the *sql.DB and is bound to no connection.
//   - provider_run.go, initialize: Lock is called with the context of Up, Down and
//     so on; Unlock once after each successful Lock, with a context without
//     cancellation; its error becomes one of Up. A connection is taken from the
//     pool before Lock and kept while it waits.
//   - provider.go: Status, HasPending and GetDBVersion take no lock.
package gooselock
