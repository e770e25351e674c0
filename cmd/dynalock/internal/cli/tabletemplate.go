package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) tableTemplateCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use: "template", Short: "Print the table as Terraform or CloudFormation", Args: cobra.NoArgs,
		Long: "Template prints the table's definition for those who create it with their own\n" +
			"tools: the same table that table create makes, with deletion protection.",
		Example: "  dynalock table template --store dynamodb:locks > locks.tf\n" +
			"  dynalock table template --store dynamodb:locks --format cloudformation > locks.json",
	}
	c.RunE = func(*cobra.Command, []string) error {
		table, err := a.tableName()
		if err != nil {
			return err
		}
		partition, sort := a.keyNames()
		switch format {
		case "terraform":
			return a.printf("%s", terraform(table, partition, sort))
		case "cloudformation":
			text, err := cloudFormation(table, partition, sort)
			if err != nil {
				return err
			}
			return a.printf("%s\n", text)
		}
		return usagef("--format %q is neither terraform nor cloudformation", format)
	}
	c.Flags().StringVar(&format, "format", "terraform", "terraform or cloudformation")
	return c
}

func terraform(table, partition, sort string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "resource \"aws_dynamodb_table\" \"dynalock\" {\n")
	fmt.Fprintf(&b, "  name         = %s\n  billing_mode = \"PAY_PER_REQUEST\"\n  hash_key     = %s\n", hcl(table), hcl(partition))
	if sort != "" {
		fmt.Fprintf(&b, "  range_key    = %s\n", hcl(sort))
	}
	b.WriteString("\n  deletion_protection_enabled = true\n")
	for _, name := range []string{partition, sort} {
		if name != "" {
			fmt.Fprintf(&b, "\n  attribute {\n    name = %s\n    type = \"S\"\n  }\n", hcl(name))
		}
	}
	fmt.Fprintf(&b, "\n  ttl {\n    attribute_name = %q\n    enabled        = true\n  }\n}\n", ttlAttribute)
	return b.String()
}

// hcl is a string of Terraform's language: JSON's, save for its templates.
func hcl(s string) string {
	text, _ := json.Marshal(s) // a string is always fine
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(string(text))
}

func cloudFormation(table, partition, sort string) (string, error) {
	type attribute struct{ AttributeName, AttributeType string }
	type key struct{ AttributeName, KeyType string }
	attributes, keys := []attribute{{partition, "S"}}, []key{{partition, "HASH"}}
	if sort != "" {
		attributes, keys = append(attributes, attribute{sort, "S"}), append(keys, key{sort, "RANGE"})
	}
	text, err := json.MarshalIndent(map[string]any{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "Locks of dynalock",
		"Resources": map[string]any{
			"DynalockTable": map[string]any{
				"Type":           "AWS::DynamoDB::Table",
				"DeletionPolicy": "Retain",
				"Properties": map[string]any{
					"TableName":                 table,
					"BillingMode":               "PAY_PER_REQUEST",
					"DeletionProtectionEnabled": true,
					"AttributeDefinitions":      attributes,
					"KeySchema":                 keys,
					"TimeToLiveSpecification":   map[string]any{"AttributeName": ttlAttribute, "Enabled": true},
				},
			},
		},
	}, "", "  ")
	return string(text), err
}
