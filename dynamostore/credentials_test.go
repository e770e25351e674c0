package dynamostore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock/dynamostore"
	"github.com/kmdeveloping/dynalock/lockstore"
)

func credentials(f aws.CredentialsProviderFunc) func(*dynamodb.Options) {
	return func(o *dynamodb.Options) { o.Credentials = f }
}

// A provider that fails, or gives nothing in time, is a matter of access; nothing
// was sent.
func TestCredentials(t *testing.T) {
	fails := errors.New("helper said " + secretKey)
	cached := func(o *dynamodb.Options) {
		o.Credentials = aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, fails }))
	}
	for name, option := range map[string]func(*dynamodb.Options){
		"fails":          credentials(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, fails }),
		"fails, cached":  cached,
		"waits for ever": credentials(func(ctx context.Context) (aws.Credentials, error) { <-ctx.Done(); return aws.Credentials{}, ctx.Err() }),
	} {
		synctest.Test(t, func(t *testing.T) {
			w, store := openSDK(t, hang, option)
			for op, call := range calls {
				start := time.Now()
				err := call(t.Context(), store)
				if e := storeError(t, err, lockstore.ErrAccessDenied); e.Unknown || !strings.Contains(e.Advice, "credentials provider") {
					t.Errorf("%s, %s: %+v", name, op, e)
				}
				if errors.Is(err, fails) != strings.HasPrefix(name, "fails") || time.Since(start) > dynamostore.CallLimit {
					t.Errorf("%s, %s: after %v: %v", name, op, time.Since(start), err)
				}
				harmless(t, err)
			}
			if len(w.requests()) != 0 {
				t.Error("something was sent")
			}
		})
	}
}

// A provider that does not look at its context, such as one that asks for a
// code at the terminal, holds nothing up.
func TestCredentialsThatIgnoreTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := make(chan struct{})
		w, store := openSDK(t, hang, credentials(func(context.Context) (aws.Credentials, error) {
			<-answers
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		}))
		start := time.Now()
		_, err := store.Write(t.Context(), "k", ownerOnly)
		if e := storeError(t, err, lockstore.ErrAccessDenied); e.Unknown || time.Since(start) != dynamostore.CallLimit {
			t.Errorf("after %v: %+v", time.Since(start), e)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = store.Write(ctx, "k", ownerOnly)
		if e := storeError(t, err, lockstore.ErrUnavailable); e.Unknown || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%+v", e)
		}
		close(answers)
		synctest.Wait()
		if len(w.requests()) != 0 {
			t.Error("the call that was given up was sent")
		}
	})
}

// A provider's panic comes out where the caller can recover from it.
func TestCredentialsThatPanic(t *testing.T) {
	_, store := openSDK(t, hang, credentials(func(context.Context) (aws.Credentials, error) { panic("at home") }))
	defer func() {
		if got := recover(); got != "at home" {
			t.Errorf("recovered %v", got)
		}
	}()
	_, _ = store.Get(t.Context(), "k", lockstore.Consistent)
}
