package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/spf13/cobra"

	"github.com/kmdeveloping/dynalock"
)

// The levels of a finding.
const (
	levelOK      = "ok"
	levelWarning = "warning" // locks work
	levelProblem = "problem" // locks do not work, or not safely
)

func (a *app) tableCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Check that the table can hold locks", Args: cobra.NoArgs,
		Long: "Check looks at the table's state, keys, item expiry, billing and global-table mode,\n" +
			"and says what to do about each finding. The exit code is 1 if there is a problem,\n" +
			"0 if there are warnings only. It needs dynamodb:DescribeTable and\n" +
			"DescribeTimeToLive.",
		Example: "  dynalock table check --store dynamodb:locks",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(o *opened) error { return a.check(c.Context(), o) })
		},
	}
}

func (a *app) check(ctx context.Context, o *opened) error {
	var findings []findingJSON
	var err error
	if o.db == nil {
		findings, err = a.checkFile(ctx, o)
	} else {
		findings, err = a.checkTable(ctx, o)
	}
	if err != nil {
		return err
	}
	problems := 0
	for _, f := range findings {
		f.Version = jsonVersion
		if f.Level == levelProblem {
			problems++
		}
		if err := a.printFinding(f); err != nil {
			return err
		}
	}
	if problems > 0 {
		return nothing("%s cannot hold locks as it is: %d of %d checks failed", a.spec(), problems, len(findings))
	}
	return nil
}

func (a *app) printFinding(f findingJSON) error {
	if a.flags.json {
		return a.printJSON(f)
	}
	text := pad(f.Level, 8) + " " + pad(f.Check, 20) + " " + f.Found + "\n"
	if f.Advice != "" {
		text += "         -> " + f.Advice + "\n"
	}
	return a.printf("%s", text)
}

// checkFile reads something: the file is opened, and made, by the first use.
func (a *app) checkFile(ctx context.Context, o *opened) ([]findingJSON, error) {
	for _, err := range o.Locks(ctx, dynalock.WithReleased()) {
		if err != nil {
			return nil, err
		}
		break
	}
	return []findingJSON{
		{Level: levelOK, Check: "file", Found: a.spec().place + " can be read"},
		{Level: levelWarning, Check: "reach", Found: "locks of this file hold among processes of this machine",
			Advice: "for several machines: --store dynamodb:TABLE"},
	}, nil
}

func (a *app) checkTable(ctx context.Context, o *opened) ([]findingJSON, error) {
	name := a.spec().place
	out, err := o.db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		return nil, a.tableError(ctx, o, err)
	}
	t := out.Table
	strong := t.MultiRegionConsistency == types.MultiRegionConsistencyStrong
	partition, sort := a.keyNames()
	findings := []findingJSON{checkStatus(t), checkKeys(t, partition, sort)}
	findings = append(findings, checkGlobal(t, strong)...)
	if ttl, err := o.db.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name}); err != nil {
		findings = append(findings, findingJSON{Level: levelWarning, Check: "item expiry",
			Found: "could not be read: " + err.Error(), Advice: "allow dynamodb:DescribeTimeToLive"})
	} else {
		findings = append(findings, a.checkTTL(ttl.TimeToLiveDescription, strong))
	}
	return append(findings, checkBilling(t), checkClass(t), checkProtection(t)), nil
}

// tableError lets the library say what an error of the SDK means, which asks
// the same table.
func (a *app) tableError(ctx context.Context, o *opened, err error) error {
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return fmt.Errorf("%w: %s", dynalock.ErrTableNotFound, a.spec())
	}
	if _, e := o.GetLock(ctx, "dynalock table check"); e != nil && !errors.Is(e, dynalock.ErrNotFound) {
		return e
	}
	return fmt.Errorf("DescribeTable: %w", err) // locks work, only this is not allowed
}
