package dynamostore

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// patient waits for a credentials provider no longer than the context lasts,
// also where the provider does not look at it (one that asks for a code at the
// terminal, say), and marks its failures. Nothing is sent meanwhile, so giving
// up is certain.
type patient struct{ aws.CredentialsProvider }

// A credentialsError is a provider's failure.
type credentialsError struct{ error }

func (e *credentialsError) Unwrap() error { return e.error }

func (p patient) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := p.retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, &credentialsError{err}
	}
	return creds, nil
}

func (p patient) retrieve(ctx context.Context) (aws.Credentials, error) {
	if cache, ok := p.CredentialsProvider.(*aws.CredentialsCache); ok {
		return cache.Retrieve(ctx) // the usual one, and patient itself
	}
	type answer struct {
		creds aws.Credentials
		err   error
		panic any
	}
	answers := make(chan answer, 1)
	go func() {
		a := answer{err: errors.New("the provider ended without an answer")} // by runtime.Goexit
		defer func() {
			a.panic = recover()
			answers <- a
		}()
		a.creds, a.err = p.CredentialsProvider.Retrieve(ctx)
	}()
	select {
	case a := <-answers:
		if a.panic != nil {
			panic(a.panic) // where it would have been, so that the caller can recover
		}
		return a.creds, a.err
	case <-ctx.Done():
		return aws.Credentials{}, ctx.Err()
	}
}

// ProviderSources keeps the SDK's bookkeeping of where credentials come from.
func (p patient) ProviderSources() []aws.CredentialSource {
	if source, ok := p.CredentialsProvider.(aws.CredentialProviderSource); ok {
		return source.ProviderSources()
	}
	return nil
}
