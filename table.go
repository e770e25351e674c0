package dynalock

import (
	"context"
	"maps"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A TableOption is a choice for [Client.CreateTable].
type TableOption func(*lockstore.TableOptions)

// WithDeletionProtection makes DynamoDB refuse to delete the table.
func WithDeletionProtection() TableOption {
	return func(o *lockstore.TableOptions) { o.DeletionProtection = true }
}

// WithoutTTL leaves the table's item expiry as it is. Default: it is switched
// on, and removes items of locks that nobody released long after their lease
// ended (see [WithRetention]).
func WithoutTTL() TableOption {
	return func(o *lockstore.TableOptions) { o.WithoutTTL = true }
}

// WithTags gives the table tags. Used again, it adds to them.
func WithTags(tags map[string]string) TableOption {
	tags = maps.Clone(tags)
	return func(o *lockstore.TableOptions) {
		if o.Tags == nil {
			o.Tags = map[string]string{}
		}
		maps.Copy(o.Tags, tags)
	}
}

// CreateTable makes the table, on demand and with item expiry, and waits until
// it can be used. A table that exists is left as it is, save that its item
// expiry is switched on; from many processes at once it is fine. Stores without
// tables have nothing to do. It needs dynamodb:DescribeTable and
// DescribeTimeToLive; to make the table CreateTable and UpdateTimeToLive, and
// TagResource for tags.
func (c *Client) CreateTable(ctx context.Context, opts ...TableOption) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	var o lockstore.TableOptions
	for _, opt := range opts {
		if opt == nil {
			return invalidOption("a nil TableOption")
		}
		opt(&o)
	}
	creator, ok := c.store.(lockstore.TableCreator)
	if !ok {
		return nil
	}
	return c.failure(ctx, creator.CreateTable(ctx, o))
}
