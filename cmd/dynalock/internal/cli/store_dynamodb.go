package cli

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/kmdeveloping/dynalock"
)

// openDynamoDB takes the SDK's usual configuration: environment, shared files,
// profile, container and instance roles.
func (a *app) openDynamoDB(ctx context.Context, table string, opts []dynalock.ClientOption) (*opened, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		return nil, usagef("no AWS region: set AWS_REGION, or region in the profile")
	}
	db := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		if a.flags.endpoint != "" {
			o.BaseEndpoint = aws.String(a.flags.endpoint)
		}
	})
	if a.flags.partitionKey != "" {
		opts = append(opts, dynalock.WithPartitionKeyName(a.flags.partitionKey))
	}
	if a.flags.sortKey != "" {
		name, value, ok := strings.Cut(a.flags.sortKey, "=")
		if !ok || name == "" || value == "" {
			return nil, usagef("--sort-key %q is not NAME=VALUE", a.flags.sortKey)
		}
		opts = append(opts, dynalock.WithSortKey(name, value))
	}
	return &opened{
		Client: dynalock.NewDynalockClient(db, table, opts...),
		db:     db,
		close:  func() error { return nil },
	}, nil
}
