package sqlitestore_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

// pair takes a lock and releases it, as a client's two writes do.
func pair(t testing.TB, s lockstore.Store, key string, nonce lockstore.Nonce) {
	t.Helper()
	now := time.Now()
	for _, w := range []lockstore.Write{
		{
			If: lockstore.Any(lockstore.Case{lockstore.Absent{}}, lockstore.Case{lockstore.NonceNot(nonce), lockstore.Released{}}),
			Do: []lockstore.Change{
				lockstore.SetOwner("owner"), lockstore.SetNonce(nonce), lockstore.NextToken(now.UnixMicro()), lockstore.SetSeq(1),
				lockstore.SetLease(time.Minute), lockstore.SetExpires(now.Add(time.Minute)), lockstore.SetSince(now), lockstore.SetReleased(false),
			},
		},
		{If: lockstore.All(lockstore.NonceIs(nonce), lockstore.NotReleased{}), Do: []lockstore.Change{lockstore.NextSeq{}, lockstore.SetReleased(true)}},
	} {
		if res, err := s.Write(t.Context(), key, w); err != nil || !res.Applied {
			t.Fatalf("%+v, %v", res, err)
		}
	}
}

func nonce(i int) lockstore.Nonce { return lockstore.Nonce(fmt.Sprintf("%016d", i)) }

func BenchmarkPair(b *testing.B) {
	for name, opts := range options {
		b.Run(name, func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "locks.db"), opts...)
			for i := 0; b.Loop(); i++ {
				pair(b, s, "key", nonce(i))
			}
		})
	}
}

// What a command pays that takes one lock and ends.
func BenchmarkOpenPairClose(b *testing.B) {
	path := filepath.Join(b.TempDir(), "locks.db")
	for i := 0; b.Loop(); i++ {
		s, err := sqlitestore.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		pair(b, s, "key", nonce(i))
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "locks.db"))
	pair(b, s, "key", nonce(1))
	for b.Loop() {
		if _, err := s.Get(b.Context(), "key", lockstore.Consistent); err != nil {
			b.Fatal(err)
		}
	}
}
