package main

import (
	"context"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// configure is the "relevant config setup" that the program leaves to its
// user: aws.NewConfig gives an empty one, and what reads the environment is a
// module of its own.
func configure(cfg *aws.Config) {
	cfg.Region = "us-east-1"
	cfg.BaseEndpoint = aws.String(os.Getenv("DYNALOCK_TEST_ENDPOINT"))
	cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
	})
}
