package certmagiclock_test

import (
	"context"
	"fmt"
	"os"

	"github.com/caddyserver/certmagic"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/certmagiclock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// Two machines with one folder of certificates. A certmagic.Config does these
// calls itself, around each order.
func Example() {
	ctx := context.Background()
	table := memstore.New() // in a program: a DynamoDB table
	folder, err := os.MkdirTemp("", "certs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)

	var machines []certmagic.Storage
	for range 2 {
		client := dynalock.New(table)
		defer client.Close(ctx)
		locker, err := certmagiclock.New(client)
		if err != nil {
			fmt.Println(err)
			return
		}
		machines = append(machines, locker.Storage(&certmagic.FileStorage{Path: folder}))
	}
	fmt.Println(machines[0].Lock(ctx, "issue_cert_example.com"))
	fmt.Println(machines[1].(certmagic.TryLocker).TryLock(ctx, "issue_cert_example.com"))
	fmt.Println(machines[0].Unlock(ctx, "issue_cert_example.com"))
	fmt.Println(machines[1].(certmagic.TryLocker).TryLock(ctx, "issue_cert_example.com"))
	// Output:
	// <nil>
	// false <nil>
	// <nil>
	// true <nil>
}
