package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// takes is the check of a command's arguments, by the names that its usage line gives them.
func takes(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) > len(names):
			return fmt.Errorf("%q is too much; usage: %s", args[len(names)], cmd.UseLine())
		case len(args) == len(names):
			return nil
		case len(args) == 1 && len(suggestions(cmd, args[0])) > 0:
			return unknown(cmd, args[0]) // hub link lss
		}
		missing, is := names[len(args):], "is"
		if len(missing) > 1 {
			is = "are"
		}
		return fmt.Errorf("%s %s missing; usage: %s", strings.Join(missing, " and "), is, cmd.UseLine())
	}
}

// group makes a command one that only holds others: by itself it prints its help, and a word that is none of them is an
// error.
func group(cmd *cobra.Command, others ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(others...)
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return unknown(cmd, args[0])
	}
	cmd.Annotations = map[string]string{"group": "yes"}
	return cmd
}

// groupUsage is cobra's usage text, but for groups without the line that shows them as commands by themselves.
func groupUsage(cmd *cobra.Command) string {
	return strings.Replace(cmd.UsageTemplate(), "{{if .Runnable}}", `{{if and .Runnable (ne (index .Annotations "group") "yes")}}`, 1)
}

// unknown is the error for a word that is none of a command's commands.
func unknown(cmd *cobra.Command, word string) error {
	if near := suggestions(cmd, word); len(near) > 0 {
		return fmt.Errorf("unknown command %q; did you mean \"%s %s\"?", word, cmd.CommandPath(), near[0])
	}
	return fmt.Errorf("unknown command %q; \"%s --help\" lists all", word, cmd.CommandPath())
}

func suggestions(cmd *cobra.Command, word string) []string {
	cmd.SuggestionsMinimumDistance = 2 // letters
	if len(word) < 4 {
		cmd.SuggestionsMinimumDistance = 1
	}
	return cmd.SuggestionsFor(word)
}

// badFlag says what is wrong with a flag, and which one may have been meant.
func badFlag(cmd *cobra.Command, err error) error {
	more := fmt.Sprintf("%q says more", cmd.CommandPath()+" --help")
	if m := badValue.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("%s takes %s, not %q; %s", m[2], wanted(cmd, m[2][2:]), strings.TrimSpace(m[1]), more)
	}
	if flag, ok := strings.CutPrefix(err.Error(), "flag needs an argument: "); ok {
		return fmt.Errorf("%s needs a value; %s", flag, more)
	}
	name, ok := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !ok {
		return fmt.Errorf("%w; %s", err, more)
	}
	flags := &cobra.Command{} // cobra finds near names of commands, not of flags
	for _, flag := range flagName.FindAllStringSubmatch(cmd.Flags().FlagUsages(), -1) {
		flags.AddCommand(&cobra.Command{Use: flag[1], Run: func(*cobra.Command, []string) {}})
	}
	if near := suggestions(flags, name); len(near) > 0 {
		return fmt.Errorf("unknown flag --%s; did you mean --%s?", name, near[0])
	}
	return fmt.Errorf("unknown flag --%s; %s", name, more)
}

// wanted says what a flag takes, by the type of its value.
func wanted(cmd *cobra.Command, name string) string {
	flag := cmd.Flags().Lookup(name)
	if flag == nil {
		return "something else"
	}
	switch flag.Value.Type() {
	case "duration":
		return "a duration such as 30s or 5m"
	case "bool":
		return "true or false"
	case "int", "int64", "uint", "uint64":
		return "a whole number from 0" // none of ours may be below
	case "float64":
		return "a number"
	}
	return "a " + flag.Value.Type()
}

// What cobra says of a flag's value that it cannot read, and a flag in its list of them.
var (
	badValue = regexp.MustCompile(`^invalid argument "(.*)" for "(?:-\w, )?(--[a-z-]+)" flag: `)
	flagName = regexp.MustCompile(`(?m)^ +(?:-\w, |    )--([a-z-]+)`)
)

// helpCommand is "hub help", which fails for what there is not.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Say how a command is used",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return unknown(about, rest[0])
			}
			about.InitDefaultHelpFlag()
			about.InitDefaultVersionFlag()
			return about.Help()
		},
	}
}

var negative = regexp.MustCompile(`^-\.?[0-9]`)

// negatives puts a space before numbers below zero, so that they are taken for values ("device set … -2.5") and not for flags:
// no flag of ours begins with a digit.
func negatives(args []string) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		if negative.MatchString(arg) {
			arg = " " + arg
		}
		out[i] = arg
	}
	return out
}
