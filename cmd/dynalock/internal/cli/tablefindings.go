package cli

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// ttlAttribute is where locks say when their item may be removed.
const ttlAttribute = "ttl"

func checkStatus(t *types.TableDescription) findingJSON {
	f := findingJSON{Level: levelOK, Check: "state", Found: string(t.TableStatus)}
	switch t.TableStatus {
	case types.TableStatusActive, types.TableStatusUpdating:
	case types.TableStatusCreating:
		f.Level, f.Advice = levelProblem, "it is being created: wait for it (dynalock table create waits)"
	case types.TableStatusInaccessibleEncryptionCredentials:
		f.Level, f.Advice = levelProblem, "the KMS key that encrypts it cannot be used: enable the key and its grants"
	default:
		f.Level, f.Advice = levelProblem, "use another table, or restore this one"
	}
	return f
}

// checkKeys compares the table's keys with those that the flags name.
func checkKeys(t *types.TableDescription, partition, sort string) findingJSON {
	kinds := map[string]types.ScalarAttributeType{}
	for _, d := range t.AttributeDefinitions {
		kinds[aws.ToString(d.AttributeName)] = d.AttributeType
	}
	var has, text [2]string
	typed := true
	for _, k := range t.KeySchema {
		i := 0
		if k.KeyType == types.KeyTypeRange {
			i = 1
		}
		has[i] = aws.ToString(k.AttributeName)
		text[i] = fmt.Sprintf("%s (%s)", has[i], kinds[has[i]])
		typed = typed && kinds[has[i]] == types.ScalarAttributeTypeS
	}
	f := findingJSON{Level: levelOK, Check: "keys", Found: "partition key " + text[0]}
	if has[1] != "" {
		f.Found += ", sort key " + text[1]
	}
	switch {
	case !typed:
		f.Advice = "locks need keys of type S, and a table's keys cannot be changed: use another table"
	case has[0] != partition:
		f.Advice = fmt.Sprintf("the partition key expected is %q: give --partition-key %s", partition, quote(has[0]))
	case has[1] != "" && sort == "":
		f.Advice = fmt.Sprintf("give --sort-key %s=VALUE, with one value for all locks", quote(has[1]))
	case has[1] == "" && sort != "":
		f.Advice = "the table has no sort key: leave --sort-key out"
	case has[1] != sort:
		f.Advice = fmt.Sprintf("give --sort-key %s=VALUE", quote(has[1]))
	}
	if f.Advice != "" {
		f.Level = levelProblem
	}
	return f
}

// checkGlobal looks for replicas. AWS: conditional writes are decided in one
// Region, and the last writer wins between Regions, unless the table has
// multi-Region strong consistency.
func checkGlobal(t *types.TableDescription, strong bool) []findingJSON {
	var regions []string
	for _, r := range t.Replicas {
		regions = append(regions, aws.ToString(r.RegionName))
	}
	f := findingJSON{Level: levelOK, Check: "global table", Found: "no: one Region"}
	switch {
	case strong:
		f.Found = "multi-Region strong consistency: " + strings.Join(regions, ", ")
	case len(regions) > 0 || t.GlobalTableVersion != nil:
		f.Level = levelProblem
		f.Found = "multi-Region eventual consistency: " + strings.Join(regions, ", ")
		f.Advice = "two Regions can both hold a lock. Let all clients use one Region's endpoint, or use a table " +
			"with multi-Region strong consistency, or one without replicas"
	}
	return []findingJSON{f}
}

func (a *app) checkTTL(d *types.TimeToLiveDescription, strong bool) findingJSON {
	f := findingJSON{Level: levelOK, Check: "item expiry"}
	on := d != nil && (d.TimeToLiveStatus == types.TimeToLiveStatusEnabled || d.TimeToLiveStatus == types.TimeToLiveStatusEnabling)
	switch {
	case on && aws.ToString(d.AttributeName) == ttlAttribute:
		f.Found = "on, attribute " + ttlAttribute
	case on:
		f.Level, f.Found = levelProblem, fmt.Sprintf("on, but on attribute %q", aws.ToString(d.AttributeName))
		f.Advice = "items of dead locks are not removed, and items that have that attribute are, locks too: " +
			"switch it off, and on for the attribute " + ttlAttribute
	case strong:
		f.Found = "off; such tables have none"
	default:
		f.Level, f.Found = levelWarning, "off"
		f.Advice = "items of locks that nobody released stay for ever; dynalock table create" + a.storeFlags() + " switches it on"
	}
	return f
}

func checkBilling(t *types.TableDescription) findingJSON {
	f := findingJSON{Level: levelOK, Check: "billing", Found: "on demand"}
	if t.BillingModeSummary != nil && t.BillingModeSummary.BillingMode == types.BillingModePayPerRequest {
		return f
	}
	f.Level, f.Found = levelWarning, "provisioned"
	if p := t.ProvisionedThroughput; p != nil {
		f.Found += fmt.Sprintf(": %d write and %d read units", aws.ToInt64(p.WriteCapacityUnits), aws.ToInt64(p.ReadCapacityUnits))
	}
	f.Advice = "renewals that are throttled for a whole lease lose the lock: provide for the peak, " +
		"or switch to on demand (aws dynamodb update-table --table-name " + quote(aws.ToString(t.TableName)) + " --billing-mode PAY_PER_REQUEST)"
	return f
}

func checkClass(t *types.TableDescription) findingJSON {
	f := findingJSON{Level: levelOK, Check: "table class", Found: string(types.TableClassStandard)}
	if s := t.TableClassSummary; s != nil && s.TableClass == types.TableClassStandardInfrequentAccess {
		f.Level, f.Found = levelWarning, string(s.TableClass)
		f.Advice = "its requests cost more, and locks are requests more than storage: STANDARD is cheaper"
	}
	return f
}

func checkProtection(t *types.TableDescription) findingJSON {
	f := findingJSON{Level: levelOK, Check: "deletion protection", Found: "on"}
	if !aws.ToBool(t.DeletionProtectionEnabled) {
		f.Found = "off"
		f.Advice = "aws dynamodb update-table --table-name " + quote(aws.ToString(t.TableName)) + " --deletion-protection-enabled"
	}
	return f
}
