package main

import (
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// The widths of help, in columns: that of no terminal, and those between which it follows the terminal.
const (
	usual  = 80
	narrow = 50
	wide   = 120
)

// folding makes the help of a command and of those beneath it as wide as the terminal.
func folding(cmd *cobra.Command) {
	cobra.AddTemplateFunc("fold", func(text string) string { return fold(text, columns()) })
	cobra.AddTemplateFunc("beside", func(padding int, text string) string {
		margin := padding + len("   ")
		return strings.ReplaceAll(fold(text, columns()-margin), "\n", "\n"+strings.Repeat(" ", margin))
	})
	cobra.AddTemplateFunc("columns", columns)
	cmd.SetHelpTemplate(strings.Replace(cmd.HelpTemplate(), "{{. |", "{{fold . |", 1))
	cmd.SetUsageTemplate(strings.NewReplacer(
		"{{rpad .Name .NamePadding }} {{.Short}}", "{{rpad .Name .NamePadding }} {{beside .NamePadding .Short}}",
		".LocalFlags.FlagUsages |", ".LocalFlags.FlagUsagesWrapped columns |",
	).Replace(cmd.UsageTemplate()))
}

// columns is how wide help may be.
func columns() int {
	width, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return usual
	}
	return max(narrow, min(width, wide)) - 1 // some terminals go to the next line with the last column
}

// fold breaks a text into lines of at most so many columns. Paragraphs are apart by an empty line; what begins with a space is an
// example, and stays as it is.
func fold(text string, width int) string {
	var out strings.Builder
	used, before := 0, "" // columns of the line, and the line before
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		own := line == "" || line[0] == ' ' || before == "" || before[0] == ' '
		if own && out.Len() > 0 {
			out.WriteByte('\n')
			used = 0
		}
		before = line
		if own && strings.HasPrefix(line, " ") {
			out.WriteString(line)
			continue
		}
		for word := range strings.FieldsSeq(line) {
			n := utf8.RuneCountInString(word)
			switch {
			case used > 0 && used+1+n > width:
				out.WriteByte('\n')
				used = 0
			case used > 0:
				out.WriteByte(' ')
				used++
			}
			out.WriteString(word)
			used += n
		}
	}
	return out.String()
}
