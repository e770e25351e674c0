package dynalock_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/memstore"
)

// Your own item refuses what a former holder writes late: it keeps the highest
// token that has written to it.
func ExampleLock_FenceCondition() {
	ctx := context.Background()
	cfg, err := loadConfig(ctx) // config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	db := dynamodb.NewFromConfig(cfg)
	makeTable(ctx, db, "accounts")

	// The lock may be in any table, or store.
	client := dynalock.New(memstore.New(), dynalock.WithLockOwnerName("teller"))
	former, err := client.AcquireLock(ctx, "account/7")
	if err != nil {
		log.Fatal(err)
	}
	now, err := client.ResumeLock(ctx, "account/7") // another process of that name
	if err != nil {
		log.Fatal(err)
	}

	pay := func(lock *dynalock.Lock, balance string) error {
		fence := lock.FenceCondition("lock_token")
		names := map[string]string{"#balance": "balance"}
		values := map[string]types.AttributeValue{":balance": &types.AttributeValueMemberN{Value: balance}}
		maps.Copy(names, fence.Names)
		maps.Copy(values, fence.Values)
		_, err := db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName:                 aws.String("accounts"),
			Key:                       map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "7"}},
			UpdateExpression:          aws.String("SET #balance = :balance, " + fence.Set),
			ConditionExpression:       aws.String(fence.Condition),
			ExpressionAttributeNames:  names,
			ExpressionAttributeValues: values,
		})
		return err
	}
	fmt.Println(pay(now, "100"))
	var refused *types.ConditionalCheckFailedException
	fmt.Println("the former holder is refused:", errors.As(pay(former, "0"), &refused))
	// Output:
	// <nil>
	// the former holder is refused: true
}

// A transaction of your own that commits only while nobody else has the lock. The
// items that it changes need no attribute for it.
func ExampleLock_TransactGuard() {
	ctx := context.Background()
	cfg, err := loadConfig(ctx) // config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	db := dynamodb.NewFromConfig(cfg)
	makeTable(ctx, db, "accounts")
	client := dynalock.NewDynalockClient(db, "locks")
	if err := client.CreateTable(ctx); err != nil {
		log.Fatal(err)
	}
	lock, err := client.AcquireLock(ctx, "account/8")
	if err != nil {
		log.Fatal(err)
	}

	guard, err := lock.TransactGuard()
	if err != nil {
		log.Fatal(err) // the lock was lost, or is not on DynamoDB
	}
	pay := func() error {
		_, err := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
			TransactItems: []types.TransactWriteItem{guard, {Put: &types.Put{
				TableName: aws.String("accounts"),
				Item: map[string]types.AttributeValue{
					"id":      &types.AttributeValueMemberS{Value: "8"},
					"balance": &types.AttributeValueMemberN{Value: "100"},
				},
			}}},
		})
		return err
	}
	fmt.Println(pay())
	if err := lock.Release(ctx); err != nil {
		log.Fatal(err)
	}
	var cancelled *types.TransactionCanceledException
	fmt.Println("cancelled after the release:", errors.As(pay(), &cancelled))
	// Output:
	// <nil>
	// cancelled after the release: true
}

// makeTable makes a table with the partition key id, unless it is there.
func makeTable(ctx context.Context, db *dynamodb.Client, name string) {
	_, err := db.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:            &name,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
	})
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		log.Fatal(err)
	}
	wait := dynamodb.NewTableExistsWaiter(db)
	if err := wait.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, time.Minute); err != nil {
		log.Fatal(err)
	}
}
