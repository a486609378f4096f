package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"home.arpa/homehub/internal/app"
	"home.arpa/homehub/internal/credential"
)

// keeping gives a command the flags that say where the data is, and runs it with the credentials there.
func keeping(cmd *cobra.Command, open func(dataDir string) *credential.File, run func(f *credential.File, args []string) error) *cobra.Command {
	s := with(cmd, map[string]string{"data_dir": "folder for the data (default ~/.local/share/homehub)"})
	cmd.Flags().StringVar(&s.file, "config", "", "configuration file")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		cfg, err := s.load()
		if err != nil {
			return err
		}
		return run(open(cfg.DataDir), args)
	}
	return cmd
}

func userCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "Make, list and remove the users of MQTT"}
	var generate, keep bool
	var save string
	add := &cobra.Command{
		Use:   "add NAME",
		Short: "Make an MQTT user; asks for a password, or generates one and prints it",
		Args:  cobra.ExactArgs(1),
	}
	add.Flags().BoolVar(&generate, "generate", false, "generate the password")
	add.Flags().StringVar(&save, "save", "", "write the generated password to this file instead of printing it")
	add.Flags().BoolVar(&keep, "keep", false, "do nothing when there is one of this name already")
	keeping(add, app.Users, func(f *credential.File, args []string) error {
		if generate || save != "" {
			return generated(f, args[0], save, keep, "user "+args[0]+" with the password", "")
		}
		password, err := ask("Password for "+args[0]+": ", os.Stdin)
		if err != nil {
			return err
		}
		if err := f.Add(args[0], password); err != nil && !(keep && errors.Is(err, credential.ErrExists)) {
			return err
		}
		fmt.Printf("user %s can log in now\n", args[0])
		return nil
	})
	cmd.AddCommand(add, listCommand("users of MQTT", app.Users), removeCommand("a user of MQTT; those who are connected stay so", app.Users))
	return cmd
}

func tokenCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Make, list and remove the tokens for the pages and the API"}
	var keep bool
	var save string
	add := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a token and print it",
		Args:  cobra.ExactArgs(1),
	}
	add.Flags().StringVar(&save, "save", "", "write the token to this file instead of printing it")
	add.Flags().BoolVar(&keep, "keep", false, "do nothing when there is one of this name already")
	keeping(add, app.Tokens, func(f *credential.File, args []string) error {
		return generated(f, args[0], save, keep, "token "+args[0], "Log in with it on the page, or send it as \"Authorization: Bearer …\". It is not shown again.")
	})
	cmd.AddCommand(add, listCommand("tokens for the pages and the API", app.Tokens), removeCommand("a token for the pages and the API", app.Tokens))
	return cmd
}

// generated makes a secret and prints it, or writes it to a file.
func generated(f *credential.File, name, save string, keep bool, what, hint string) error {
	if keep && has(f, name) {
		fmt.Printf("%s is there already\n", name)
		return nil
	}
	secret, err := f.Generate(name)
	if err != nil {
		return err
	}
	if save == "" {
		fmt.Printf("made %s:\n\n    %s\n\n", what, secret)
		if hint != "" {
			fmt.Println(hint)
		}
		return nil
	}
	if err := saveSecret(save, secret); err != nil {
		if undo := f.Remove(name); undo != nil {
			err = errors.Join(err, undo)
		}
		return err
	}
	fmt.Printf("made %s in %s\n", what, save)
	return nil
}

// saveSecret writes a file that only its owner can read.
func saveSecret(path, secret string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("saving the secret: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("saving the secret: %w", err)
	}
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		return fmt.Errorf("saving the secret: %w", err)
	}
	return nil
}

func has(f *credential.File, name string) bool {
	list, err := f.List()
	if err != nil {
		return false // making it will say so
	}
	for _, e := range list {
		if e.Name == name {
			return true
		}
	}
	return false
}

func listCommand(what string, open func(string) *credential.File) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "ls", Short: "List the " + what, Args: cobra.NoArgs}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return keeping(cmd, open, func(f *credential.File, _ []string) error {
		list, err := f.List()
		if err != nil {
			return err
		}
		if asJSON {
			enc := json.NewEncoder(os.Stdout)
			enc.SetIndent("", "  ")
			return enc.Encode(list)
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tKIND\tMADE")
		for _, e := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\n", e.Name, e.Kind, e.Created.Local().Format("2006-01-02 15:04"))
		}
		return w.Flush()
	})
}

func removeCommand(what string, open func(string) *credential.File) *cobra.Command {
	cmd := &cobra.Command{Use: "rm NAME", Short: "Remove " + what, Args: cobra.ExactArgs(1)}
	return keeping(cmd, open, func(f *credential.File, args []string) error {
		if err := f.Remove(args[0]); err != nil {
			return err
		}
		fmt.Printf("%s is removed\n", args[0])
		return nil
	})
}

// ask reads a password: twice from a terminal, without showing it, or one line from anything else.
func ask(prompt string, in *os.File) (string, error) {
	if !term.IsTerminal(int(in.Fd())) {
		line, err := bufio.NewReader(in).ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", fmt.Errorf("reading the password from standard input: it is empty (%w); or use --generate", errors.Join(err, credential.ErrSecret))
		}
		return line, nil
	}
	read := func(prompt string) (string, error) {
		fmt.Fprint(os.Stderr, prompt)
		data, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(os.Stderr)
		return string(data), err
	}
	first, err := read(prompt)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	second, err := read("Again: ")
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	if first != second {
		return "", errors.New("the two passwords are not the same; nothing was changed")
	}
	return first, nil
}
