// Package lockstore is the seam between dynalock's client and the places that
// can hold a lock's record.
//
// A [Store] does four things: it reads one record, carries out one conditional
// write on one record, pages through records, and says what it is. Everything
// else (which step to take, what to believe, when to try again) is the
// client's, so that a store stays small and every store behaves alike. The
// conformance suite in lockstore/storetest is the other half of this text.
//
// # What a store promises
//
//   - [Store.Write] is one linearizable compare-and-set on one key: it decides
//     the condition and applies the change as one step, and its answer carries
//     the record as it stands after the write or, where the condition failed,
//     the record that made it fail. A store without that cannot hold locks.
//   - One call is one attempt. A store does not repeat a write whose outcome
//     it does not know: the client must know every moment at which a request
//     was sent, because that is what it counts a lease from. (A store may
//     repeat an attempt that was certainly not applied.)
//   - A failed condition is an answer, not an error.
//   - Every other failure is an [*Error] with one of the kinds below, saying
//     with Unknown whether the write may have been applied all the same.
//   - An answer may carry the store's own time ([TimeBounds]). Without it the
//     client still works, and expires leases by observation only.
//   - A store never looks at a clock to decide a condition. Times in
//     conditions are values like any other.
//
// Neither polling nor retries nor the SDK's types cross this seam.
package lockstore
