package dynamostore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// A script answers the table calls: by operation, one answer a call, of which
// the last goes on for ever. An answer is an error or a status.
type script struct {
	stubAPI
	answers map[string][]any
	asked   []string
}

func (s *script) next(ctx context.Context, op string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	s.asked = append(s.asked, op)
	answers := s.answers[op]
	if len(answers) == 0 {
		return "", nil
	}
	if len(answers) > 1 {
		s.answers[op] = answers[1:]
	}
	if err, ok := answers[0].(error); ok {
		return "", err
	}
	return fmt.Sprint(answers[0]), nil
}

func (s *script) CreateTable(ctx context.Context, _ *dynamodb.CreateTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error) {
	_, err := s.next(ctx, "CreateTable")
	return &dynamodb.CreateTableOutput{}, err
}

func (s *script) DescribeTable(ctx context.Context, _ *dynamodb.DescribeTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	status, err := s.next(ctx, "DescribeTable")
	if status == "" {
		return &dynamodb.DescribeTableOutput{}, err
	}
	return &dynamodb.DescribeTableOutput{Table: &types.TableDescription{
		TableStatus:          types.TableStatus(status),
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("key"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("key"), AttributeType: "S"}},
	}}, err
}

func (s *script) DescribeTimeToLive(ctx context.Context, _ *dynamodb.DescribeTimeToLiveInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error) {
	status, err := s.next(ctx, "DescribeTimeToLive")
	if status == "" {
		return &dynamodb.DescribeTimeToLiveOutput{}, err
	}
	status, attribute, _ := strings.Cut(status, " ")
	d := &types.TimeToLiveDescription{TimeToLiveStatus: types.TimeToLiveStatus(status)}
	if attribute != "" {
		d.AttributeName = &attribute
	}
	return &dynamodb.DescribeTimeToLiveOutput{TimeToLiveDescription: d}, err
}

func (s *script) UpdateTimeToLive(ctx context.Context, _ *dynamodb.UpdateTimeToLiveInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error) {
	_, err := s.next(ctx, "UpdateTimeToLive")
	return &dynamodb.UpdateTimeToLiveOutput{}, err
}

var (
	noTable    = &types.ResourceNotFoundException{}
	inUse      = &types.ResourceInUseException{}
	tooMany    = &types.LimitExceededException{}
	broken     = &types.InternalServerError{}
	alreadyOn  = &smithy.GenericAPIError{Code: "ValidationException", Message: "TimeToLive is already enabled"}
	tooOften   = &smithy.GenericAPIError{Code: "ValidationException", Message: "Time to live has been modified multiple times within a fixed interval"}
	notHere    = &smithy.GenericAPIError{Code: "UnknownOperationException", Message: ""}
	notAllowed = &smithy.GenericAPIError{Code: "AccessDeniedException", Message: ""}
)

func repeat(v any, n int) []any { return slices.Repeat([]any{v}, n) }

