// Package credential keeps named secrets in a file in the data folder, hashed: the MQTT users (users.json) and the web's
// tokens (tokens.json). The broker and the web ask it whether a secret is right; the commands `hub user` and `hub token`
// change it, also beside a running hub, which notices at the next login. Package app has users change together with all else that is
// reloaded, by File.Changed.
//
// There are two kinds of secrets. Passwords that people choose are hashed with argon2id, which is slow on purpose; so that
// a house full of devices that reconnect does not stall a small computer, few are computed at once, the same question is
// asked once, and the answer is remembered. Generated secrets have 128 random bits, which nobody can guess, and are hashed
// with a salted SHA-256 in a microsecond. Passwords from Mosquitto's password file, of which only the hash is known, are of
// the first kind: their hash is hashed again with argon2id when they are imported, and every login goes through both.
//
// The package never writes, logs or returns a secret, except Generate its own one, once. A file that cannot be read lets
// nobody in whom it did not let in when it was read last: a mistake in it neither opens the house nor locks it.
package credential

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Errors that callers decide by.
var (
	// ErrExists: the name is taken.
	ErrExists = errors.New("there is one of this name already")
	// ErrUnknown: there is no such name.
	ErrUnknown = errors.New("there is none of this name")
	// ErrName: the name is not 1-64 visible characters without a colon.
	ErrName = errors.New("invalid name")
	// ErrSecret: the secret is empty or longer than 1024 bytes.
	ErrSecret = errors.New("invalid secret")
	// ErrDamaged: the file is there and cannot be understood. It is never overwritten.
	ErrDamaged = errors.New("the file is damaged")
)

// MaxSecretLength is the greatest length of a chosen secret in bytes.
const MaxSecretLength = 1024

// lookEvery is the shortest time between two looks at whether the file has changed.
const lookEvery = 200 * time.Millisecond

// Kind says where a secret came from.
type Kind string

// The kinds of secrets.
const (
	Password  Kind = "password"  // chosen by people
	Generated Kind = "generated" // made by Generate
	Imported  Kind = "imported"  // chosen by people, and hashed by Mosquitto before it came here
)

// slow says whether the kind is hashed with argon2id.
func (k Kind) slow() bool { return k == Password || k == Imported }

// Entry is what may be told of a kept secret.
type Entry struct {
	Name    string    `json:"name"`
	Kind    Kind      `json:"kind"`
	Created time.Time `json:"created"`
}

// File is a file of credentials. Its methods may be called by several goroutines at once, and by several programs that
// have the same file open.
type File struct {
	// Logger is told when the file becomes unreadable or readable again. It may be set before the first use; nil
	// discards.
	Logger *slog.Logger
	// Changed decides when a change counts: who asks Verify or VerifyAny and finds that the file has changed calls it, once for each change, and goes by
	// what Take was given last. Of a file that has gone nobody is told. It may be set before the first use; nil: each change counts at once.
	Changed func()

	path  string
	judge *judge

	change sync.Mutex // held while changing the file, before the lock that other programs see

	mu     sync.Mutex
	looked time.Time   // when the file was last looked at
	seen   fs.FileInfo // what it was then; nil: it was not there
	now    *content    // when it was read last
	err    error       // why the file, which is there, could not be read again
}

// Open returns the credentials in the file at path. It does not touch the file: a missing one is an empty one, and is made
// with its folder by the first change.
func Open(path string) *File {
	return &File{path: path, judge: newJudge(shared), now: new(content)}
}

// Path is the file's path.
func (f *File) Path() string { return f.path }

// Check says whether the file can be used; the error wraps ErrDamaged when its content is at fault.
func (f *File) Check() error {
	_, err := f.current(true)
	return err
}

// List returns what is kept, in the order of names.
func (f *File) List() ([]Entry, error) {
	c, err := f.current(true)
	if err != nil {
		return nil, err
	}
	return c.list(), nil
}

// Add keeps a secret that somebody chose. It takes as long as a login. The error wraps ErrName, ErrSecret, ErrExists or
// ErrDamaged, or is the file system's.
func (f *File) Add(name, secret string) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("adding %q: %w", name, err)
	}
	if secret == "" || len(secret) > MaxSecretLength {
		return fmt.Errorf("adding %q: %w: it must have 1 to %d bytes", name, ErrSecret, MaxSecretLength)
	}
	e := newPassword(name, secret, f.judge.gate)
	return f.edit("adding", name, func(c *content) error { return c.add(e) })
}

