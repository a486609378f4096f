package sqlite_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/store/sqlite"
)

func lamp() hub.Record { return hub.Record{Device: devices.Device{ID: "lamp", Name: "Lamp"}} }

var power = devices.Path{Device: "lamp", Ref: devices.Ref{Component: "light", Property: "power"}}

// filled is the path of a closed database with a lamp that has reported 1010 times, once a millisecond, most of which has
// moved to the history.
func filled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir)
	s.(*sqlite.Store).SetRows(500, 500)
	var samples []hub.Sample
	for i := range 1010 {
		reading := devices.Reading{Value: devices.IntValue(int64(i)), Heard: time.UnixMilli(int64(i))}
		samples = append(samples, hub.Sample{Path: power, Reading: reading})
	}
	if err := errors.Join(s.SaveDevice(t.Context(), lamp()), s.SaveReadings(t.Context(), samples[:1000]),
		s.SaveReadings(t.Context(), samples[1000:]), s.Close()); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "hub.db")
}

func TestDamagedFileIsSetAside(t *testing.T) {
	for name, harm := range map[string]func(content []byte) []byte{
		"the file is no database":           func([]byte) []byte { return []byte(strings.Repeat("not a database ", 1000)) },
		"the file is short and no database": func([]byte) []byte { return []byte("x") },
		"the end of the file is missing":    func(b []byte) []byte { return b[:len(b)/2] },
		"a page is overwritten": func(b []byte) []byte {
			copy(b[len(b)/4*3:], bytes.Repeat([]byte{0xa5}, 8192)) // the history lies there
			return b
		},
		"the schema is overwritten": func(b []byte) []byte {
			copy(b[100:], bytes.Repeat([]byte{0xa5}, 3000))
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filled(t)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			harmed := harm(bytes.Clone(content))
			if err := os.WriteFile(path, harmed, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path+"-wal", []byte("left over"), 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			s, err := sqlite.Open(t.Context(), path, sqlite.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			m, err := s.Load(t.Context())
			if err != nil || len(m.Devices) != 0 || len(m.Damaged) != 1 || !strings.Contains(m.Damaged[0], path+".damaged-") {
				t.Fatalf("loaded %+v (%v), want nothing but a report", m, err)
			}
			if !strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("the log says nothing of it: %q", log.String())
			}
			aside, err := filepath.Glob(path + ".damaged-*Z")
			if err != nil || len(aside) != 1 {
				t.Fatalf("set aside are %q (%v), want one file", aside, err)
			}
			if kept, err := os.ReadFile(aside[0]); err != nil || !bytes.Equal(kept, harmed) {
				t.Errorf("the file that was set aside is not the damaged one (%v)", err)
			}
			if err := s.SaveDevice(t.Context(), lamp()); err != nil {
				t.Errorf("saving in the new database: %v", err)
			}
			if m, err = s.Load(t.Context()); err != nil || len(m.Devices) != 1 || len(m.Damaged) != 0 {
				t.Errorf("loaded %+v (%v), want the lamp and no second report", m, err)
			}
		})
	}
}

func TestTwoDamagedFilesOfOneSecondAreBothKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	for range 3 {
		if err := os.WriteFile(path, bytes.Repeat([]byte("no "), 5000), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	if aside, _ := filepath.Glob(path + ".damaged-*"); len(aside) != 3 {
		t.Errorf("set aside are %q, want three files", aside)
	}
}

func TestForeignAndNewerFilesAreLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   error
	}{
		"a newer schema":                     {`PRAGMA user_version = 99`, sqlite.ErrNewer},
		"another program's database":         {`PRAGMA application_id = 0; PRAGMA user_version = 0`, sqlite.ErrForeign},
		"a marked database of another's":     {`PRAGMA application_id = 7`, sqlite.ErrForeign},
		"an unmarked database with versions": {`PRAGMA application_id = 0`, sqlite.ErrForeign},
	} {
		t.Run(name, func(t *testing.T) {
			path := filled(t)
			raw(t, path, c.script)
			before, _ := os.ReadFile(path)
			_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), path) {
				t.Errorf("got %v, want %v with the path", err, c.want)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
			if files, _ := filepath.Glob(path + ".damaged*"); len(files) > 0 {
				t.Errorf("it was set aside: %q", files)
			}
		})
	}
}

func TestFilesAreTheirOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("left out: file modes are Unix's")
	}
	dir := filepath.Join(t.TempDir(), "data", "store")
	s := open(t, dir)
	defer s.Close()
	if err := s.SaveDevice(t.Context(), lamp()); err != nil {
		t.Fatal(err)
	}
	want := map[string]fs.FileMode{".": 0o700, "hub.db": 0o600, "hub.db-wal": 0o600, "hub.db-shm": 0o600}
	for name, mode := range want {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v (%v), want mode %v", name, info, err, mode)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "hub.db"), 0o644); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	defer again.Close()
	if info, err := os.Stat(filepath.Join(dir, "hub.db")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a file that others could read still is: %v (%v)", info.Mode(), err)
	}
}

func TestPathsWithOddCharacters(t *testing.T) {
	for _, name := range []string{"with space", "100%", "a?mode=ro", "a#b", "ä&b=c", "%41"} {
		path := filepath.Join(t.TempDir(), name, "hub.db")
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if err := errors.Join(s.SaveDevice(t.Context(), lamp()), s.Close(), s.Close()); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%q: the database is not where it was asked for (%v)", name, err)
		}
	}
}

func TestFileThatCannotBeOpenedIsNotDamaged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hub.db")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if s, err := sqlite.Open(t.Context(), dir, sqlite.Options{}); err == nil {
		s.Close()
		t.Error("a folder was opened as a database")
	}
	if files, _ := filepath.Glob(dir + ".damaged*"); len(files) > 0 {
		t.Errorf("it was set aside: %q", files)
	}
}

func TestDamagedValuesAreSetAside(t *testing.T) {
	path := filled(t)
	raw(t, path, `UPDATE recent SET value = 'x' WHERE seq = 1010;
		INSERT INTO commands VALUES ('c1', 'lamp', 'light', 'on', 'bool', 'maybe', 'sent', '', 'api', 1, 2, 3, NULL);
		UPDATE history SET value = 'x' WHERE heard = 5000; UPDATE history SET datatype = 77 WHERE heard = 6000`)
	s := open(t, filepath.Dir(path))
	defer s.Close()
	m, err := s.Load(t.Context())
	if err != nil || len(m.Devices) != 1 || len(m.Last) != 0 || len(m.Pending) != 0 || len(m.Damaged) != 2 {
		t.Fatalf("loaded %+v (%v), want the lamp and two reports", m, err)
	}
	for i, name := range []string{"lamp/light/power", "c1"} {
		if !strings.Contains(m.Damaged[i], name) {
			t.Errorf("report %q does not name %s", m.Damaged[i], name)
		}
	}
	list, err := s.History(t.Context(), power, time.UnixMilli(0), time.UnixMilli(10), 100)
	if err != nil || len(list) != 8 {
		t.Errorf("got %d readings (%v), want the 8 sound ones of 10", len(list), err)
	}
	if m, err = s.Load(t.Context()); err != nil || len(m.Last) != 1 || len(m.Damaged) != 0 {
		t.Errorf("then loaded %+v (%v), want an older last value and no report", m, err)
	}
	if _, err := s.Command(t.Context(), "c1"); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("the damaged command: got %v, want hub.ErrNotFound", err)
	}
}

// TestWhatWasSavedSurvivesKill kills a process that saves commands as fast as it can, and wants every command back that
// the process said was saved.
func TestWhatWasSavedSurvivesKill(t *testing.T) {
	const folder = "HOMEHUB_TEST_STORE"
	if dir := os.Getenv(folder); dir != "" {
		s := open(t, dir)
		for i := 0; ; i++ {
			c := devices.Command{ID: fmt.Sprintf("%08d", i), Device: "lamp", Value: devices.IntValue(int64(i))}
			if err := s.SaveCommand(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			fmt.Printf("saved %s\n", c.ID)
		}
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), folder+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var saved []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "saved "); ok && len(id) == 8 {
			saved = append(saved, id)
		}
		if len(saved) == 200 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Wait() // it was killed
	if len(saved) < 200 {
		t.Fatalf("the process saved only %d commands before it ended", len(saved))
	}
	s := open(t, dir)
	defer s.Close()
	for _, id := range saved {
		if _, err := s.Command(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if m, err := s.Load(t.Context()); err != nil || len(m.Damaged) != 0 {
		t.Errorf("damaged is %q (%v), want nothing", m.Damaged, err)
	}
}
