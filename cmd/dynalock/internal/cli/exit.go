package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/cmd/dynalock/internal/cli/run"
)

// Exit codes. 64 and up are those of sysexits.h where it has one that fits, 126
// and up are the shells'. docs/cli.md explains them to the user.
const (
	exitOK       = 0
	exitNothing  = 1  // nothing to do, or not allowed
	exitUsage    = 64 // EX_USAGE
	exitStore    = 69 // EX_UNAVAILABLE
	exitHeld     = 75 // EX_TEMPFAIL
	exitLost     = 76
	exitNotExec  = 126
	exitNotFound = 127
	exitSignal   = 128 // and the signal's number
)

// A usageError is a mistake in the command line.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// A codeError ends the command with that code. An empty text says nothing more
// than what was said already.
type codeError struct {
	code int
	text string
	err  error
}

func (e *codeError) Error() string { return e.text }
func (e *codeError) Unwrap() error { return e.err }

func nothing(format string, args ...any) error {
	return &codeError{code: exitNothing, text: fmt.Sprintf(format, args...)}
}

// kinds are the library's errors by exit code; the first that matches counts.
var kinds = []struct {
	err  error
	code int
}{
	{dynalock.ErrInvalidKey, exitUsage},
	{dynalock.ErrInvalidOption, exitUsage},
	{dynalock.ErrInvalidHandle, exitUsage},
	{dynalock.ErrDataTooLarge, exitUsage},
	{dynalock.ErrDecrypt, exitUsage},
	{dynalock.ErrHeld, exitHeld},
	{dynalock.ErrOwnerMismatch, exitNothing},
	{dynalock.ErrNotHeld, exitNothing},
	{dynalock.ErrNotFound, exitNothing},
}

// codeOf gives the exit code for err. Whatever is not known to be something
// else is the store's failure.
func codeOf(ctx context.Context, err error) int {
	var coded *codeError
	var usage usageError
	var interrupted *run.Interrupted
	switch {
	case errors.As(err, &coded):
		return coded.code
	case errors.As(err, &usage):
		return exitUsage
	case ctx.Err() != nil && errors.As(context.Cause(ctx), &interrupted):
		return exitSignal + interrupted.Number()
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.code
		}
	}
	return exitStore
}

// explain gives the exit code for err and what to tell the user: what happened
// and, where something can be done about it, what.
func (a *app) explain(ctx context.Context, c *cobra.Command, err error) (int, string) {
	code := codeOf(ctx, err)
	var held *dynalock.HeldError
	var coded *codeError
	switch {
	case errors.As(err, &coded):
		return code, coded.text
	case code > exitSignal:
		return code, context.Cause(ctx).Error()
	case errors.As(err, &held):
		return code, a.heldText(held)
	case code == exitUsage:
		return code, message(err) + "\nRun '" + c.CommandPath() + " --help' for how it is used."
	}
	return code, message(err) + a.advice(err)
}

// message is the error's text without this module's own name before it.
func message(err error) string { return strings.TrimPrefix(err.Error(), "dynalock: ") }

// advice says what to do about a failure of the store that its own message
// leaves open.
func (a *app) advice(err error) string {
	spec := a.spec()
	switch {
	case errors.Is(err, dynalock.ErrTableNotFound):
		return "\nTo create it: dynalock table create" + a.storeFlags()
	case errors.Is(err, dynalock.ErrTableSchema):
		return "\nTo see what differs: dynalock table check" + a.storeFlags()
	case errors.Is(err, dynalock.ErrAccessDenied) && spec.kind == kindDynamoDB:
		return "\nTo see which permissions it takes: dynalock table policy" + a.storeFlags()
	}
	return ""
}
