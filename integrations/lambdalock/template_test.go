package main

import (
	"context"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.yaml.in/yaml/v3"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A stack is what the two templates say that has to fit the code.
type stack struct {
	tables map[string]table // by resource, in small letters
	grants []grant
}

type table struct {
	billing, ttl string
	protected    bool
	keys         []string // name, type, role
}

// A grant is a statement of the policy.
type grant struct {
	table   string // resource, in small letters
	actions words
	keys    words // empty: all
}

// The templates say the same.
func TestTemplatesAgree(t *testing.T) {
	if sam, tf := readSAM(t), readTerraform(t); !reflect.DeepEqual(sam, tf) {
		t.Errorf("template.yaml: %+v\nmain.tf:       %+v", sam, tf)
	}
}

// A request is what the function sent to DynamoDB.
type request struct {
	action, table, key string
}

// allows is the policy's word on a request, whose table is named as here.
func (s stack) allows(r request) bool {
	return slices.ContainsFunc(s.grants, func(g grant) bool {
		return g.table == r.table && slices.Contains(g.actions, "dynamodb:"+r.action) && (len(g.keys) == 0 || slices.Contains(g.keys, r.key))
	})
}

// Each reference of template.yaml leads to a resource of it.
func TestSAMReferences(t *testing.T) {
	text, err := os.ReadFile("template.yaml")
	must(t, err)
	var root yaml.Node
	must(t, yaml.Unmarshal(text, &root))
	var refers []string
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Tag == "!Ref" || n.Tag == "!GetAtt" {
			name, _, _ := strings.Cut(n.Value, ".")
			refers = append(refers, name)
		}
		for _, inner := range n.Content {
			walk(inner)
		}
	}
	walk(&root)
	there := parseSAM(t).Resources
	for _, name := range refers {
		if _, ok := there[name]; !ok {
			t.Errorf("nothing is called %s", name)
		}
	}
	if len(refers) < 5 {
		t.Errorf("only %d references found", len(refers))
	}
}

// The table of locks is the one that CreateTable makes.
func TestTable(t *testing.T) {
	ctx, db, name := t.Context(), enginetest.Client(t), "lambdalock-created"
	client := dynalock.NewDynalockClient(db, name)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	must(t, client.CreateTable(ctx, dynalock.WithDeletionProtection()))
	out, err := db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	must(t, err)
	expiry, err := db.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	must(t, err)
	made := table{
		billing:   string(out.Table.BillingModeSummary.BillingMode),
		protected: *out.Table.DeletionProtectionEnabled,
		ttl:       *expiry.TimeToLiveDescription.AttributeName,
	}
	for _, k := range out.Table.KeySchema {
		i := slices.IndexFunc(out.Table.AttributeDefinitions, func(a types.AttributeDefinition) bool { return *a.AttributeName == *k.AttributeName })
		made.keys = append(made.keys, strings.Join([]string{*k.AttributeName, string(out.Table.AttributeDefinitions[i].AttributeType), string(k.KeyType)}, " "))
	}
	if told := readSAM(t).tables["locks"]; !reflect.DeepEqual(told, made) {
		t.Errorf("template.yaml: %+v, CreateTable: %+v", told, made)
	}
}

// A samTemplate is as much of template.yaml as is looked at. The tags of its
// functions are dropped: "!GetAtt Locks.Arn" reads as "Locks.Arn".
type samTemplate struct {
	Resources map[string]struct {
		Type       string
		Properties struct {
			BillingMode               string
			DeletionProtectionEnabled bool
			AttributeDefinitions      []struct{ AttributeName, AttributeType string }
			KeySchema                 []struct{ AttributeName, KeyType string }
			TimeToLiveSpecification   struct{ AttributeName string }
			Policies                  []struct {
				Statement []struct {
					Action    words
					Resource  string
					Condition map[string]map[string]words
				}
			}
		}
	}
}

// words are a text or a list.
type words []string

func (w *words) UnmarshalJSON(b []byte) error {
	if b[0] != '"' {
		return json.Unmarshal(b, (*[]string)(w))
	}
	*w = make(words, 1)
	return json.Unmarshal(b, &(*w)[0])
}

func parseSAM(t *testing.T) (sam samTemplate) {
	t.Helper()
	text, err := os.ReadFile("template.yaml")
	must(t, err)
	var plain any
	must(t, yaml.Unmarshal(text, &plain))
	text, err = json.Marshal(plain)
	must(t, err)
	must(t, json.Unmarshal(text, &sam))
	return sam
}

func readSAM(t *testing.T) stack {
	t.Helper()
	s := stack{tables: map[string]table{}}
	for name, r := range parseSAM(t).Resources {
		p := r.Properties
		if r.Type == "AWS::DynamoDB::Table" {
			made := table{billing: p.BillingMode, protected: p.DeletionProtectionEnabled, ttl: p.TimeToLiveSpecification.AttributeName}
			for i, k := range p.KeySchema {
				made.keys = append(made.keys, k.AttributeName+" "+p.AttributeDefinitions[i].AttributeType+" "+k.KeyType)
			}
			s.tables[strings.ToLower(name)] = made
		}
		for _, policy := range p.Policies {
			for _, statement := range policy.Statement {
				resource, _ := strings.CutSuffix(statement.Resource, ".Arn")
				s.grants = append(s.grants, grant{strings.ToLower(resource), statement.Action,
					statement.Condition["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]})
			}
		}
	}
	return s
}
