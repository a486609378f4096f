package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// wholeCheck is the size in bytes up to which every page of a file is checked when it is opened, at about 150 MB a second
// on a fast machine. Of a larger file the history, nearly all of it, is checked only after an unclean end.
const wholeCheck = 64 << 20

// smallest is the size in bytes of the smallest SQLite database that is not empty: one page of the least size.
const smallest = 512

// errDamaged says that a file cannot be worked with and must be set aside.
var errDamaged = errors.New("the database is damaged")

// source is the DSN of a file. Its transactions begin with the lock "immediate" (to write) or "deferred" (to read), and the
// pragmas are run on every new connection.
func source(path, lock string, pragmas ...string) string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path)}
	u.RawQuery = url.Values{"_pragma": pragmas, "_txlock": {lock}, "_dqs": {"0"}}.Encode()
	return u.String()
}

// prepare makes the folder and the file, readable by their owner alone; SQLite gives its -wal and -shm files the mode of
// the file they belong to.
func prepare(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder", path)
	}
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = f.Chmod(info.Mode().Perm() &^ 0o077)
	}
	return err
}

// check returns an error that wraps errDamaged when the file is not a database or one with broken pages.
func check(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() == 0 {
		return err
	}
	if info.Size() < smallest { // SQLite would write over it
		return fmt.Errorf("%w: it has only %d bytes", errDamaged, info.Size())
	}
	wal, err := os.Stat(path + "-wal")
	unclean := err == nil && wal.Size() > 0

	db, err := sql.Open("sqlite", source(path, "deferred", "busy_timeout(5000)"))
	if err != nil {
		return err
	}
	defer db.Close()
	version, err := schemaVersion(ctx, db)
	if err != nil {
		return damage(err)
	}
	checks := []string{"PRAGMA quick_check(1)"}
	if info.Size() > wholeCheck && !unclean && version > 0 {
		checks = checks[:0]
		for _, table := range []string{"sqlite_schema", "devices", "series", "recent", "last", "commands", "follows"} {
			checks = append(checks, fmt.Sprintf("PRAGMA quick_check(%s)", table))
		}
	}
	for _, query := range checks {
		var found string
		if err := db.QueryRowContext(ctx, query).Scan(&found); err != nil {
			return damage(err)
		}
		if found != "ok" {
			return fmt.Errorf("%w: %s", errDamaged, found)
		}
	}
	return nil
}

// damage wraps errDamaged around SQLite's errors that say so, and leaves others alone: a full disk is no damage.
func damage(err error) error {
	var e *driver.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
	}
	return err
}

// setAside renames a damaged file and what belongs to it, and returns the new name.
func setAside(path string, now time.Time) (string, error) {
	base := path + ".damaged-" + now.UTC().Format("20060102T150405Z")
	name := base
	for n := 2; ; n++ {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			break
		}
		name = fmt.Sprintf("%s-%d", base, n)
	}
	// The log goes first: beside a new database it must never be found.
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := os.Rename(path+suffix, name+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("setting the damaged database aside: %w", err)
		}
	}
	return name, nil
}
