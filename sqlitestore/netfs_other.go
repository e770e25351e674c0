//go:build !linux

package sqlitestore

// networkFS is known on Linux only.
func networkFS(string) string { return "" }
