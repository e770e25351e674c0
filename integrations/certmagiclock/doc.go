// Package certmagiclock gives certmagic, the certificates of Caddy, locks that
// hold across machines, for a storage whose own locks do not or cost too much.
//
//	locker, err := certmagiclock.New(client)
//	...
//	certmagic.Default.Storage = locker.Storage(storage)
//
// A [Locker] is a certmagic.Locker, TryLocker and LockLeaseRenewer. Its locks are
// live (dynalock.KeepAlive): held for as long as certmagic wants and the process
// lives, however often an order is tried again, and free within a lease, 20 s,
// when the process dies. Waiting is first come first served. All live locks of a
// client share one renewal.
//
// # When a lock is lost
//
// A lock is lost when the store could not be reached for a whole lease, or when
// an operator ended it. certmagic has no way to be told while an order goes on.
// It asks before each further try of one, by RenewLockLease, and then the lock is
// taken again or, where another machine has it by now, the try is not made.
// Unlock answers with the loss, which certmagic logs. What is left is that one
// order may be made twice, which certmagic's documentation of Locker asks its
// users to tolerate.
//
// # What it relies on
//
// Facts about certmagic are those of github.com/caddyserver/certmagic v0.25.6:
//
//   - storage.go, releaseLock: Unlock is called once for each lock, with a
//     context of its own without cancellation; CleanUpOwnLocks calls it with its
//     caller's context, which may have ended.
//   - storage.go, Locker: a lock that is held in the same process blocks too.
//   - maintain.go, updateARI: TryLock, where there is one, instead of Lock.
//   - config.go, obtainCert and renewCert: RenewLockLease before each try of an
//     order in the background, and its error fails that try.
package certmagiclock
