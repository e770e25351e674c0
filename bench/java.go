package main

import (
	"errors"
	"time"
)

type java struct{}

func (j *java) contender() contender { return contender{} }

type javaPairs struct {
	*process
	sends string
}

func (j *java) pairs(b *bench, n int) (*javaPairs, error) { return nil, errors.ErrUnsupported }

func (j *javaPairs) batch() (time.Duration, error) { return 0, errors.ErrUnsupported }
