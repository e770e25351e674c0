package dynalock

import (
	"errors"
	"unicode/utf8"
)

// reservedPrefix begins the keys that the protocol keeps for itself.
const reservedPrefix = "dynalock:"

// maxKeyBytes is DynamoDB's limit of a partition key (Developer Guide,
// "Constraints").
const maxKeyBytes = 2048

// errReserved is for keys that the client's session key prefix reserves.
var errReserved = errors.New(`begins with the session key prefix and "` + reservedPrefix + `", which is reserved`)

func checkKey(key string) error {
	if err := checkText(key); err != nil {
		return &keyError{err}
	}
	return nil
}

type keyError struct{ err error }

func (e *keyError) Error() string        { return ErrInvalidKey.Error() + ": it " + e.err.Error() }
func (e *keyError) Is(target error) bool { return target == ErrInvalidKey }

// checkText judges keys and owner names. The SDK would send two different
// texts that are not UTF-8 as the same one.
func checkText(s string) error {
	switch {
	case s == "":
		return errors.New("is empty")
	case len(s) > maxKeyBytes:
		return errors.New("is longer than 2048 bytes")
	case !utf8.ValidString(s):
		return errors.New("is not valid UTF-8")
	case len(s) >= len(reservedPrefix) && s[:len(reservedPrefix)] == reservedPrefix:
		return errors.New(`begins with "` + reservedPrefix + `", which is reserved`)
	}
	return nil
}
