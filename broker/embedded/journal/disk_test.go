package journal_test

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"home.arpa/homehub/broker/embedded/journal"
)

var (
	errDisk = errors.New("the disk is broken")
	errFull = errors.New("no space left on the disk")
)

// memory is a disk that forgets what was not synced when the power goes, and fails when it is told to.
type memory struct {
	mu      sync.Mutex
	files   map[string]*content
	durable map[string]*content         // which files are there after a loss of power
	changes []func(map[string]*content) // since then

	fault func(what, name string) error // asked before everything that changes something; may be nil
	room  int                           // how many bytes may still be written; negative: as many as you like
	pause time.Duration                 // that a sync takes
	log   []string                      // what was done, with the name of the file
}

type content struct {
	data   []byte
	synced int
	lost   bool // a sync failed: what was not synced then never will be, whatever later syncs say
}

func newMemory() *memory {
	return &memory{files: map[string]*content{}, durable: map[string]*content{}, room: -1}
}

func (m *memory) do(what, name string) error {
	m.log = append(m.log, what+" "+name)
	if m.fault != nil {
		return m.fault(what, name)
	}
	return nil
}

func (m *memory) List() ([]fs.DirEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []fs.DirEntry
	for _, name := range slices.Sorted(maps.Keys(m.files)) {
		all = append(all, entry{name, int64(len(m.files[name].data))})
	}
	return all, nil
}

func (m *memory) Open(name string) (journal.Readable, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.files[name]
	if c == nil {
		return nil, 0, fs.ErrNotExist
	}
	return reading(c.data), int64(len(c.data)), nil
}

type reading []byte

func (r reading) Close() error { return nil }
func (r reading) ReadAt(b []byte, at int64) (int, error) {
	if at >= int64(len(r)) {
		return 0, io.EOF
	}
	n := copy(b, r[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (m *memory) Create(name string) (journal.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.do("create", name); err != nil {
		return nil, err
	}
	if m.files[name] != nil {
		return nil, fs.ErrExist
	}
	c := &content{}
	m.change(func(files map[string]*content) { files[name] = c })
	return &writing{m, name, c}, nil
}

func (m *memory) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.do("rename", from); err != nil {
		return err
	}
	c := m.files[from]
	if c == nil {
		return fs.ErrNotExist
	}
	m.change(func(files map[string]*content) { delete(files, from); files[to] = c })
	return nil
}

func (m *memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.do("remove", name); err != nil {
		return err
	}
	c := m.files[name]
	if c == nil {
		return fs.ErrNotExist
	}
	if m.room >= 0 {
		m.room += len(c.data)
	}
	m.change(func(files map[string]*content) { delete(files, name) })
	return nil
}

func (m *memory) Sync() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.do("syncfolder", ""); err != nil {
		return err
	}
	m.durable, m.changes = maps.Clone(m.files), nil
	return nil
}

func (m *memory) change(f func(map[string]*content)) {
	f(m.files)
	m.changes = append(m.changes, f)
}

type writing struct {
	*memory
	name string
	c    *content
}

func (w *writing) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.do("write", w.name)
	n := len(b)
	if err != nil {
		n /= 2 // a part of it may be there
	}
	if w.room >= 0 && n > w.room {
		n, err = w.room, errFull
	}
	if w.room >= 0 {
		w.room -= n
	}
	w.c.data = append(w.c.data, b[:n]...)
	return n, err
}

func (w *writing) Sync() error {
	w.mu.Lock()
	upTo, pause := len(w.c.data), w.pause
	w.mu.Unlock()
	if pause > 0 {
		time.Sleep(pause) // in a bubble
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.do("sync", w.name); err != nil {
		w.c.lost = true
		return err
	}
	if !w.c.lost {
		w.c.synced = upTo
	}
	return nil
}

func (w *writing) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.do("close", w.name)
}

type entry struct {
	name string
	size int64
}

func (e entry) Name() string               { return e.name }
func (e entry) IsDir() bool                { return false }
func (e entry) Type() fs.FileMode          { return 0 }
func (e entry) Info() (fs.FileInfo, error) { return e, nil }
func (e entry) Size() int64                { return e.size }
func (e entry) Mode() fs.FileMode          { return 0o600 }
func (e entry) ModTime() time.Time         { return time.Time{} }
func (e entry) Sys() any                   { return nil }

// count returns how often something was done, to files whose name begins like this.
func (m *memory) count(what string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.log {
		if strings.HasPrefix(l, what) {
			n++
		}
	}
	return n
}

// fail has everything that the function says fail; nil ends it.
func (m *memory) fail(fault func(what, name string) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = fault
}

// fill leaves room for so many bytes; negative ends it.
func (m *memory) fill(room int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.room = room
}

func (m *memory) names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.files))
}

func (m *memory) read(name string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.files[name]; c != nil {
		return slices.Clone(c.data)
	}
	return nil
}

func (m *memory) put(name string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &content{data: slices.Clone(data), synced: len(data)}
	m.files[name], m.durable[name] = c, c
}

// killed is the disk as programs see it, which is what a kill of the program leaves.
func (m *memory) killed() *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	to := newMemory()
	for name, c := range m.files {
		to.files[name] = &content{data: slices.Clone(c.data), synced: len(c.data)}
	}
	to.durable = maps.Clone(to.files)
	return to
}

// synced is the disk with what was synced, and no more.
func (m *memory) synced() *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	to := newMemory()
	for name, c := range m.durable {
		to.files[name] = &content{data: slices.Clone(c.data[:c.synced]), synced: c.synced}
	}
	to.durable = maps.Clone(to.files)
	return to
}

// unplugged is the disk as a loss of power may leave it: of what was not synced, any beginning may be there. The lock is held.
func (m *memory) unplugged(r *rand.Rand) *memory {
	there := maps.Clone(m.durable)
	for _, change := range m.changes[:r.IntN(len(m.changes)+1)] {
		change(there)
	}
	to := newMemory()
	for name, c := range there {
		keep := c.synced
		if !c.lost {
			keep += r.IntN(len(c.data) - c.synced + 1)
		}
		data := slices.Clone(c.data[:keep])
		if r.IntN(2) == 0 {
			data = append(data, make([]byte, len(c.data)-keep)...) // the length was written, the rest of the data was not
		}
		to.files[name] = &content{data: data, synced: len(data)}
	}
	to.durable = maps.Clone(to.files)
	return to
}