// What DynamoDB may answer while a table comes into being, and this engine
// never does.
func TestCreateTableWaits(t *testing.T) {
	for name, tt := range map[string]struct {
		answers map[string][]any
		kind    error  // nil: none
		says    string // part of the error
		calls   string // the operations, as initials: c, d for the table, u, t for item expiry
	}{
		"created":                  {map[string][]any{"DescribeTable": {noTable, noTable, "CREATING", "ACTIVE"}, "CreateTable": {nil, inUse}, "DescribeTimeToLive": {"DISABLED"}}, nil, "", "dcdcddtu"},
		"updating":                 {map[string][]any{"DescribeTable": {"UPDATING"}, "DescribeTimeToLive": {"ENABLED ttl"}}, nil, "", "dt"},
		"being switched on":        {map[string][]any{"DescribeTable": {"ACTIVE"}, "DescribeTimeToLive": {"ENABLING ttl"}}, nil, "", "dt"},
		"somebody was first":       {map[string][]any{"DescribeTable": {noTable, "ACTIVE"}, "CreateTable": {inUse}, "DescribeTimeToLive": {"ENABLED ttl"}}, nil, "", "dcdt"},
		"seen late":                {map[string][]any{"DescribeTable": append(repeat(noTable, 10), "ACTIVE"), "CreateTable": {inUse}, "DescribeTimeToLive": {"ENABLED ttl"}}, nil, "", strings.Repeat("dc", 10) + "dt"},
		"somebody switched":        {map[string][]any{"DescribeTable": {"ACTIVE"}, "DescribeTimeToLive": {"DISABLED", "ENABLING ttl"}, "UpdateTimeToLive": {alreadyOn}}, nil, "", "dtut"},
		"the answer lags":          {map[string][]any{"DescribeTable": {"ACTIVE"}, "DescribeTimeToLive": {"DISABLED", "DISABLED", "ENABLED ttl"}, "UpdateTimeToLive": {tooOften}}, nil, "", "dtutut"},
		"somebody else's":          {map[string][]any{"DescribeTable": {"ACTIVE"}, "DescribeTimeToLive": {"DISABLED", "ENABLING mine"}, "UpdateTimeToLive": {alreadyOn}}, lockstore.ErrInvalidRequest, `"mine"`, "dtut"},
		"switched too often":       {map[string][]any{"DescribeTable": {"ACTIVE"}, "DescribeTimeToLive": {"DISABLED"}, "UpdateTimeToLive": {tooOften}}, lockstore.ErrInvalidRequest, "fixed interval", "d" + strings.Repeat("tu", 8)},
		"no item expiry":           {map[string][]any{"DescribeTable": {"ACTIVE"}, "DescribeTimeToLive": {notHere}}, lockstore.ErrInvalidRequest, "WithoutTTL", "dt"},
		"no description":           {map[string][]any{"DescribeTable": {""}}, lockstore.ErrUnavailable, "empty", strings.Repeat("d", 8)},
		"being switched off":       {map[string][]any{"DescribeTable": {"ACTIVE"}, "DescribeTimeToLive": {"DISABLING ttl"}}, lockstore.ErrUnavailable, "hour", "dt"},
		"changed meanwhile":        {map[string][]any{"DescribeTable": {"ACTIVE"}, "DescribeTimeToLive": {"DISABLED"}, "UpdateTimeToLive": {inUse, noTable, tooMany, nil}}, nil, "", "dtutututu"},
		"too many tables":          {map[string][]any{"DescribeTable": append(repeat(noTable, 4), "ACTIVE"), "CreateTable": {tooMany, tooMany, broken, nil}, "DescribeTimeToLive": {"ENABLED ttl"}}, nil, "", "dcdcdcdcdt"},
		"too many for ever":        {map[string][]any{"DescribeTable": {noTable}, "CreateTable": {tooMany}}, lockstore.ErrThrottled, "CreateTable", strings.Repeat("dc", 8)},
		"down":                     {map[string][]any{"DescribeTable": {broken}}, lockstore.ErrUnavailable, "DescribeTable", strings.Repeat("d", 8)},
		"down for a while":         {map[string][]any{"DescribeTable": append(append(repeat(broken, 7), "CREATING"), append(repeat(broken, 7), "ACTIVE")...), "DescribeTimeToLive": {"ENABLED ttl"}}, nil, "", strings.Repeat("d", 16) + "t"},
		"deleted and made anew":    {map[string][]any{"DescribeTable": {"DELETING", "DELETING", noTable, "ACTIVE"}, "DescribeTimeToLive": {"ENABLED ttl"}}, nil, "", "dddcdt"},
		"denied":                   {map[string][]any{"DescribeTable": {noTable}, "CreateTable": {notAllowed}}, lockstore.ErrAccessDenied, "dynamodb:CreateTable", "dc"},
		"archived":                 {map[string][]any{"DescribeTable": {"ARCHIVED"}}, lockstore.ErrUnavailable, "ARCHIVED", "d"},
		"without its key":          {map[string][]any{"DescribeTable": {"INACCESSIBLE_ENCRYPTION_CREDENTIALS"}}, lockstore.ErrUnavailable, "INACCESSIBLE", "d"},
		"creating for ever":        {map[string][]any{"DescribeTable": {"CREATING"}}, lockstore.ErrUnavailable, "not usable after 5m0s", ""},
		"a status nobody knew yet": {map[string][]any{"DescribeTable": {"ACTIVE"}, "DescribeTimeToLive": {"SLEEPING", "ENABLED ttl"}, "UpdateTimeToLive": {alreadyOn}}, nil, "", "dtut"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: tt.answers}
			start := time.Now()
			err := open(t, s).CreateTable(t.Context(), lockstore.TableOptions{})
			if tt.kind == nil && err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if tt.kind != nil {
				storeError(t, err, tt.kind)
				if !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%s: %v does not say %q", name, err, tt.says)
				}
				harmless(t, err)
			}
			if got := initials(s.asked); tt.calls != "" && got != tt.calls {
				t.Errorf("%s: calls %s, want %s", name, got, tt.calls)
			}
			if took := time.Since(start); took > 5*time.Minute {
				t.Errorf("%s: took %v", name, took)
			}
		})
	}
}

