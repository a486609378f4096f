package credential

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// format is the newest version of the file's form. A file has the oldest one that says what is in it, so that an older program can
// still read it: 2 has imported passwords.
const format = 2

func (c *content) format() int {
	if slices.ContainsFunc(c.entries, func(e *entry) bool { return e.Kind == Imported || e.Kind == Password && len(e.Hash) != hashLength }) {
		return 2
	}
	return 1
}

// maxSize is the size in bytes that no file of credentials has; some 100,000 entries fit.
const maxSize = 32 << 20

// lockPatience is how long a change waits for another program's: several of them one after the other, on a slow disk.
const lockPatience = 20 * time.Second

var errLocked = errors.New("another program is changing the file")

// Reading is what the file held at one time.
type Reading struct {
	content *content
	info    fs.FileInfo // nil: it was not there
}

// Read reads the file and takes nothing over; the error wraps ErrDamaged, or is the file system's.
func (f *File) Read() (Reading, error) {
	info, err := os.Stat(f.path) // before it is read, so that a change between the two is found later
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Reading{content: new(content)}, fmt.Errorf("reading credentials: %w", err)
	}
	c, err := read(f.path)
	return Reading{c, info}, err
}

// List returns what was read, in the order of names.
func (r Reading) List() []Entry { return r.content.list() }

// Take has logins go by what was read.
func (f *File) Take(r Reading) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now, f.seen, f.err = r.content, r.info, nil
}

func (c *content) list() []Entry {
	list := make([]Entry, 0, len(c.entries))
	for _, e := range c.entries {
		list = append(list, Entry{e.Name, e.Kind, e.Created})
	}
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return list
}

type document struct {
	Format  int      `json:"format"`
	Entries []*entry `json:"entries"`
}

// read reads the file at path; a missing one is empty. With an error it returns an empty content, too.
func read(path string) (*content, error) {
	c, err := parse(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return new(content), nil
	case err != nil:
		return new(content), fmt.Errorf("reading credentials in %s: %w", path, err)
	}
	return c, nil
}

func parse(path string) (*content, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSize {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrDamaged, maxSize)
	}
	var d document
	// A newer form is told apart first, so that its unknown fields are not called damage.
	if json.Unmarshal(text, &struct{ Format *int }{&d.Format}) == nil && d.Format > format {
		return nil, fmt.Errorf("its format %d is newer than this program's, %d", d.Format, format)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows its end", ErrDamaged)
	}
	if d.Format < 1 {
		return nil, fmt.Errorf("%w: it has no format", ErrDamaged)
	}
	c, err := newContent(d.Entries)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return c, nil
}

// edit reads the file, changes what it holds, and writes it, while no other program does.
func (f *File) edit(what, name string, change func(*content) error) error {
	f.change.Lock()
	defer f.change.Unlock()
	if err := f.editLocked(change); err != nil {
		return fmt.Errorf("%s %q: %w", what, name, err)
	}
	_, err := f.current(true)
	return err
}

func (f *File) editLocked(change func(*content) error) error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return err
	}
	unlock, err := lock(f.path+".lock", lockPatience)
	if err != nil {
		return err
	}
	defer unlock()
	old, err := read(f.path)
	if err != nil {
		return err
	}
	c, err := newContent(slices.Clone(old.entries))
	if err != nil {
		return err
	}
	if err := change(c); err != nil {
		return err
	}
	return write(f.path, c)
}

func (c *content) add(e *entry) error {
	if c.byName[e.Name] != nil {
		return ErrExists
	}
	c.entries = append(c.entries, e)
	return nil
}

func (c *content) remove(name string) error {
	e := c.byName[name]
	if e == nil {
		return ErrUnknown
	}
	c.entries = slices.DeleteFunc(c.entries, func(other *entry) bool { return other == e })
	return nil
}

// write replaces the file so that a reader, and a computer that loses power, finds the old content or the new one.
func write(path string, c *content) (err error) {
	text, err := json.MarshalIndent(document{Format: c.format(), Entries: c.entries}, "", "  ")
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // its mode is 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			temp.Close()
			os.Remove(temp.Name())
		}
	}()
	if _, err := temp.Write(append(text, '\n')); err != nil {
		return err
	}
	if err := temp.Sync(); err != nil {
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	if folder, err := os.Open(filepath.Dir(path)); err == nil { // not every system can sync a folder, and the rest is done
		folder.Sync() //nolint:errcheck // see above
		folder.Close()
	}
	return nil
}
