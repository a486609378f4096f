package journal_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"home.arpa/homehub/broker/embedded/journal"
)

// Many append, wait, and look, while checkpoints are written, in a real folder; now and then somebody reads the files as they
// are, which is what a kill would leave. Whatever somebody was told of is there.
func TestManyAtOnceInARealFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "journal")
	var history []string
	for range 3 {
		h := move(t, journal.RealDisk(folder), journal.Options{CheckpointAfter: 20_000})
		if n := h.steps(history); n != len(history) || len(h.report.Damaged) > 0 {
			t.Fatalf("%d steps of %d, %q", n, len(history), h.report.Damaged)
		}
		h.history = history
		end := h.run()
		var all sync.WaitGroup
		for person := range 8 {
			all.Go(func() {
				r := rand.New(rand.NewPCG(uint64(person), 0))
				for i := 0; i < 300 || i < 30_000 && h.j.Stats().Checkpoints < 2; i++ { // a checkpoint may take long on a busy machine
					p, n := h.raise(fmt.Sprint("counter ", r.IntN(100)))
					if r.IntN(4) > 0 {
						continue
					}
					if err := h.wait(p); err != nil {
						t.Error(err)
						return
					}
					if r.IntN(20) == 0 {
						there, ok := look(t, folder)
						if h.mu.Lock(); ok && there.steps(h.history) < n {
							t.Errorf("%d steps were durable, %d are in the folder", n, there.steps(h.history))
						}
						h.mu.Unlock()
					}
					_, _ = h.j.Stats(), h.j.Err()
				}
			})
		}
		all.Wait()
		if s := h.j.Stats(); s.Checkpoints < 2 {
			t.Errorf("only %d checkpoints", s.Checkpoints)
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		history = h.history
	}
	if runtime.GOOS != "windows" {
		rights := func(path string, want fs.FileMode) {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v", path, info.Mode(), err)
			}
		}
		rights(folder, 0o700)
		entries, err := os.ReadDir(folder)
		if err != nil || len(entries) == 0 {
			t.Fatal(entries, err)
		}
		for _, e := range entries {
			rights(filepath.Join(folder, e.Name()), 0o600)
		}
	}
}

// look copies a folder in use and replays it. It is not ok if a checkpoint was completed meanwhile, so that the copy is of no one
// moment.
func look(t *testing.T, folder string) (*house, bool) {
	before, err := os.ReadDir(folder)
	if err != nil {
		t.Error(err)
		return nil, false
	}
	copied := newMemory()
	for _, e := range before {
		data, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, false
		}
		if err != nil {
			t.Error(err)
		}
		copied.put(e.Name(), data)
	}
	after, err := os.ReadDir(folder)
	if err != nil || fmt.Sprint(names(before)) != fmt.Sprint(names(after)) {
		return nil, false
	}
	return move(t, copied, journal.Options{}), true
}

func names(entries []fs.DirEntry) (names []string) {
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Records from nothing to far more than any buffer come back as they were.
func TestRecordsOfAnySize(t *testing.T) {
	folder := t.TempDir()
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sizes := []int{0, 1, 100, 4096, journal.WindowSize - 20, journal.WindowSize, journal.WindowSize + 1, 3*journal.WindowSize + 7, 20 << 20, 5}
	content := func(size int) []byte {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(i * size >> 3)
		}
		return b
	}
	write := func(w *journal.Writer) {
		for _, size := range sizes {
			w.Record(3)
			w.Bytes(content(size))
			w.Text(string(content(size)))
			w.Number(uint64(size))
			w.Flag(size%2 == 1)
			w.End()
		}
	}
	read := func() {
		t.Helper()
		j, err := journal.Open(folder, journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		report, err := j.Replay(func(kind byte, r *journal.Reader) {
			size := sizes[i%len(sizes)]
			b, s, n, odd := r.Bytes(), r.Text(), r.Number(), r.Flag()
			if kind != 3 || string(b) != string(content(size)) || s != string(b) || n != uint64(size) || odd != (size%2 == 1) || r.Bad() || r.First() != (i == 0) {
				t.Errorf("record %d of %d bytes is another one", i, size)
			}
			if r.Number() != 0 || !r.Bad() {
				t.Errorf("record %d goes on after its end", i)
			}
			i++
		})
		if err != nil || i != len(sizes) || report.Records != i || len(report.Damaged) > 0 {
			t.Errorf("%d records, %+v, %v", i, report, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	w := j.Begin()
	write(w)
	p := w.Commit()
	go func() { ended <- j.Run(ctx, write) }()
	c := make(told, 1)
	j.Wait(p, c)
	if err := <-c; err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	read()
}

// After a loss of power a file can only be found if the folders above it are on disk, and those may be as new as the journal.
func TestTheFoldersAboveANewJournalAreSynced(t *testing.T) {
	home := t.TempDir()
	folder := filepath.Join(home, "data", "journal")
	var synced []string
	disk := journal.RealDiskSyncing(folder, func(folder string) error {
		synced = append(synced, folder)
		return nil
	})
	h := move(t, disk, journal.Options{})
	for i, want := range []string{filepath.Join(home, "data"), home, filepath.Dir(home)} {
		if i >= len(synced) || synced[i] != want {
			t.Fatalf("%q were synced, want %s and all above it", synced, filepath.Join(home, "data"))
		}
	}
	if last := synced[len(synced)-1]; last != filepath.Dir(last) {
		t.Errorf("%q were synced, and not the root", synced)
	}
	end := h.run()
	h.raise("a")
	if err := end(); err != nil {
		t.Fatal(err)
	}
	synced = nil
	move(t, disk, journal.Options{})
	if len(synced) > 0 {
		t.Errorf("%q were synced for a journal that is there", synced)
	}
}

func TestAFolderThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(filepath.Join(file, "journal"), journal.Options{}); err == nil {
		t.Error("opened a journal in a file")
	}
}
