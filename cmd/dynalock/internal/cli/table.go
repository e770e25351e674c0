package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/kmdeveloping/dynalock"
)

func (a *app) tableCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "table", Short: "Create and check the DynamoDB table, and print what describes it",
		Long: "Table is about the DynamoDB table that --store dynamodb:TABLE names: it creates\n" +
			"and checks it, and prints the IAM policy and the infrastructure code for it.",
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command %q%s", "table "+args[0], didYouMean(c, args[0]))
			}
			return c.Help()
		},
	}
	c.AddCommand(a.tableCreateCommand(), a.tableCheckCommand(), a.tablePolicyCommand(), a.tableTemplateCommand())
	return c
}

func (a *app) tableCreateCommand() *cobra.Command {
	var protect, withoutTTL bool
	var tags []string
	c := &cobra.Command{
		Use: "create", Short: "Create the table", Args: cobra.NoArgs,
		Long: "Create makes the table, with on-demand billing and item expiry on the attribute\n" +
			"\"ttl\", and waits until it can be used. A table that exists is left as it is, save\n" +
			"that its item expiry is switched on. It may run in many places at once. A file\n" +
			"(sqlite) is made by its first use.",
		Example: "  dynalock table create --store dynamodb:locks --tag team=payments",
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		var opts []dynalock.TableOption
		if protect {
			opts = append(opts, dynalock.WithDeletionProtection())
		}
		if withoutTTL {
			opts = append(opts, dynalock.WithoutTTL())
		}
		for _, tag := range tags {
			name, value, ok := strings.Cut(tag, "=")
			if !ok || name == "" {
				return usagef("--tag %q is not NAME=VALUE", tag)
			}
			opts = append(opts, dynalock.WithTags(map[string]string{name: value}))
		}
		return a.with(c.Context(), func(o *opened) error {
			if err := o.CreateTable(c.Context(), opts...); err != nil {
				return err
			}
			a.say("%s is ready", a.spec())
			return nil
		})
	}
	c.Flags().BoolVar(&protect, "deletion-protection", false, "make DynamoDB refuse to delete the table")
	c.Flags().BoolVar(&withoutTTL, "without-ttl", false, "leave item expiry as it is")
	c.Flags().StringArrayVar(&tags, "tag", nil, "NAME=VALUE of a tag; may be repeated")
	return c
}

// tableName is for the commands that are about a table and nothing else.
func (a *app) tableName() (string, error) {
	spec, err := a.parseStore()
	if err != nil {
		return "", err
	}
	if spec.kind != kindDynamoDB {
		return "", usagef("this is about a DynamoDB table, and the store is %s: give --store dynamodb:TABLE", spec)
	}
	return spec.place, nil
}

// keyNames are the table's keys by the flags; sort is "" if it has none.
func (a *app) keyNames() (partition, sort string) {
	partition = a.flags.partitionKey
	if partition == "" {
		partition = "key"
	}
	sort, _, _ = strings.Cut(a.flags.sortKey, "=")
	return partition, sort
}
