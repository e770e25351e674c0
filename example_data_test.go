package dynalock_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// Data is stored in the write that takes the lock, and stays for the next holder.
func ExampleWithData() {
	client := dynalock.New(memstore.New())
	ctx := context.Background()
	lock, err := client.AcquireLock(ctx, "import", dynalock.WithData([]byte("row 0")))
	if err != nil {
		log.Fatal(err)
	}
	if err := lock.Update(ctx, []byte("row 500")); err != nil {
		log.Fatal(err)
	}
	if err := lock.Release(ctx); err != nil {
		log.Fatal(err)
	}

	next, err := client.AcquireLock(ctx, "import")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", next.Data())
	// Output: row 500
}

// Progress is kept with the lock. An update proves that the lock is still held,
// and one that is refused that others may work already.
func ExampleLock_Update() {
	table := memstore.New()
	client := dynalock.New(table)
	ctx := context.Background()
	lock, err := client.AcquireLock(ctx, "import")
	if err != nil {
		log.Fatal(err)
	}
	for row := range 3 {
		if row == 2 {
			table.Remove("import") // somebody deletes the item by hand
		}
		if err := lock.Update(ctx, fmt.Append(nil, row)); err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println("row", string(lock.Data()))
	}
	// Output:
	// row 0
	// row 1
	// lock "import" was lost: gone
}

// Data that only holders of the key can read. It is also bound to its lock and its
// table: a ciphertext that was copied elsewhere does not decrypt.
func ExampleWithDataEncryption() {
	table := memstore.New()
	aead, err := dynalock.NewAESGCM([]byte("32 random bytes out of a secret.")) // Tink's AEADs fit too
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	client := dynalock.New(table, dynalock.WithDataEncryption(aead))
	lock, err := client.AcquireLock(ctx, "import", dynalock.WithData([]byte("cursor=42")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", lock.Data())

	info, err := dynalock.New(table).GetLock(ctx, "import") // without the key
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Owner == lock.Owner(), info.Data == nil, errors.Is(info.DataErr, dynalock.ErrDecrypt))
	// Output:
	// cursor=42
	// true true true
}

// A key is replaced by putting the new one first: it encrypts from now on, and what
// the old one has encrypted can still be read. Give it to all processes as an older
// key before any of them puts it first.
func ExampleNewAESGCM() {
	oldKey, newKey := []byte("the old key had 32 bytes as well"), []byte("the new key has 32 bytes, random")
	before, err := dynalock.NewAESGCM(oldKey, newKey)
	if err != nil {
		log.Fatal(err)
	}
	after, err := dynalock.NewAESGCM(newKey, oldKey)
	if err != nil {
		log.Fatal(err)
	}

	table := memstore.New()
	ctx := context.Background()
	lock, err := dynalock.New(table, dynalock.WithDataEncryption(before)).AcquireLock(ctx, "import", dynalock.WithData([]byte("row 0")))
	if err != nil {
		log.Fatal(err)
	}
	if err := lock.Release(ctx); err != nil {
		log.Fatal(err)
	}
	next, err := dynalock.New(table, dynalock.WithDataEncryption(after)).AcquireLock(ctx, "import")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", next.Data())

	_, err = dynalock.NewAESGCM([]byte("a password"))
	fmt.Println(err)
	// Output:
	// row 0
	// invalid option: key 1 for AES has 10 bytes, not 16, 24 or 32
}

// A table was restored from a backup under another name. The data in it is bound to
// the old one.
func ExampleWithEncryptionContext() {
	aead, err := dynalock.NewAESGCM([]byte("32 random bytes out of a secret."))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	table := memstore.New(memstore.WithScope("locks"))
	if _, err := dynalock.New(table, dynalock.WithDataEncryption(aead)).AcquireLock(ctx, "import", dynalock.WithData([]byte("row 0"))); err != nil {
		log.Fatal(err)
	}
	restored := memstore.New(memstore.WithScope("locks-restored"))
	restored.Put("import", table.Peek("import"))

	info, err := dynalock.New(restored, dynalock.WithDataEncryption(aead)).GetLock(ctx, "import")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("by the new name:", errors.Is(info.DataErr, dynalock.ErrDecrypt))
	info, err = dynalock.New(restored, dynalock.WithDataEncryption(aead), dynalock.WithEncryptionContext("locks")).GetLock(ctx, "import")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("by the old one: %s\n", info.Data)
	// Output:
	// by the new name: true
	// by the old one: row 0
}

// Encryption is switched on for a table with data in it. Once all of that has been
// written anew the option goes.
func ExampleAllowPlaintextData() {
	table := memstore.New()
	ctx := context.Background()
	lock, err := dynalock.New(table).AcquireLock(ctx, "import", dynalock.WithData([]byte("row 0")))
	if err != nil {
		log.Fatal(err)
	}
	if err := lock.Release(ctx); err != nil {
		log.Fatal(err)
	}

	aead, err := dynalock.NewAESGCM([]byte("32 random bytes out of a secret."))
	if err != nil {
		log.Fatal(err)
	}
	_, err = dynalock.New(table, dynalock.WithDataEncryption(aead)).AcquireLock(ctx, "import")
	fmt.Println(errors.Is(err, dynalock.ErrDecrypt)) // given back, with its data
	lock, err = dynalock.New(table, dynalock.WithDataEncryption(aead), dynalock.AllowPlaintextData()).AcquireLock(ctx, "import")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", lock.Data())
	// Output:
	// true
	// row 0
}
