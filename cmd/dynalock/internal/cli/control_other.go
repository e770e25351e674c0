//go:build !windows

package cli

import "os"

// enableControl has nothing to do: terminals understand control sequences.
func enableControl(*os.File) (restore func()) { return func() {} }
