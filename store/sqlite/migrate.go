package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

// ErrNewer is wrapped by Open's error when the file was written by a newer program, and ErrForeign when it is a database
// that is not the hub's. Both leave the file alone.
var (
	ErrNewer   = errors.New("the database was written by a newer version of the hub")
	ErrForeign = errors.New("the file is a database of another program")
)

// applicationID marks a SQLite file as the hub's ("HoHu" in ASCII).
const applicationID = 0x486f4875

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema to the newest version, each step in one transaction. The n-th file of migrations, in the order
// of names, makes version n of version n-1; a file that has been released is never changed.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	if version > len(files) {
		return fmt.Errorf("%w: its schema is version %d, and this program knows version %d", ErrNewer, version, len(files))
	}
	for n := version + 1; n <= len(files); n++ {
		if err := step(ctx, db, n, files[n-1]); err != nil {
			return fmt.Errorf("migrating to schema version %d: %w", n, err)
		}
	}
	return nil
}

func step(ctx context.Context, db *sql.DB, version int, file string) error {
	script, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // does nothing after Commit
	if _, err := tx.ExecContext(ctx, string(script)); err != nil {
		return err
	}
	mark := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, version)
	if _, err := tx.ExecContext(ctx, mark); err != nil {
		return err
	}
	return tx.Commit()
}

// schemaVersion is 0 for a new file. It refuses what is not the hub's.
func schemaVersion(ctx context.Context, db *sql.DB) (int, error) {
	var version, application, tables int
	for query, to := range map[string]*int{
		"PRAGMA user_version": &version, "PRAGMA application_id": &application, "SELECT count(*) FROM sqlite_schema": &tables,
	} {
		if err := db.QueryRowContext(ctx, query).Scan(to); err != nil {
			return 0, err
		}
	}
	if application != applicationID && (application != 0 || version != 0 || tables != 0) {
		return 0, ErrForeign
	}
	return version, nil
}
