//go:build !unix

package sqlitestore

// inherit has nothing to do: new files take their folder's rights.
func inherit(_, _ string) error { return nil }
