package journal

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// disk is the folder that a journal lives in. Tests put faults and losses of power behind it.
type disk interface {
	// List makes the folder if it is not there, and returns what is in it.
	List() ([]fs.DirEntry, error)
	// Open opens a file for reading and says how long it is.
	Open(name string) (from readable, size int64, err error)
	// Create makes a file, which must not be there, for writing.
	Create(name string) (file, error)
	// Rename replaces what has the new name. It is durable after a sync of the folder.
	Rename(from, to string) error
	Remove(name string) error
	// Sync makes durable which files there are.
	Sync() error
}

// file is a file that is being written.
type file interface {
	io.Writer
	// Sync makes durable what was written, and the length of the file.
	Sync() error
	Close() error
}

type readable interface {
	io.ReaderAt
	io.Closer
}

// realDisk is a folder of the operating system.
type realDisk struct {
	folder string
	sync   func(folder string) error
}

func newRealDisk(folder string) realDisk { return realDisk{folder, syncFolder} }

func (d realDisk) path(name string) string { return filepath.Join(d.folder, name) }

func (d realDisk) List() ([]fs.DirEntry, error) {
	if err := os.MkdirAll(d.folder, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(d.folder)
	if len(entries) == 0 {
		d.syncAbove()
	}
	return entries, err
}

// syncAbove makes durable that the folder itself is there: some of those above it may have been made a moment ago, too. It is done where it
// can be, since this is a matter of whoever made them.
func (d realDisk) syncAbove() {
	folder, err := filepath.Abs(d.folder)
	for err == nil && folder != filepath.Dir(folder) {
		folder = filepath.Dir(folder)
		err = d.sync(folder)
	}
}

func (d realDisk) Open(name string) (readable, int64, error) {
	f, err := os.Open(d.path(name))
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

func (d realDisk) Create(name string) (file, error) {
	f, err := os.OpenFile(d.path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return realFile{f}, nil
}

func (d realDisk) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }
func (d realDisk) Remove(name string) error     { return os.Remove(d.path(name)) }

func (d realDisk) Sync() error { return d.sync(d.folder) }

func syncFolder(folder string) error {
	if runtime.GOOS == "windows" { // it cannot sync a folder, and need not
		return nil
	}
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) { // some file systems cannot, and need not
		err = nil
	}
	return errors.Join(err, f.Close())
}

type realFile struct{ *os.File }

// Sync leaves out what a journal does not need, such as the time of the last change, where the system can.
func (f realFile) Sync() error { return datasync(f.File) }
