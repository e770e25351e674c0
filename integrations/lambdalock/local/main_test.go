//go:build linux

package main

import (
	"bytes"
	"context"
	"regexp"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out bytes.Buffer
	err := run(ctx, []string{
		`{"list":"2026-11-28","prices":[{"item":"apple","cents":100},{"item":"fig","cents":30}]}`,
		`{"list":"2026-11-28","prices":[{"item":"apple","cents":100},{"item":"fig","cents":30}]}`,
		`{"list":"2026-11-27","prices":[{"item":"apple","cents":90}]}`,
		`{"prices":[]}`,
	}, &out)
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^\{"token":\d+,"first":0,"next":2}
\{"token":\d+,"first":2,"next":2}
\{"token":\d+,"first":0,"next":0,"outdated":true}
\{"errorMessage":"the event has no list","errorType":"errorString"}
$`)
	if !want.MatchString(out.String()) {
		t.Errorf("it said:\n%s", out.String())
	}
}
