package enginetest

import (
	"context"
	"log"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// LoadConfig stands in examples, which have no test, for config.LoadDefaultConfig:
// it gives the local engine.
func LoadConfig(context.Context) (aws.Config, error) {
	url := Endpoint(noTest{})
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &url,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}, nil
}

// noTest is the test that an example is not.
type noTest struct{ testing.TB }

func (noTest) Helper()           {}
func (noTest) Fatal(args ...any) { log.Fatal(args...) }
