package dynalock_test

import "errors"

// leakyAEAD fails, and repeats in its errors whatever it was given.
type leakyAEAD struct{}

func (*leakyAEAD) Encrypt(plain, _ []byte) ([]byte, error) { return nil, errors.New(string(plain)) }
func (*leakyAEAD) Decrypt(text, _ []byte) ([]byte, error)  { return nil, errors.New(string(text)) }
