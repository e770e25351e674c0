package main

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kmdeveloping/dynalock"
)

//go:embed awslabs/pom.xml
var pom []byte

//go:embed awslabs/Peer.java
var peer []byte

const (
	javaVersion = "1.4.0"
	javaJar     = "dynamodb-lock-client-" + javaVersion + ".jar"
	javaJarSum  = "c3ea01214dfbce4c68ae7064a0c979be96add91aa16cd99b335b039bec304a68"
	copyPlugin  = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies"

	// javaRefresh is how often its waiters look: as often as this library's do
	// at first. Its own default, a second, would serve fewer.
	javaRefresh = dynalock.DefaultPollMin
)

// A java is the awslabs lock client, ready to be run.
type java struct {
	classes string
	version string // of the Java virtual machine
}

// newJava fetches the client through Maven, as it is configured here, checks
// it, and compiles the worker that uses it, all in that folder.
func newJava(dir string) (*java, error) {
	for _, tool := range []string{"java", "javac", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("%s is not on PATH", tool)
		}
	}
	jars, classes := filepath.Join(dir, "jars"), filepath.Join(dir, "classes")
	if err := errors.Join(os.MkdirAll(jars, 0o755), os.MkdirAll(classes, 0o755)); err != nil {
		return nil, err
	}
	project, source := filepath.Join(dir, "pom.xml"), filepath.Join(dir, "Peer.java")
	if err := errors.Join(os.WriteFile(project, pom, 0o644), os.WriteFile(source, peer, 0o644)); err != nil {
		return nil, err
	}
	if _, err := tool("mvn", "-q", "-B", "-f", project, copyPlugin, "-DoutputDirectory="+jars); err != nil {
		return nil, err
	}
	jar, err := os.ReadFile(filepath.Join(jars, javaJar))
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(jar); hex.EncodeToString(sum[:]) != javaJarSum {
		return nil, fmt.Errorf("%s has another checksum than the one that is known: %x", javaJar, sum)
	}
	path := filepath.Join(jars, "*")
	if _, err := tool("javac", "-cp", path, "-d", classes, source); err != nil {
		return nil, err
	}
	said, err := tool("java", "-version")
	version, _, _ := strings.Cut(said, "\n")
	return &java{classes: path + string(os.PathListSeparator) + classes, version: version}, err
}

// tool runs a command and gives what it said.
func tool(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

func (j *java) contender() contender {
	return contender{name: "java", warm: 5 * time.Second, start: j.start}
}

// start runs a worker.
func (j *java) start(of job) (*process, error) {
	lease := of.Lease
	if lease == 0 {
		lease = dynalock.DefaultLiveLease
	}
	millis := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	return startProcess(exec.Command("java", "-cp", j.classes, "Peer",
		"kind="+of.Kind, "who="+strconv.Itoa(of.Who), "url="+of.URL, "table="+of.Table, "key="+of.Key,
		"count="+strconv.Itoa(of.Count), "holdMillis="+millis(of.Hold), "leaseMillis="+millis(lease),
		"refreshMillis="+millis(javaRefresh)))
}

// javaPairs is a worker that acquires and releases, a batch a command.
type javaPairs struct {
	*process
	sends string // requests for a pair
}

func (j *java) pairs(b *bench, n int) (*javaPairs, error) {
	p, err := newProxy(b.engine.URL, 0)
	if err != nil {
		return nil, err
	}
	defer p.close()
	of := job{Kind: "pairs", URL: p.url, Table: table, Key: b.newKey("java"), Count: 1}
	once, err := j.start(of)
	if err != nil {
		return nil, err
	}
	began := time.Now().UnixNano()
	_, err = (&javaPairs{process: once}).batch()
	t := p.since(began)
	if err := errors.Join(err, once.kill()); err != nil {
		return nil, err
	}
	of.URL, of.Count = b.engine.URL, n
	many, err := j.start(of)
	if err != nil {
		return nil, err
	}
	pairs := &javaPairs{many, fmt.Sprintf("%d writes, %d reads", t.writes, t.reads)}
	for range 5 { // the virtual machine needs some hundreds to become fast
		if _, err := pairs.batch(); err != nil {
			return nil, errors.Join(err, many.kill())
		}
	}
	return pairs, nil
}

func (j *javaPairs) batch() (time.Duration, error) {
	if err := j.tell("go"); err != nil {
		return 0, err
	}
	g, err := j.next()
	return time.Duration(g.Got - g.Asked), err
}
