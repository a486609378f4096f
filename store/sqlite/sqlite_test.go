package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/storetest"
	"home.arpa/homehub/store/sqlite"
)

func open(t *testing.T, dir string) hub.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(dir, "hub.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// raw runs SQL on the file behind the store's back.
func raw(t *testing.T, path string, script string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(script); err != nil {
		t.Fatal(err)
	}
}

func TestStore(t *testing.T) { storetest.Run(t, open) }

// TestStoreThatMovesReadingsAtOnce runs the suite with readings that hardly stay in the table in which they begin.
func TestStoreThatMovesReadingsAtOnce(t *testing.T) {
	storetest.Run(t, func(t *testing.T, dir string) hub.Store {
		s := open(t, dir)
		s.(*sqlite.Store).SetRows(2, 3)
		return s
	})
}

func TestDamagedRecord(t *testing.T) {
	storetest.RunDamaged(t, open, func(t *testing.T, dir, device string) {
		raw(t, filepath.Join(dir, "hub.db"), `UPDATE devices SET record = substr(record, 1, 50) WHERE id = '`+device+`'`)
	})
}
