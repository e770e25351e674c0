package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// allowed are the licences, by their SPDX names, of what users build in: they
// ask for a notice at most. What only tests, measures and builds may also have
// those of alsoTests.
var (
	allowed   = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0"}
	alsoTests = []string{"MPL-2.0", "CC-BY-4.0", "BSL-1.0", "Unicode-DFS-2016", "Unlicense"}
)

// licenceFile is a name that licences have.
var licenceFile = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying)([-._].*)?$`)

// summaries are files that name licences in words of their own, by the SHA-256 of
// what was read, with what they say.
var summaries = map[string][]string{
	// aws-lambda-go's LICENSE-SUMMARY: LICENSE, and LICENSE-LAMBDACODE for functions.
	"00c31061d11a7d289e3f5ac49f58b0d5cffdd9d1d24a9ee4c9848354356386bc": {"Apache-2.0", "MIT-0"},
}

// enough is how much of a file has to be the text of licences, in percent;
// the rest are names and notices.
const enough = 75

// licences reads the licence files of a module: its own, and those of the
// folders that are used. unknown is a file whose text is not known.
func licences(dir string, folders []string) (names []string, unknown string, err error) {
	for _, folder := range above(folders) {
		entries, err := os.ReadDir(filepath.Join(dir, folder))
		if err != nil {
			return nil, "", err
		}
		for _, entry := range entries {
			if !entry.Type().IsRegular() || !licenceFile.MatchString(entry.Name()) || strings.HasSuffix(entry.Name(), ".go") {
				continue
			}
			name := filepath.ToSlash(filepath.Join(folder, entry.Name()))
			text, err := os.ReadFile(filepath.Join(dir, folder, entry.Name()))
			if err != nil {
				return nil, "", err
			}
			if says := summaries[fmt.Sprintf("%x", sha256.Sum256(text))]; says != nil {
				names = append(names, says...)
				continue
			}
			found := licensecheck.Scan(text)
			if found.Percent < enough || len(found.Match) == 0 {
				unknown = fmt.Sprintf("%s, of which %.0f %% is known", name, found.Percent)
			}
			for _, m := range found.Match {
				names = append(names, m.ID)
			}
		}
	}
	if len(names) == 0 && unknown == "" {
		unknown = "no file"
	}
	slices.Sort(names)
	return slices.Compact(names), unknown, nil
}

// forbidden tells of every licence that is not allowed where it is.
func forbidden(lists []list) error {
	var bad []string
	for _, l := range lists {
		for _, d := range l.deps {
			may := allowed
			if !d.shipped {
				may = append(slices.Clip(allowed), alsoTests...)
			}
			if d.text != "" {
				bad = append(bad, fmt.Sprintf("%s needs %s, whose licence is not known: %s", l.Dir, d.path, d.text))
			}
			for _, name := range d.licences {
				if !slices.Contains(may, name) {
					bad = append(bad, fmt.Sprintf("%s needs %s, whose licence %s is not allowed there", l.Dir, d.path, name))
				}
			}
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return fmt.Errorf("licences\n%s", strings.Join(bad, "\n"))
}
