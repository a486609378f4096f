package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"home.arpa/homehub/internal/credential"
)

// maker makes a secret and prints it, or writes it to a file.
type maker struct {
	file         *credential.File
	what, secret string // "user anna", " with the password"
	save         string // empty: print it
	keep         bool
	hint         string
}

func (m maker) make(w io.Writer, name string) error {
	if m.keep {
		there, err := has(m.file, name)
		if err != nil {
			return err
		}
		switch there, err = m.kept(name, there); {
		case err != nil:
			return err
		case there:
			fmt.Fprintf(w, "%s is there already\n", m.what)
			return nil
		}
	}
	secret, err := m.file.Generate(name)
	if err != nil {
		return err
	}
	if m.save == "" {
		fmt.Fprintf(w, "made %s%s:\n\n    %s\n\n", m.what, m.secret, secret)
		if m.hint != "" {
			fmt.Fprintln(w, m.hint)
		}
		return nil
	}
	if err := saveSecret(m.save, secret); err != nil {
		return errors.Join(err, m.file.Remove(name))
	}
	fmt.Fprintf(w, "made %s%s in %s\n", m.what, m.secret, m.save)
	return nil
}

// kept says whether what is there can stay. It cannot when its secret was to be in a file that is not there, or was emptied:
// nobody knows the secret any more, so it is removed to be made anew.
func (m maker) kept(name string, there bool) (bool, error) {
	if !there || m.save == "" {
		return there, nil
	}
	switch info, err := os.Stat(m.save); {
	case err == nil && info.Size() > 0:
		return true, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("looking for the secret: %w", err)
	}
	return false, m.file.Remove(name)
}

// saveSecret writes a file that only its owner can read, whole or not at all.
func saveSecret(path, secret string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("saving the secret: %w", err)
	}
	if err := saveWhole(path, []byte(secret+"\n")); err != nil {
		return fmt.Errorf("saving the secret: %w", err)
	}
	return nil
}

// saveWhole writes a file that only its owner can read, whole or not at all.
func saveWhole(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // its mode is 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// ask reads a password: twice from a terminal, without showing it, or one line from anything else.
func ask(ctx context.Context, prompt string, in *os.File) (string, error) {
	if !term.IsTerminal(int(in.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(in, credential.MaxSecretLength+2)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("reading the password from standard input: %w", err)
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", errors.New("there is no password on standard input; write it there as one line, or use --generate")
		}
		return line, nil
	}
	before, err := term.GetState(int(in.Fd()))
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	read := func(prompt string) (text string, err error) {
		fmt.Fprint(os.Stderr, prompt)
		var data []byte
		err = interruptible(ctx, func() (err error) { data, err = term.ReadPassword(int(in.Fd())); return err })
		fmt.Fprintln(os.Stderr)
		if err == nil {
			return string(data), nil
		}
		// Interrupted, the terminal would be left as it is while a password is typed.
		return "", errors.Join(err, term.Restore(int(in.Fd()), before))
	}
	first, err := read(prompt)
	if err != nil {
		return "", readingPassword(err)
	}
	if first == "" {
		return "", errors.New("a password cannot be empty; nothing was changed")
	}
	second, err := read("Again: ")
	if err != nil {
		return "", readingPassword(err)
	}
	if first != second {
		return "", errors.New("the two passwords are not the same; nothing was changed")
	}
	return first, nil
}

func readingPassword(err error) error {
	if errors.As(err, new(exitError)) {
		return err
	}
	return fmt.Errorf("reading the password: %w; nothing was changed", err)
}

// interruptible waits for f or the end of ctx, whichever comes first. f cannot be told to end: it reads a terminal, and the
// program is about to.
func interruptible(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return exitError{code: exitInterrupted}
	}
}
