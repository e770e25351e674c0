// Package k8slock keeps the election record of Kubernetes' client-go in a lock
// store, so that its LeaderElector can be used outside of a cluster, or by
// candidates in several clusters.
//
//	record, err := k8slock.New(store, "controller", hostname)
//	...
//	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{Lock: record, ...})
//
// A [Lock] is a resourcelock.Interface: a record that is read and compared and
// set. It is for programs that are built around the LeaderElector already. Others
// should take a lock of dynalock's own, by Client.Do or an AcquireLock with
// KeepAlive and Wait: see below.
//
// # What is guaranteed
//
// By this package: a record is only ever replaced by a candidate that has seen
// the very record that it replaces, also if requests are repeated, late or lose
// their answers.
//
// Everything else is client-go's: a candidate becomes the leader when it has seen
// the record unchanged for LeaseDuration (whole seconds: less than one is none), by
// its own clock. A leader gives up when it could not replace the record for
// RenewDeadline. "This implementation does not guarantee that only one client is
// acting as a leader (a.k.a. fencing)", says its package comment. A leader whose
// process is paused acts on for a moment afterwards; LeaderElector.IsLeader tells
// what was seen last, whatever the time since; and there is no token by which a
// resource could refuse a former leader. (k8s.io/client-go v0.37.2,
// tools/leaderelection/leaderelection.go.)
//
// # What dynalock's own lock does better
//
// Its handle stops believing by a local timer that counts from before the last
// request that was confirmed (Lock.Held, Lock.Done, Lock.Context), it has a
// fencing token (Lock.FenceCondition, Lock.TransactGuard), others wait first come
// first served, and the leader writes every 7 s, for all its locks together,
// instead of every 2 s for each. Its candidates read half a unit a second, those
// here one every 2 to 4 s.
//
// # The item
//
// The record is the data of an item under the key, as JSON, with the holder's
// identity as its owner, a nonce that is new with each write, and neither a lease
// nor a token. To a dynalock client it is a lock that somebody holds until it is
// released, so the two do not get into each other's way by a key that is used
// twice; and a dynalock lock is [ErrForeign] here. Operators end an election by
// deleting the item, not by dynalock's ForceRelease, which the next renewal undoes.
package k8slock
