package cli

import (
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

const tenureLong = `
Which tenure is meant is said by its handle, as acquire printed it, or by the
key and the owner name that acquired it:

  --handle-file FILE   a file that holds the handle; "-" is stdin
  DYNALOCK_HANDLE      the same from the environment
  --handle HANDLE      the same from the command line, where ps shows it
  KEY --owner NAME     without a handle

With a handle, KEY may be left out; if given, it is compared.`

// tenureFlags name the tenure that release, renew and update act on.
type tenureFlags struct{ handle, file string }

func (t *tenureFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&t.handle, "handle", "", "handle that acquire printed (it shows in ps: see --handle-file)")
	fs.StringVar(&t.file, "handle-file", "", `file that holds the handle; "-" is stdin`)
}

// A tenure is named by a handle or by key and owner; key may be there with a
// handle, to be compared.
type tenure struct{ handle, key string }

// maxHandleFile bounds what is read: a wrong file may be endless.
const maxHandleFile = 64 << 10

func (t *tenureFlags) resolve(a *app, args []string) (tenure, error) {
	key := ""
	if len(args) > 0 {
		key = args[0]
	}
	if err := noHandle(key); err != nil {
		return tenure{}, err
	}
	fromEnv := a.lookup("DYNALOCK_HANDLE")
	switch {
	case t.handle != "" && t.file != "":
		return tenure{}, usagef("give --handle or --handle-file, not both")
	case t.handle != "":
		return tenure{t.handle, key}, nil
	case t.file != "":
		handle, err := readHandle(a.Stdin, t.file)
		return tenure{handle, key}, err
	case key != "" && a.flags.owner != "":
		return tenure{key: key}, nil
	case fromEnv != "":
		return tenure{fromEnv, key}, nil
	case key != "" && a.ownerName() != "":
		return tenure{key: key}, nil
	case key != "":
		return tenure{}, usagef("say who you are: --owner with the name that acquired %s (dynalock get%s%s shows it), or --handle-file or DYNALOCK_HANDLE with the handle that acquire printed", quote(key), a.storeFlags(), keyArg(key))
	}
	return tenure{}, usagef("say which lock: --handle-file FILE, DYNALOCK_HANDLE, or KEY with --owner NAME")
}

// noHandle refuses a handle in the place of a key before messages repeat it,
// which may end in a log.
func noHandle(key string) error {
	if strings.HasPrefix(key, "dynalock1.") && len(key) > 80 {
		return usagef("that is a handle, and not a key: give it by --handle-file or DYNALOCK_HANDLE to release, renew and update")
	}
	return nil
}

func readHandle(stdin io.Reader, path string) (string, error) {
	from := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", usagef("--handle-file: %w", err)
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, maxHandleFile))
	if err != nil {
		return "", usagef("--handle-file: %w", err)
	}
	handle := strings.TrimSpace(string(text))
	if handle == "" {
		return "", usagef("--handle-file: %s is empty; did the acquire before it succeed?", path)
	}
	return handle, nil
}

// compare refuses a handle of another key than the one that was given with it.
func (t tenure) compare(key string) error {
	if t.key != "" && t.key != key {
		return usagef("the handle is for lock %s, and the key given is %s", quote(key), quote(t.key))
	}
	return nil
}
