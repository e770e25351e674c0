package sqlitestore

import "time"

// WithVFS puts another file system under SQLite.
func WithVFS(name string) Option { return func(s *Store) { s.vfs = name } }

// WithPragma adds a setting to every connection.
func WithPragma(pragma string) Option {
	return func(s *Store) { s.pragmas = append(s.pragmas, pragma) }
}

// WithGrace changes how long a commit under way is waited for.
func WithGrace(d time.Duration) Option { return func(s *Store) { s.grace = d } }

// WithClock replaces the wall clock.
func WithClock(now func() time.Time) Option { return func(s *Store) { s.now = now } }

// What tests of the file itself need to know.
const (
	ApplicationID = applicationID
	SchemaVersion = schemaVersion
	PageRecords   = pageRecords
	PageBytes     = pageBytes
)

// NetworkFS is networkFS.
var NetworkFS = networkFS