// Generate makes and keeps a secret of 32 small letters and digits, and returns it; it is not told again. Verify takes it
// with its name, VerifyAny without. The errors are those of Add.
func (f *File) Generate(name string) (secret string, err error) {
	if err := checkName(name); err != nil {
		return "", fmt.Errorf("adding %q: %w", name, err)
	}
	err = f.edit("adding", name, func(c *content) error {
		var e *entry
		for e == nil || c.byID[e.ID] != nil {
			e, secret = newGenerated(name)
		}
		return c.add(e)
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// Remove forgets a name; the error wraps ErrUnknown when there is none, or ErrDamaged.
func (f *File) Remove(name string) error {
	return f.edit("removing", name, func(c *content) error { return c.remove(name) })
}

// Verify says whether the secret is the one of the name. It can take as long as argon2id takes, times the number of
// others that wait; when too many ask about one name, or about unknown ones, it says no at once.
func (f *File) Verify(name, secret string) bool {
	if len(secret) > MaxSecretLength {
		return false
	}
	c := f.inForce()
	e := c.byName[name]
	return f.judge.verify(e, name, secret, c.passwords > 0) && e.same(f.inForce().byName[name]) // it may have waited for seconds
}

// VerifyAny says whose generated secret it is. Chosen passwords are not found by it.
func (f *File) VerifyAny(secret string) (name string, ok bool) {
	c := f.inForce()
	secret, id, ok := normal(secret)
	if !ok {
		return "", false
	}
	e := c.byID[id]
	if e == nil || !e.matchesGenerated(secret) {
		return "", false
	}
	return e.Name, true
}

// current returns the file's content, read again if the file has changed since the last look. It looks at most every
// lookEvery unless look is set. With an error it is what was read last, nothing if that is the first one.
func (f *File) current(look bool) (*content, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !look && !f.looked.IsZero() && time.Since(f.looked) < lookEvery {
		return f.now, f.err
	}
	first, before := f.looked.IsZero(), f.err
	f.looked = time.Now()
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.seen, f.now, f.err = nil, new(content), nil
	case err != nil:
		f.seen, f.err = nil, fmt.Errorf("reading credentials: %w", err)
	case first || f.seen == nil || f.err != nil || changed(f.seen, info):
		f.seen = info
		var c *content
		if c, f.err = read(f.path); f.err == nil {
			f.now = c
		}
	}
	f.tell(before)
	return f.now, f.err
}

// inForce returns what logins go by: with a file that cannot be read, what was read last.
func (f *File) inForce() *content {
	if f.Changed == nil {
		c, _ := f.current(false)
		return c
	}
	if f.stale() {
		f.Changed()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// stale says whether the file has changed since it was taken over, or since this was said. One that is not there has not: an editor may just be
// putting another one in its place, and nobody hurries to lose all users.
func (f *File) stale() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) < lookEvery {
		return false
	}
	f.looked = time.Now()
	info, err := os.Stat(f.path)
	if err != nil || f.seen != nil && !changed(f.seen, info) {
		return false
	}
	f.seen = info
	return true
}

// tell logs that the file has become unreadable or readable, once for each time.
func (f *File) tell(before error) {
	switch {
	case f.Logger == nil || (before == nil) == (f.err == nil):
	case f.err != nil:
		f.Logger.Error("credentials cannot be read, those that were read last stay in force", "path", f.path, "error", f.err)
	default:
		f.Logger.Info("credentials can be read again", "path", f.path)
	}
}

func changed(a, b fs.FileInfo) bool {
	return !os.SameFile(a, b) || a.Size() != b.Size() || !a.ModTime().Equal(b.ModTime())
}

// checkName refuses names that people could not tell apart, or that configuration files and tools would split.
func checkName(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return fmt.Errorf("%w: it is empty", ErrName)
	case n > 64:
		return fmt.Errorf("%w: it has more than 64 characters", ErrName)
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: it is not valid UTF-8", ErrName)
	case strings.Contains(name, ":"):
		return fmt.Errorf("%w: it has a colon, at which many programs split name:password", ErrName)
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("%w: it begins or ends with a space", ErrName)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("%w: it has a control character or an invisible one", ErrName)
	}
	return nil
}

// random returns n random bytes.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // it never fails: it ends the program
	return b
}
