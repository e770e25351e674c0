package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const docsHead = `# dynalock, the command

<!-- Written by "go run ./cmd/dynalock/internal/gendocs"; a test compares. -->

Install it in a clone with ` + "`go install ./cmd/dynalock`" + `. Every text here is also in
` + "`dynalock help`" + `.

`

// WriteDocs writes docs/cli.md: every command's help, from the command tree
// itself.
func WriteDocs(w io.Writer) error {
	root := (&app{}).root()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	var b strings.Builder
	b.WriteString(docsHead)
	list(&b, root)
	section(&b, root)
	_, err := io.WriteString(w, strings.TrimRight(b.String(), "\n")+"\n")
	return err
}

func list(b *strings.Builder, root *cobra.Command) {
	b.WriteString("| command | does |\n| --- | --- |\n")
	walk(root, func(c *cobra.Command) {
		if c != root && c.Runnable() && !c.HasSubCommands() {
			fmt.Fprintf(b, "| [`%s`](#%s) | %s |\n", c.CommandPath(), anchor(c), c.Short)
		}
	})
	b.WriteString("\n")
}

func anchor(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// walk visits what help shows, in its order.
func walk(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
			if sub.Name() != "help" {
				walk(sub, visit)
			}
		}
	}
}

func section(b *strings.Builder, root *cobra.Command) {
	walk(root, func(c *cobra.Command) {
		fmt.Fprintf(b, "## %s\n\n", c.CommandPath())
		text := c.Long
		if text == "" {
			text = c.Short + "."
		}
		// As it is in the terminal: lists in it are laid out by spaces.
		fence(b, text)
		if c.Runnable() && c != root && !c.HasSubCommands() {
			fence(b, c.UseLine())
		}
		if c.Example != "" {
			b.WriteString("Examples:\n\n")
			fence(b, c.Example)
		}
		if flags := flagTable(c.LocalNonPersistentFlags()); flags != "" {
			b.WriteString(flags)
		}
		if flags := flagTable(c.PersistentFlags()); flags != "" {
			b.WriteString("Flags of all commands:\n\n" + flags)
		}
	})
}

func fence(b *strings.Builder, text string) {
	fmt.Fprintf(b, "```text\n%s\n```\n\n", strings.Trim(text, "\n"))
}

func flagTable(fs *pflag.FlagSet) string {
	var b strings.Builder
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		kind, usage := pflag.UnquoteUsage(f)
		if kind != "" {
			name += " " + kind
		}
		if def := f.DefValue; def != "" && def != "false" && def != "[]" && def != "0" && !strings.Contains(usage, "(default") {
			usage += " (default " + def + ")"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, strings.ReplaceAll(usage, "|", `\|`))
	})
	if b.Len() == 0 {
		return ""
	}
	return "| flag | meaning |\n| --- | --- |\n" + b.String() + "\n"
}
