// The examples of docs/fencing.md for resources that are not DynamoDB's.
package fences_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	_ "github.com/ncruces/go-sqlite3/driver"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// errFenced: a holder of a higher token has been there.
var errFenced = errors.New("refused: another holder has been here since")

// open reads the balance and raises the fence in one statement.
func open(ctx context.Context, db *sql.DB, lock *dynalock.Lock, id string) (balance int, err error) {
	err = db.QueryRowContext(ctx,
		`UPDATE accounts SET fence = $1 WHERE id = $2 AND fence <= $1 RETURNING balance`,
		int64(lock.Token()), id).Scan(&balance)
	if errors.Is(err, sql.ErrNoRows) {
		err = errFenced // or there is no such account
	}
	return balance, err
}

// save writes the balance unless somebody has raised the fence.
func save(ctx context.Context, db *sql.DB, lock *dynalock.Lock, id string, balance int) error {
	done, err := db.ExecContext(ctx,
		`UPDATE accounts SET balance = $1, fence = $2 WHERE id = $3 AND fence <= $2`,
		balance, int64(lock.Token()), id)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errFenced)
	}
	return nil
}

func Example_sql() {
	ctx := context.Background()
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // each would have a memory of its own
	if _, err := db.ExecContext(ctx, `
		CREATE TABLE accounts (id TEXT PRIMARY KEY, balance INTEGER, fence BIGINT NOT NULL DEFAULT 0);
		INSERT INTO accounts (id, balance) VALUES ('7', 100)`); err != nil {
		fmt.Println(err)
		return
	}
	first, second := twoHolders(ctx)

	balance, err := open(ctx, db, first, "7")
	fmt.Println("first reads", balance, err)
	balance, err = open(ctx, db, second, "7")
	fmt.Println("second reads", balance, err)
	fmt.Println("first writes:", save(ctx, db, first, "7", 110))
	fmt.Println("second writes:", save(ctx, db, second, "7", 150))
	// Output:
	// first reads 100 <nil>
	// second reads 100 <nil>
	// first writes: refused: another holder has been here since
	// second writes: <nil>
}

// twoHolders gives the handle of a holder that has lost its lock, though it may
// not know it, and that of the next one.
func twoHolders(ctx context.Context) (first, second *dynalock.Lock) {
	client := dynalock.New(memstore.New(), dynalock.WithLockOwnerName("worker"))
	first, err := client.AcquireLock(ctx, "account/7")
	if err != nil {
		panic(err)
	}
	second, err = client.ResumeLock(ctx, "account/7")
	if err != nil {
		panic(err)
	}
	return first, second
}
