package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"home.arpa/homehub/internal/app"
	"home.arpa/homehub/internal/credential"
)

// ledger is one of the two files of credentials in the data folder, as its commands speak of it.
type ledger struct {
	cmd, one, many string
	open           func(dataDir string) *credential.File
}

var (
	users  = ledger{"user", "MQTT user", "MQTT users", app.Users}
	tokens = ledger{"token", "token for the pages and the API", "tokens for the pages and the API", app.Tokens}
)

// keeping gives a command the flags that say where the data is, and runs it with the credentials there. What it writes belongs
// to the owner of the folder, even if root calls it: the hub has to read it.
func (l ledger) keeping(cmd *cobra.Command, run func(cmd *cobra.Command, f *credential.File, args []string) error) *cobra.Command {
	return folder(cmd, func(cmd *cobra.Command, dataDir string, args []string) error {
		err := asOwner(dataDir, func() error { return run(cmd, l.open(dataDir), args) })
		switch {
		case errors.Is(err, credential.ErrExists):
			return fmt.Errorf("%w; \"hub %s rm\" removes it", err, l.cmd)
		case errors.Is(err, credential.ErrUnknown):
			return fmt.Errorf("%w; \"hub %s ls\" lists all", err, l.cmd)
		}
		return err
	})
}

func userCommand() *cobra.Command {
	var generate, keep bool
	var save string
	add := &cobra.Command{
		Use:   "add NAME",
		Short: "Make an MQTT user; asks for a password, or generates one and prints it",
		Long: "Make an MQTT user. It asks for a password, or reads one line from standard input if that is no terminal, or generates\n" +
			"one. A running hub lets the new user in at once.",
		Example: "  hub user add kitchen-plug --generate",
		Args:    takes("NAME"),
	}
	add.Flags().BoolVar(&generate, "generate", false, "generate the password")
	add.Flags().StringVar(&save, "save", "", "generate the password, and write it to this `file` instead of printing it")
	add.Flags().BoolVar(&keep, "keep", false, "do nothing when there is one of this name already")
	users.keeping(add, func(cmd *cobra.Command, f *credential.File, args []string) error {
		if generate || save != "" {
			m := maker{file: f, what: "user " + args[0], secret: " with the password", save: save, keep: keep, hint: "Enter both in the device's MQTT settings. The password is not shown again."}
			return m.make(cmd.OutOrStdout(), args[0])
		}
		there, err := has(f, args[0])
		switch {
		case err != nil:
			return err
		case there && keep:
			fmt.Fprintf(cmd.OutOrStdout(), "user %s is there already\n", args[0])
			return nil
		case there: // before anybody thinks of a password
			return fmt.Errorf("adding %q: %w", args[0], credential.ErrExists)
		}
		password, err := ask(cmd.Context(), "Password for "+args[0]+": ", os.Stdin)
		if err != nil {
			return err
		}
		if err := f.Add(args[0], password); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "user %s can log in now\n", args[0])
		return nil
	})
	return group(&cobra.Command{Use: "user", Short: "Make, list and remove the users of MQTT"},
		add, users.listCommand(), userImportCommand(), users.removeCommand("; a running hub ends its connections"))
}

func userImportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Make the users that are in Mosquitto's password file",
		Long: "Make the users that are in Mosquitto's password file, with the passwords that they have there. Those whose names are taken stay\n" +
			"as they are. It takes some seconds for a hundred users. A running hub lets the new ones in at once.",
		Example: "  hub user import /etc/mosquitto/passwd",
		Args:    takes("FILE"),
	}
	return folder(cmd, func(cmd *cobra.Command, dataDir string, args []string) error {
		data, err := os.ReadFile(args[0])
		if err != nil {
			return fmt.Errorf("reading Mosquitto's passwords: %w", err)
		}
		list, problems := credential.ParseMosquitto(args[0], data)
		var added []string
		if len(list) > 0 {
			err = asOwner(dataDir, func() (err error) { added, err = app.Users(dataDir).Import(list); return err })
		}
		if err != nil {
			return err
		}
		for _, h := range list {
			if !slices.Contains(added, h.Name) {
				fmt.Fprintf(cmd.OutOrStdout(), "user %s is there already, and stays as it is\n", h.Name)
			}
		}
		for _, name := range added {
			fmt.Fprintf(cmd.OutOrStdout(), "user %s can log in now\n", name)
		}
		if len(list) == 0 && len(problems) == 0 {
			return fmt.Errorf("importing %s: there are no users in it", args[0])
		}
		return errors.Join(problems...)
	})
}

func tokenCommand() *cobra.Command {
	var keep bool
	var save string
	add := &cobra.Command{
		Use:     "add NAME",
		Short:   "Make a token and print it",
		Long:    "Make a token and print it. With it, a browser or a program on another machine logs in to the pages and the API.",
		Example: "  hub token add phone",
		Args:    takes("NAME"),
	}
	add.Flags().StringVar(&save, "save", "", "write the token to this `file` instead of printing it")
	add.Flags().BoolVar(&keep, "keep", false, "do nothing when there is one of this name already")
	tokens.keeping(add, func(cmd *cobra.Command, f *credential.File, args []string) error {
		m := maker{
			file: f, what: "token " + args[0], save: save, keep: keep,
			hint: "Log in with it on the page, or send it as \"Authorization: Bearer …\". It is not shown again.",
		}
		return m.make(cmd.OutOrStdout(), args[0])
	})
	return group(&cobra.Command{Use: "token", Short: "Make, list and remove the tokens for the pages and the API"},
		add, tokens.listCommand(), tokens.removeCommand(""))
}

func has(f *credential.File, name string) (bool, error) {
	list, err := f.List()
	return slices.ContainsFunc(list, func(e credential.Entry) bool { return e.Name == name }), err
}

func (l ledger) listCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "ls", SuggestFor: []string{"list"}, Short: "List the " + l.many, Args: takes()}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return l.keeping(cmd, func(cmd *cobra.Command, f *credential.File, _ []string) error {
		list, err := f.List()
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), list)
		}
		if len(list) == 0 {
			fmt.Fprintf(cmd.OutOrStdout(), "no %s yet; \"hub %s add NAME\" makes one\n", l.many, l.cmd)
			return nil
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tKIND\tMADE")
		for _, e := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\n", e.Name, e.Kind, e.Created.Local().Format("2006-01-02 15:04"))
		}
		return w.Flush()
	})
}

func (l ledger) removeCommand(note string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rm NAME", SuggestFor: []string{"remove", "delete", "del"}, Short: "Remove the " + l.one + " of this name" + note, Args: takes("NAME"),
	}
	return l.keeping(cmd, func(cmd *cobra.Command, f *credential.File, args []string) error {
		if there, err := has(f, args[0]); err == nil && !there { // Remove would make the folder to look in
			return fmt.Errorf("removing %q: %w", args[0], credential.ErrUnknown)
		}
		if err := f.Remove(args[0]); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s %s is removed\n", l.cmd, args[0])
		return nil
	})
}
