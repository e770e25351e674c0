package cli

import (
	"io"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/kmdeveloping/dynalock"
)

// lockFlags say how run and acquire take a lock.
type lockFlags struct {
	lease       time.Duration
	wait        bool
	waitFor     time.Duration
	atLeast     time.Duration
	atMost      time.Duration
	delete      bool
	heldCode    int
	dataFlags   dataFlags
	changedFunc func(string) bool
}

func (l *lockFlags) register(fs *pflag.FlagSet) {
	fs.BoolVar(&l.wait, "wait", false, "wait until the lock is free (default: try once)")
	durationVar(fs, &l.waitFor, "wait-for", "wait at most that long")
	durationVar(fs, &l.atLeast, "hold-at-least", "keep others out that long, though released earlier: for jobs that several schedulers start at almost the same time")
	fs.BoolVar(&l.delete, "delete-on-release", false, "remove the lock's item with the release, instead of keeping its data and token")
	fs.IntVar(&l.heldCode, "held-exit-code", exitHeld, "exit code if another holds the lock")
	l.dataFlags.register(fs, "store that text with the lock", "store what that file holds")
	l.changedFunc = fs.Changed
}

// options are the acquire's, without its lifetime, which run and acquire have
// of their own.
func (l *lockFlags) options(stdin io.Reader) ([]dynalock.AcquireOption, error) {
	if l.heldCode < 0 || l.heldCode > 255 {
		return nil, usagef("--held-exit-code %d is not between 0 and 255", l.heldCode)
	}
	var opts []dynalock.AcquireOption
	changed := l.changedFunc
	switch {
	case l.wait && changed("wait-for"):
		return nil, usagef("--wait is without a limit; give it or --wait-for, not both")
	case l.wait:
		opts = append(opts, dynalock.Wait())
	case changed("wait-for"):
		opts = append(opts, dynalock.WaitFor(l.waitFor))
	}
	if changed("hold-at-least") {
		opts = append(opts, dynalock.HoldAtLeast(l.atLeast))
	}
	if l.delete {
		opts = append(opts, dynalock.DeleteOnRelease())
	}
	data, given, err := l.dataFlags.read(changed, stdin)
	if err != nil {
		return nil, err
	}
	if given {
		opts = append(opts, dynalock.WithData(data))
	}
	return opts, nil
}

// dataFlags are the two ways to give data.
type dataFlags struct{ text, file string }

func (d *dataFlags) register(fs *pflag.FlagSet, text, file string) {
	fs.StringVar(&d.text, "data", "", text+" (it shows in ps: see --data-file)")
	fs.StringVar(&d.file, "data-file", "", file+`; "-" is stdin`)
}

// read gives the data; a nil stdin is one that is not for this.
func (d *dataFlags) read(changed func(string) bool, stdin io.Reader) (data []byte, given bool, err error) {
	switch {
	case changed("data") && changed("data-file"):
		return nil, false, usagef("give --data or --data-file, not both")
	case changed("data"):
		return []byte(d.text), true, nil
	case !changed("data-file"):
		return nil, false, nil
	case d.file != "-":
		data, err = os.ReadFile(d.file)
	case stdin == nil:
		return nil, false, usagef("--data-file -: stdin is the command's")
	default:
		data, err = io.ReadAll(stdin)
	}
	if err != nil {
		return nil, false, usagef("--data-file: %w", err)
	}
	if data == nil {
		data = []byte{} // no bytes are not the same as no data
	}
	return data, true, nil
}
