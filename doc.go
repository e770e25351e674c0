// Package dynalock is a distributed lock on Amazon DynamoDB: programs on
// several machines that need one of them at a time to do a thing.
//
//	client := dynalock.NewDynalockClient(dynamodb.NewFromConfig(cfg), "locks")
//	lock, err := client.AcquireLock(ctx, "nightly-report")
//	if err != nil {
//		return err // errors.Is(err, dynalock.ErrHeld): somebody else has it
//	}
//	defer lock.Release(ctx)
//
// # Terms
//
// A lock is an item of a table, under a key. A tenure is one acquisition of
// it, and belongs to an owner name, which several processes may share. Each
// tenure has a fencing token, an integer that only rises. A lease is how long
// a tenure lasts unless it is renewed. A [Lock] is a handle to one tenure.
//
// # Three lifetimes
//
// A lock is durable by default: it outlives its process, and ends when its
// owner releases it, in this process or another of the same owner name, or when
// its lease of 30 days ends. [WithLease] and [WithoutLease] set another one. With
// [KeepAlive] it is live: renewed while the process lives, and free within its
// lease of 20 s when the process dies. All live locks of a client share one
// renewal once they are held for more than a third of that.
//
// # What is guaranteed
//
// At no moment do two handles of different tenures say that they hold one lock,
// as long as local clocks and the store's run at rates within 600 ppm of each
// other, and no local machine has both its monotonic and its wall clock wrong at
// once. A handle believes only what it can prove: from before its last confirmed
// request was sent, for no longer than that request promised, and by whichever
// clock is the furthest. Loss is told by a local timer ([Lock.Done], [Lock.Err],
// [Lock.Context]), so a process that cannot reach the store learns of it in time.
//
// Exceptions that somebody asks for by name: [Client.ForceRelease],
// [Client.ReleaseLock] and [Client.ResumeLock] by the owner's name, and removing
// the item by hand end a tenure from outside. Its handle learns of that at its
// next request or at the end of its lease.
//
// # What is not
//
// No lock service can stop a process that is paused after it looked at its lock
// and before it writes elsewhere. Where that matters, let the resource refuse
// late writes: [Lock.TransactGuard] and [Lock.FenceCondition].
//
// Locks do not work on global tables with multi-Region eventual consistency
// unless all clients use one Region, and not through DAX.
//
// # Cost
//
// Taking and releasing a free lock is two writes and no read. A try that fails is
// one write. With [Wait] and [WaitFor] a process stands in the lock's queue, first
// come first served: one write to join, then eventually consistent reads, and the
// lock is handed over by the write that releases it; goroutines of one client hand
// it over to each other without a request. Each function states its own cost, and
// docs/cost.md the money. The protocol, and why each step is safe, is in docs/protocol.md; the
// item's format is in docs/format.md.
package dynalock
