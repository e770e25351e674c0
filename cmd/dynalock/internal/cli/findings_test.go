package cli

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func described(keys ...string) *types.TableDescription {
	t := &types.TableDescription{
		TableName: aws.String("locks"), TableStatus: types.TableStatusActive,
		BillingModeSummary: &types.BillingModeSummary{BillingMode: types.BillingModePayPerRequest},
	}
	roles := []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}
	for i, key := range keys {
		name, kind, _ := strings.Cut(key, ":")
		t.AttributeDefinitions = append(t.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: &name, AttributeType: types.ScalarAttributeType(kind)})
		t.KeySchema = append(t.KeySchema, types.KeySchemaElement{AttributeName: &name, KeyType: roles[i]})
	}
	return t
}

func replicated(mode types.MultiRegionConsistency) *types.TableDescription {
	t := described("key:S")
	t.Replicas = []types.ReplicaDescription{{RegionName: aws.String("eu-west-1")}, {RegionName: aws.String("us-east-1")}}
	t.MultiRegionConsistency = mode
	return t
}

func ttl(status types.TimeToLiveStatus, attribute string) *types.TimeToLiveDescription {
	return &types.TimeToLiveDescription{TimeToLiveStatus: status, AttributeName: &attribute}
}

// TestFindings: what table check says of tables that no engine makes.
func TestFindings(t *testing.T) {
	t.Parallel()
	a := &app{}
	creating := described("key:S")
	creating.TableStatus = types.TableStatusCreating
	provisioned := described("key:S")
	provisioned.BillingModeSummary = nil
	rare := described("key:S")
	rare.TableClassSummary = &types.TableClassSummary{TableClass: types.TableClassStandardInfrequentAccess}
	for name, tc := range map[string]struct {
		got    findingJSON
		level  string
		advice string
	}{
		"active":           {checkStatus(described("key:S")), levelOK, ""},
		"creating":         {checkStatus(creating), levelProblem, "wait"},
		"keys":             {checkKeys(described("key:S"), "key", ""), levelOK, ""},
		"other name":       {checkKeys(described("pk:S"), "key", ""), levelProblem, "--partition-key pk"},
		"other type":       {checkKeys(described("key:N"), "key", ""), levelProblem, "type S"},
		"sort key":         {checkKeys(described("key:S", "sk:S"), "key", ""), levelProblem, "--sort-key sk=VALUE"},
		"no sort key":      {checkKeys(described("key:S"), "key", "sk"), levelProblem, "leave --sort-key out"},
		"other sort key":   {checkKeys(described("key:S", "sk:S"), "key", "range"), levelProblem, "--sort-key sk=VALUE"},
		"one Region":       {checkGlobal(described("key:S"), false)[0], levelOK, ""},
		"eventual":         {checkGlobal(replicated(types.MultiRegionConsistencyEventual), false)[0], levelProblem, "two Regions can both hold"},
		"no mode told":     {checkGlobal(replicated(""), false)[0], levelProblem, "two Regions can both hold"},
		"strong":           {checkGlobal(replicated(types.MultiRegionConsistencyStrong), true)[0], levelOK, ""},
		"expiry":           {a.checkTTL(ttl(types.TimeToLiveStatusEnabled, "ttl"), false), levelOK, ""},
		"no expiry":        {a.checkTTL(ttl(types.TimeToLiveStatusDisabled, ""), false), levelWarning, "table create"},
		"other attribute":  {a.checkTTL(ttl(types.TimeToLiveStatusEnabled, "expires"), false), levelProblem, "attribute ttl"},
		"none with strong": {a.checkTTL(nil, true), levelOK, ""},
		"on demand":        {checkBilling(described("key:S")), levelOK, ""},
		"provisioned":      {checkBilling(provisioned), levelWarning, "PAY_PER_REQUEST"},
		"rare":             {checkClass(rare), levelWarning, "STANDARD"},
		"unprotected":      {checkProtection(described("key:S")), levelOK, "deletion-protection"},
	} {
		if tc.got.Level != tc.level || !strings.Contains(tc.got.Advice, tc.advice) {
			t.Errorf("%s: %+v, want %s with %q", name, tc.got, tc.level, tc.advice)
		}
	}
}
