package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/internal/access"
	"home.arpa/homehub/internal/app"
)

// rulesHelp is what people need to write a file of rules.
const rulesHelp = `Rules in access.yaml in the data folder say who may read (receive) and write (publish to) which topics of the hub's broker.
Without the file, everybody who may log in may do everything. With it, only what a rule allows is allowed:

  groups:
    family: [anna, ben]

  rules:
    - groups: family            # anna and ben
      deny_write: alarm/#       # may not publish there,
      read: ["#", $SYS/#]       # but read everything
      write: "#"                # and publish everywhere else
    - anonymous: true           # clients that do not log in
      read: public/#
    - everyone: true            # each device has its own topics, by user name
      read: cmnd/%u/#
      write: [tele/%u/#, stat/%u/#]

The rules are read from top to bottom, and within a rule what it denies before what it allows. The first line that is about
the client and has a topic filter that matches decides.

A rule is about users, groups, anonymous: true, everyone: true, or several of these. "clients" narrows it to client identifiers,
with * for any text; a client chooses its identifier itself, so do not trust it alone. In a filter, %u is the user name,
%c the client identifier, and %% a percent sign. A name with +, # or / in it fits into no filter. Filters that begin with # or %
need quotes, or YAML takes them for something else. # does not match topics that begin with $: reading $SYS needs $SYS/#.

Always, nobody publishes to topics that begin with $, and of the hub's own topics, hub/5/…, only …/set is open for publishing.`

func accessCommand() *cobra.Command {
	return group(&cobra.Command{Use: "access", SuggestFor: []string{"acl", "rules"}, Short: "Check, try and import the rules of who may use which topics", Long: rulesHelp},
		accessCheckCommand(), accessTestCommand(), accessImportCommand())
}

// folder gives a command the flags that say where the data is, and runs it with that folder.
func folder(cmd *cobra.Command, run func(cmd *cobra.Command, dataDir string, args []string) error) *cobra.Command {
	s := with(cmd, map[string]string{"data_dir": "`folder` for the data (default ~/.local/share/homehub)"})
	cmd.Flags().StringVar(&s.file, "config", "", "configuration `file`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := s.load()
		if err != nil {
			return err
		}
		err = run(cmd, cfg.DataDir, args)
		if errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0 {
			return fmt.Errorf("%w; run this as root or as the hub's user, or say with --data-dir where its data is", err)
		}
		return err
	}
	return cmd
}

func accessCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Say what is wrong with the rules, line by line; by default with those in the data folder",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return takes("FILE")(cmd, args)
		},
	}
	return folder(cmd, func(cmd *cobra.Command, dataDir string, args []string) error {
		out := cmd.OutOrStdout()
		rules, err := app.AccessRules(dataDir)
		if len(args) > 0 {
			rules, err = rulesOf(args[0])
		}
		switch {
		case errors.As(err, new(*fs.PathError)):
			return err
		case err != nil:
			fmt.Fprintln(out, err)
			return exitError{code: 1}
		case rules.Open():
			fmt.Fprintf(out, "there is no %s, so that everybody who may log in may do everything; \"hub access --help\" has an example\n", rules.Path())
			return nil
		}
		if err := strangers(out, dataDir, rules); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s is fine\n", rules.Path())
		return nil
	})
}

// rulesOf reads a file that somebody has named, which has to be there.
func rulesOf(file string) (*access.Rules, error) {
	if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("reading the rules of access: %w", err)
	}
	return access.Load(file, app.Domain)
}

// strangers notes the users in the rules whom nobody has made: one may be misspelt.
func strangers(out io.Writer, dataDir string, rules *access.Rules) error {
	list, err := app.Users(dataDir).List()
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, e := range list {
		known[e.Name] = true
	}
	unknown := slices.DeleteFunc(rules.Users(), func(name string) bool { return known[name] })
	if len(unknown) > 0 {
		fmt.Fprintf(out, "note: there is a rule, but no user: %s; \"hub user ls\" lists all\n", strings.Join(unknown, ", "))
	}
	return nil
}

func accessTestCommand() *cobra.Command {
	var user, client, file string
	cmd := &cobra.Command{
		Use:   "test read|write|subscribe TOPIC",
		Short: "Say whether a client may do something, and which line of the rules decides",
		Long: "Say whether a client may receive messages of a topic (read), publish to it (write) or subscribe to a filter, and which\n" +
			"line of the rules decides. The exit code is 0 for yes and 1 for no.",
		Example: "  hub access test --user anna write lamp/set\n  hub access test --client panel-1 subscribe '#'",
		Args:    takes("read|write|subscribe", "TOPIC"),
	}
	cmd.Flags().StringVar(&user, "user", "", "user `name` of the client (default: it is anonymous)")
	cmd.Flags().StringVar(&client, "client", "", "`identifier` of the client")
	cmd.Flags().StringVar(&file, "file", "", "rules in this `file` instead of those in the data folder")
	return folder(cmd, func(cmd *cobra.Command, dataDir string, args []string) error {
		action, err := access.ParseAction(args[0])
		if err != nil {
			return fmt.Errorf("%q is not read, write or subscribe", args[0])
		}
		topic := args[1]
		if action == access.Subscribe {
			if err := broker.ValidFilter(topic); err != nil {
				return err
			}
			_, topic, _ = broker.SplitShared(topic)
		} else if err := broker.ValidTopic(topic); err != nil {
			return err
		}
		rules, err := app.AccessRules(dataDir)
		if file != "" {
			rules, err = rulesOf(file)
		}
		if err != nil {
			return err
		}
		v := rules.Explain(client, user, action, topic)
		answer := "no"
		if v.Allowed {
			answer = "yes"
		}
		out := cmd.OutOrStdout()
		fmt.Fprintf(out, "%s: %s\n", answer, v.Why)
		for _, text := range v.Unfit {
			fmt.Fprintf(out, "note: %s\n", text)
		}
		if !v.Allowed {
			return exitError{code: 1}
		}
		return nil
	})
}

func accessImportCommand() *cobra.Command {
	var onlyPrint bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Convert Mosquitto's acl_file to rules in the data folder",
		Long: "Convert Mosquitto's acl_file to rules that decide alike, in access.yaml in the data folder, unless there is one. Look at them\n" +
			"with \"hub access test\"; they count from the hub's next start, or when it notices them.",
		Example: "  hub access import /etc/mosquitto/acl --print",
		Args:    takes("FILE"),
	}
	cmd.Flags().BoolVar(&onlyPrint, "print", false, "print the rules and write nothing")
	return folder(cmd, func(cmd *cobra.Command, dataDir string, args []string) error {
		data, err := os.ReadFile(args[0])
		if err != nil {
			return fmt.Errorf("reading Mosquitto's rules: %w", err)
		}
		text, notes, err := access.FromMosquitto(args[0], data)
		if err != nil {
			return err
		}
		for _, n := range notes {
			fmt.Fprintln(cmd.ErrOrStderr(), n)
		}
		if onlyPrint {
			_, err := cmd.OutOrStdout().Write(text)
			return err
		}
		path := filepath.Join(dataDir, "access.yaml")
		if err := asOwner(dataDir, func() error { return writeNew(path, text) }); err != nil {
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s is there already; --print shows what would be in it", path)
			}
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "made %s; \"hub access test\" tries it\n", path)
		return nil
	})
}

// writeNew makes a file that was not there, whole or not at all, for its owner alone. The error wraps fs.ErrExist when it is there.
func writeNew(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making the data folder: %w", err)
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("writing %s: %w", path, fs.ErrExist)
	}
	return saveWhole(path, text)
}
