// Package dynalocktest gives the unit tests of programs that use dynalock a table
// in memory, and what can happen to a lock at a word: somebody else holds it, it is
// taken over, forced, expires, the store fails or goes away.
//
//	client := dynalocktest.NewClient(t) // a client that works; for the rest:
//
//	table := dynalocktest.New(t)
//	client := table.Client()
//	... the program under test takes "leader" ...
//	table.TakeOver("leader", "somebody else")
//
// Everything is closed when the test ends. What is used wrongly fails the test with
// a sentence that says what to do.
//
// # Time
//
// A [Table] runs inside the bubbles of testing/synctest, where time is the test's:
// a lease of 30 days ends in no time, and always at the same moment. Make the table
// inside, with the t that the bubble's function gets. synctest.Wait lets the program
// go as far as it can without time passing, time.Sleep lets time pass.
//
//	func TestStopsWhenTheLockIsLost(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			table := dynalocktest.New(t)
//			client := table.Client()
//			stopped := make(chan error, 1)
//			go func() { stopped <- lead(t.Context(), client) }()
//			time.Sleep(time.Hour) // it leads, and renews its lock
//			table.Down()          // and is cut off
//			if err := <-stopped; !errors.Is(err, dynalock.ErrLost) {
//				t.Error(err)
//			}
//		})
//	}
//
// Outside of a bubble the clocks are the real ones, and nothing here moves them:
// [Table.Expire] ends a lease for those who want the lock, its holder still goes by
// its own clock. Tests in which no time has to pass need no bubble.
//
// # What to test
//
// Work that must stop when its lock is lost, held with [dynalock.Client.Do] or
// [dynalock.Lock.Context]: [Link.Down], and time; [Table.TakeOver], [Table.Force],
// [Table.Release], [Table.Remove]. Each says when the holder learns of it.
//
// A job that does nothing while another runs it, or waits for its turn:
// [Table.Hold], [Table.Wait].
//
//	table.Hold("nightly-report", "the other machine")
//	if err := nightly(ctx, table.Client(), report); err != nil {
//		t.Error(err)
//	}
//
// Work that goes on in another process of the same owner name after a crash: a
// second client of that name. A client crashes by not being used any more or, if it
// has live locks, by being cut off for ever.
//
//	table.Only(first).Down()
//	second := table.Client(dynalock.WithLockOwnerName("importer"))
//
// A lock that a dead process left: Hold, then [Table.Expire].
//
// A store that fails: [Link.Down] for no answer, [Link.Fail] for an error,
// [Link.FailWrites] and [Link.FailReads] for a few, [Link.LoseAnswers] for writes
// that took effect though nobody was told, [Link.Slow]. Of the table they are for all
// its clients, of [Table.Only] for one of them, while the others go on.
//
//	table.FailWrites(4, dynalock.ErrThrottled)
//	table.Only(client).LoseAnswers(1)
//
// What it costs: [Link.Requests] and [Link.Cost].
//
//	reads, writes := table.Cost(func() { err = nightly(ctx, client, report) })
//
// All of these stand as whole tests, with the small programs that they test, in
// example_test.go.
//
// # What it is not
//
// The table decides as DynamoDB does, and the clients are real ones, so that what
// holds here is the protocol. Its network knows a few failures; for requests that
// come late or twice, stale reads and wrong clocks put lockstore/faultstore around a
// memstore. [dynalock.Lock.TransactGuard] needs DynamoDB itself; Lock.FenceCondition
// works.
//
// For tests of several processes there is a store in a file, in the module
// github.com/kmdeveloping/dynalock/sqlitestore: the test makes it with sqlitetest,
// which gives each test a file of its own, and the others open it by its name.
//
//	store := sqlitetest.Open(t) // and start the others with store.Info().Scope
//	client := dynalock.New(store)
//
//	store, err := sqlitestore.Open(os.Args[1]) // in each of them
package dynalocktest
