package cli

import (
	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/sqlitestore"
)

// openSQLite opens the file. The store makes it, and its folder, for this user
// alone, if there is none.
func openSQLite(spec storeSpec, opts []dynalock.ClientOption) (*opened, error) {
	store, err := sqlitestore.Open(spec.place)
	if err != nil {
		return nil, err
	}
	return &opened{Client: dynalock.New(store, opts...), close: store.Close}, nil
}
