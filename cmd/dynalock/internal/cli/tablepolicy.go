package cli

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// actions are the DynamoDB actions that each use takes.
var actions = []struct {
	use  string
	list []string
}{
	{"run", []string{"GetItem", "UpdateItem", "DeleteItem"}},
	{"list", []string{"Scan"}},
	{"guard", []string{"ConditionCheckItem"}},
	{"check", []string{"DescribeTable", "DescribeTimeToLive"}},
	{"create", []string{"CreateTable", "DescribeTable", "DescribeTimeToLive", "UpdateTimeToLive", "TagResource"}},
}

const policyLong = `Policy prints the least IAM policy that lets its bearer use the table's locks.

  run     take, renew, release, get, update and force locks (always there)
  list    ls and watch, and completion of keys
  guard   the library's TransactGuard
  check   table check
  create  table create

A policy on keys (--key-prefix) keeps a tenant to locks whose key begins so. It
cannot narrow list, which reads the whole table.`

type policyFlags struct {
	region, account, partition string
	allow                      []string
	keyPrefix                  string
}

func (a *app) tablePolicyCommand() *cobra.Command {
	var p policyFlags
	c := &cobra.Command{
		Use: "policy", Short: "Print the least IAM policy", Long: policyLong, Args: cobra.NoArgs,
		Example: "  dynalock table policy --store dynamodb:locks --region eu-west-1 --account 123456789012\n" +
			"  dynalock table policy --store dynamodb:locks --allow list,check",
	}
	c.RunE = func(*cobra.Command, []string) error {
		table, err := a.tableName()
		if err != nil {
			return err
		}
		if p.region == "" {
			p.region = a.region()
		}
		text, err := p.policy(table)
		if err != nil {
			return err
		}
		return a.printf("%s\n", text)
	}
	fs := c.Flags()
	fs.StringSliceVar(&p.allow, "allow", nil, "further uses: list, guard, check, create")
	fs.StringVar(&p.region, "region", "", `the table's Region (default AWS_REGION, or "*")`)
	fs.StringVar(&p.account, "account", "*", "the account's number")
	fs.StringVar(&p.partition, "partition", "aws", "aws, aws-cn or aws-us-gov")
	fs.StringVar(&p.keyPrefix, "key-prefix", "", "only keys that begin so")
	return c
}

// region is the one from the environment, or any.
func (a *app) region() string {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if region := a.lookup(name); region != "" {
			return region
		}
	}
	return "*"
}

type statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  string
	Condition map[string]map[string][]string `json:",omitempty"`
}

func (p *policyFlags) policy(table string) (string, error) {
	arn := strings.Join([]string{"arn", p.partition, "dynamodb", p.region, p.account, "table/" + table}, ":")
	doc := struct {
		Version   string
		Statement []statement
	}{Version: "2012-10-17"}
	known := []string{}
	for _, a := range actions {
		known = append(known, a.use)
	}
	for _, use := range p.allow {
		if !slices.Contains(known, use) {
			return "", usagef("--allow %q is none of %s", use, strings.Join(known, ", "))
		}
	}
	for _, a := range actions {
		if a.use != "run" && !slices.Contains(p.allow, a.use) {
			continue
		}
		s := statement{Sid: "Dynalock" + strings.ToUpper(a.use[:1]) + a.use[1:], Effect: "Allow", Resource: arn}
		for _, name := range a.list {
			s.Action = append(s.Action, "dynamodb:"+name)
		}
		if p.keyPrefix != "" && (a.use == "run" || a.use == "guard") {
			// ForAllValues: the condition key has several values.
			s.Condition = map[string]map[string][]string{
				"ForAllValues:StringLike": {"dynamodb:LeadingKeys": {escapeLike(p.keyPrefix) + "*"}},
			}
		}
		doc.Statement = append(doc.Statement, s)
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	return string(text), err
}

// escapeLike keeps StringLike from reading a key's characters as patterns.
func escapeLike(s string) string {
	return strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}").Replace(s)
}
