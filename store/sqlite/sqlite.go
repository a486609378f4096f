// Package sqlite is the hub's memory in one SQLite file: it implements hub.Store for a house on one machine. internal/app
// opens it; the hub uses it through hub.Store alone. It starts no goroutine and decides nothing about devices.
//
// # What survives
//
// A write that has returned survives the end of the program, however it ends (kill -9 included): SQLite's write-ahead log
// is in the operating system's hands by then. A power cut or a crash of the operating system leaves a sound database, too,
// but may cost the newest writes: of readings, devices and commands those of the last syncEvery, or what the system had
// not yet written by itself when nothing was saved since. Follows and deleted devices are synced at once. The price of
// syncing every write would be paid on each switch of a lamp, and on memory cards with their life.
//
// # How readings are kept
//
// A batch of readings is appended to one table, whatever properties they are of, and so costs a page or two; some thousands
// at a time move on to the history, sorted by property. See migrations for the tables.
//
// # Damage
//
// A damaged file is never repaired and never stops the hub: it is renamed, a new one is begun, and hub.Memory says so.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// syncEvery is the longest time over which writes are left to the operating system to bring to the disk.
const syncEvery = 10 * time.Second

// readers is the greatest number of connections that read at once. Further reads wait for one of them.
const readers = 4

// Options are what Open may be told.
type Options struct {
	// Logger takes news about damage; nil discards it.
	Logger *slog.Logger
}

// Store is an open database file. It implements hub.Store.
type Store struct {
	log    *slog.Logger
	writer *sql.DB // one connection
	reader *sql.DB

	// turn holds one token: whoever has it writes, and may touch what follows.
	turn   chan struct{}
	synced time.Time
	series map[devices.Path]int64 // committed numbers only
	seq    int64                  // of the newest reading
	recent int                    // the rows of the table recent
	// recentRows and pruneRows are the constants; tests make them small.
	recentRows, pruneRows int
	closed                bool

	// writing and reading are the prepared statements by their text.
	writing, reading map[string]*sql.Stmt

	mu      sync.Mutex
	damaged []string // not yet reported by Load
}

var _ hub.Store = (*Store)(nil)

// Open opens the database file at path or makes a new one, with its folder. A file that is damaged is renamed to
// path.damaged-<time> and replaced by a new one, which the first Load reports. Errors wrap ErrNewer for a file of a newer
// program and ErrForeign for another program's. Only one program may have the file open.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	s, err := open(ctx, path, o)
	if err != nil {
		return nil, fmt.Errorf("opening database %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string, o Options) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	s := &Store{
		recentRows: recentRows, pruneRows: pruneRows,
		log: o.Logger, turn: make(chan struct{}, 1), series: map[devices.Path]int64{},
		writing: map[string]*sql.Stmt{}, reading: map[string]*sql.Stmt{},
	}
	s.turn <- struct{}{}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := prepare(path); err != nil {
		return nil, err
	}
	if err := check(ctx, path); errors.Is(err, errDamaged) {
		aside, err2 := setAside(path, time.Now())
		if err2 != nil {
			return nil, errors.Join(err, err2)
		}
		s.log.Error("damaged database set aside, starting with an empty one", "path", path, "aside", aside, "error", err)
		s.damaged = []string{fmt.Sprintf("the database was damaged and is now %s (%v); a new one was begun", aside, err)}
		if err := prepare(path); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	common := []string{"busy_timeout(5000)", "foreign_keys(1)", "temp_store(memory)"}
	writing := source(path, "immediate",
		append(common, "journal_mode(wal)", "synchronous(normal)", "journal_size_limit(16777216)")...)
	if s.writer, err = sql.Open("sqlite", writing); err != nil {
		return nil, err
	}
	s.writer.SetMaxOpenConns(1)
	if err := migrate(ctx, s.writer); err != nil {
		return nil, errors.Join(err, s.writer.Close())
	}
	if s.reader, err = sql.Open("sqlite", source(path, "deferred", append(common, "query_only(1)")...)); err != nil {
		return nil, errors.Join(err, s.writer.Close())
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	err = prepareAll(ctx, s.writer, s.writing, writes)
	if err == nil {
		err = prepareAll(ctx, s.reader, s.reading, reads)
	}
	if err == nil {
		err = s.writer.QueryRowContext(ctx, countReadings).Scan(&s.recent, &s.seq)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func prepareAll(ctx context.Context, db *sql.DB, to map[string]*sql.Stmt, queries []string) error {
	for _, query := range queries {
		stmt, err := db.PrepareContext(ctx, query)
		if err != nil {
			return fmt.Errorf("preparing %q: %w", query, err)
		}
		to[query] = stmt
	}
	return nil
}

// Close brings everything to the disk and closes the file. Closing again does nothing.
func (s *Store) Close() error {
	<-s.turn
	defer func() { s.turn <- struct{}{} }()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for _, stmts := range []map[string]*sql.Stmt{s.reading, s.writing} {
		for _, stmt := range stmts {
			errs = append(errs, stmt.Close())
		}
	}
	// The last connection to close moves the log into the database and syncs; that must be the writer's.
	errs = append(errs, s.reader.Close())
	if _, err := s.writer.Exec("PRAGMA wal_checkpoint(truncate)"); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, s.writer.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing database: %w", err)
	}
	return nil
}

// write runs f in a transaction of its own. The end of ctx stops waiting for the turn, not a write that has begun: that
// takes milliseconds. A durable write is on the disk when write returns.
func (s *Store) write(ctx context.Context, durable bool, f func(tx *transaction) error) error {
	select {
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	durable = durable || time.Since(s.synced) >= syncEvery
	if durable {
		if _, err := s.writer.ExecContext(ctx, "PRAGMA synchronous = full"); err != nil {
			return err
		}
		defer s.writer.ExecContext(ctx, "PRAGMA synchronous = normal") //nolint:errcheck // else it stays safe and slow
	}
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // does nothing after Commit
	t := &transaction{ctx: ctx, store: s, tx: tx}
	if err := f(t); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	if durable {
		s.synced = time.Now()
	}
	for _, f := range t.committed {
		f()
	}
	return nil
}

// transaction is a write that is going on.
type transaction struct {
	ctx   context.Context // of the one call that the transaction is part of
	store *Store
	tx    *sql.Tx
	// committed is what to do once it is known that the transaction counts.
	committed []func()
}

// exec runs one of the prepared statements.
func (t *transaction) exec(query string, args ...any) error {
	_, err := t.tx.StmtContext(t.ctx, t.store.writing[query]).ExecContext(t.ctx, args...)
	return err
}

// query runs one of the prepared statements that returns one row.
func (t *transaction) query(query string, args ...any) *sql.Row {
	return t.tx.StmtContext(t.ctx, t.store.writing[query]).QueryRowContext(t.ctx, args...)
}

// micro is a time as it is kept: microseconds since 1970, or NULL for the zero time.
func micro(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

// moment is a kept time.
func moment(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}
