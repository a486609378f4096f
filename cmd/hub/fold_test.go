package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

func TestHelpIsFolded(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"lines of one paragraph flow together", "one two three four\nfive six", "one two three four\nfive six"},
		{"lines become shorter", "one two three four five\nsix", "one two three four\nfive six"},
		{"paragraphs stay apart", "one\n\ntwo\nthree", "one\n\ntwo three"},
		{"examples stay as they are", "look:\n\n  a   b: c d e f g h i j k\n    l\n\nend", "look:\n\n  a   b: c d e f g h i j k\n    l\n\nend"},
		{"an example may follow at once", "look:\n  a   b\nend", "look:\n  a   b\nend"},
		{"a long word has a line of its own", "a " + strings.Repeat("x", 30) + " b", "a\n" + strings.Repeat("x", 30) + "\nb"},
		{"letters count, not bytes", "ä ö ü ß ä ö ü ß ä ö", "ä ö ü ß ä ö ü ß ä ö"},
		{"nothing", "", ""},
	} {
		if d := cmp.Diff(c.want, fold(c.text, 20)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

// TestHelpFitsATerminal looks at the help of every command.
func TestHelpFitsATerminal(t *testing.T) {
	most := max(usual, columns()) // of the terminal that the test itself may have
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		var out strings.Builder
		cmd.SetOut(&out)
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if line = strings.TrimRight(line, "\n"); utf8.RuneCountInString(line) > most {
				t.Errorf("%s has a line of %d columns: %s", cmd.CommandPath(), utf8.RuneCountInString(line), line)
			}
		}
		for _, c := range cmd.Commands() {
			look(c)
		}
	}
	look(root())
}
