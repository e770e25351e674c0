package storetest

import (
	"fmt"

	"github.com/kmdeveloping/dynalock/lockstore"
)

func waiter(i int) lockstore.Waiter {
	return lockstore.Waiter{
		ID: lockstore.Nonce(fmt.Sprintf("waiter-%09d", i)), Owner: fmt.Sprintf("owner %d", i), DeleteOnRelease: i%2 == 1,
	}
}

// A queue keeps its order, takes nobody in twice if asked to, and lets anybody
// out.
func testQueue(r *rig) {
	a, b := r.stores[0], r.stores[1]
	key := r.key()
	want := &lockstore.Record{Owner: "holder", Nonce: nonce1, Token: 7, Queue: []lockstore.Waiter{}}
	r.build(a, key, lockstore.SetOwner("holder"), lockstore.SetNonce(nonce1), lockstore.SetToken(7), lockstore.KeepQueue{})
	r.wantRecord("an empty queue", r.get(b, key), want)

	for i := range 4 {
		w := lockstore.Write{
			If: lockstore.All(lockstore.NonceIs(nonce1), lockstore.NotQueued(waiter(i).ID), lockstore.NoWaiterAt(4)),
			Do: []lockstore.Change{lockstore.AddWaiter(waiter(i))},
		}
		want.Queue = append(want.Queue, waiter(i))
		r.wantStored(b, key, r.write(r.stores[i%2], key, w), true, want)
		r.wantStored(b, key, r.write(a, key, w), false, want) // it is in there already
	}
	full := lockstore.Write{If: lockstore.All(lockstore.NoWaiterAt(4)), Do: []lockstore.Change{lockstore.AddWaiter(waiter(9))}}
	want.Queue = append(want.Queue, waiter(9))
	r.wantStored(b, key, r.write(a, key, full), true, want)
	r.wantStored(b, key, r.write(a, key, full), false, want)

	leave := lockstore.Write{
		If: lockstore.All(lockstore.WaiterAt{Place: 2, ID: waiter(2).ID}),
		Do: []lockstore.Change{lockstore.DropWaiterAt(2)},
	}
	want.Queue = []lockstore.Waiter{waiter(0), waiter(1), waiter(3), waiter(9)}
	r.wantStored(b, key, r.write(a, key, leave), true, want)
	r.wantStored(b, key, r.write(a, key, leave), false, want)

	want.Queue = want.Queue[2:]
	r.wantStored(b, key, r.write(a, key, lockstore.Write{Do: []lockstore.Change{lockstore.DropWaiters(2)}}), true, want)
	want.Queue = []lockstore.Waiter{}
	r.wantStored(b, key, r.write(a, key, lockstore.Write{Do: []lockstore.Change{lockstore.DropWaiters(5)}}), true, want)
}

// Passing on hands over to the head, one after the other, and then frees.
func testPassOn(r *rig) {
	a, b := r.stores[0], r.stores[1]
	key := r.key()
	want := &lockstore.Record{Owner: "holder", Nonce: nonce1, Token: 7, Seq: 3, DeleteOnRelease: true, Queue: []lockstore.Waiter{waiter(0), waiter(1)}}
	r.build(a, key, lockstore.SetOwner("holder"), lockstore.SetNonce(nonce1), lockstore.SetToken(7), lockstore.SetSeq(3),
		lockstore.SetReleased(false), lockstore.SetDeleteOnRelease(true), lockstore.AddWaiter(waiter(0)))
	r.build(a, key, lockstore.AddWaiter(waiter(1)))
	r.wantRecord("the queue", r.get(b, key), want)
	for i := range 2 {
		pass := lockstore.Write{
			If: lockstore.All(lockstore.NonceIs(want.Nonce), lockstore.NotReleased{}),
			Do: []lockstore.Change{lockstore.PassOn{}, lockstore.NextSeq{}},
		}
		want = &lockstore.Record{
			Owner: waiter(i).Owner, Nonce: waiter(i).ID, Token: int64(8 + i), Seq: int64(4 + i),
			DeleteOnRelease: waiter(i).DeleteOnRelease, Queue: want.Queue[1:],
		}
		r.wantStored(b, key, r.write(a, key, pass), true, want)
		r.wantStored(b, key, r.write(a, key, pass), false, want)
	}
	want.Released, want.DeleteOnRelease = true, false
	r.wantStored(b, key, r.write(a, key, lockstore.Write{Do: []lockstore.Change{lockstore.PassOn{}}}), true, want)
}

// A session's record counts what was revoked.
func testRevoked(r *rig) {
	key := r.key()
	w := lockstore.Write{Do: []lockstore.Change{lockstore.SetOwner("o"), lockstore.NextRevoked{}}}
	for i := range int64(2) {
		want := &lockstore.Record{Owner: "o", Revoked: i + 1}
		r.wantStored(r.stores[1], key, r.write(r.stores[0], key, w), true, want)
	}
}
