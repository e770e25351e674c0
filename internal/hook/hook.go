package hook

import (
	"github.com/kmdeveloping/dynalock/internal/protocol"
	"github.com/kmdeveloping/dynalock/lockstore"
)

// A Store is a store that brings a client's surroundings with it: give it to
// dynalock.New. Nil functions stand for the real thing.
type Store struct {
	lockstore.Store
	// Now reads both local clocks. It may block, as a frozen process does.
	Now func() protocol.Moment
	// Random fills b; nonces and jitter come from it.
	Random func(b []byte)
	// Polls makes waiters poll without a queue, to be measured against.
	Polls bool
}
