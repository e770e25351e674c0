package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// A versionJSON is what version --json prints.
type versionJSON struct {
	Version  int    `json:"version"` // of the object
	Dynalock string `json:"dynalock"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // built with changes that no commit has
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version and the commit that it was built from", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := buildVersion()
			if a.flags.json {
				return a.printJSON(v)
			}
			text := "dynalock " + v.Dynalock
			if v.Commit != "" {
				text += " commit " + v.Commit
			}
			if v.Modified {
				text += " (modified)"
			}
			return a.printf("%s %s %s\n", text, v.Go, v.Platform)
		},
	}
}

func buildVersion() versionJSON {
	v := versionJSON{
		Version: jsonVersion, Dynalock: "(devel)", Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Dynalock = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