func initials(ops []string) string {
	names := map[string]string{"CreateTable": "c", "DescribeTable": "d", "DescribeTimeToLive": "t", "UpdateTimeToLive": "u"}
	var b strings.Builder
	for _, op := range ops {
		b.WriteString(names[op])
	}
	return b.String()
}

// Waiting ends with the context, at once, and says how.
func TestCreateTableEndsWithItsContext(t *testing.T) {
	gone := errors.New("enough")
	for name, answers := range map[string]map[string][]any{
		"creating":      {"DescribeTable": {noTable, "CREATING"}},
		"down":          {"DescribeTable": {noTable, broken, "CREATING", broken, "CREATING"}},
		"switching":     {"DescribeTable": {noTable, "ACTIVE"}, "DescribeTimeToLive": append(slices.Repeat([]any{broken, ""}, 50), broken), "UpdateTimeToLive": {broken}},
		"not found yet": {"DescribeTable": {noTable}},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			const after = 1234 * time.Millisecond
			time.AfterFunc(after, func() { cancel(gone) })
			start := time.Now()
			err := open(t, &script{answers: answers}).CreateTable(ctx, lockstore.TableOptions{})
			e := storeError(t, err, lockstore.ErrUnavailable)
			if took := time.Since(start); took != after {
				t.Errorf("%s: took %v, want %v", name, took, after)
			}
			if !errors.Is(err, context.Canceled) || !errors.Is(err, gone) || !e.Unknown || e.Op != "CreateTable" {
				t.Errorf("%s: %+v", name, e)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // and before anything was asked
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s := &script{}
		e := storeError(t, open(t, s).CreateTable(ctx, lockstore.TableOptions{}), lockstore.ErrUnavailable)
		if !errors.Is(e, context.Canceled) || e.Unknown || len(s.asked) != 0 {
			t.Errorf("%+v", e)
		}
	})
}

// Many that wait do not ask in step.
func TestCreateTablePollsWithJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for range 20 {
			s := &script{answers: map[string][]any{"DescribeTable": append(repeat("CREATING", 12), "ACTIVE")}}
			start := time.Now()
			if err := open(t, s).CreateTable(t.Context(), lockstore.TableOptions{WithoutTTL: true}); err != nil {
				t.Fatal(err)
			}
			took := time.Since(start)
			if took < 5*time.Second || took > 20*time.Second {
				t.Errorf("13 looks took %v", took)
			}
			seen[took] = true
		}
		if len(seen) < 15 {
			t.Errorf("only %d different waits of 20", len(seen))
		}
	})
}
