package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// recentRows is how long the table recent gets before it moves to history. The longer, the fewer pages are written over
// all; every question for a property's history looks through all of it, which takes a few milliseconds.
const recentRows = 8192

// pruneRows is about how many readings are pruned in one transaction.
const pruneRows = 5000

const (
	// countReadings finds where the numbers of readings have got to. A greater one than any in history is in last or recent,
	// unless its device is gone; then it may be used again.
	countReadings = `SELECT (SELECT count(*) FROM recent),
		max((SELECT coalesce(max(seq), 0) FROM recent), (SELECT coalesce(max(seq), 0) FROM last))`

	// putSeries gives a new property its number, if its device is known.
	putSeries = `INSERT INTO series (device, component, property)
		SELECT id, ?2, ?3 FROM devices WHERE id = ?1 ON CONFLICT DO NOTHING`
	getSeries  = `SELECT id FROM series WHERE device = ? AND component = ? AND property = ?`
	putReading = `INSERT INTO recent (seq, series, heard, at, datatype, value) VALUES (?, ?, ?, ?, ?, ?)`

	moveHistory = `INSERT INTO history (series, heard, seq, at, datatype, value)
		SELECT series, heard, seq, at, datatype, value FROM recent ORDER BY series, heard, seq`
	moveLast = `INSERT INTO last (series, seq, heard, at, datatype, value)
		SELECT series, max(seq), heard, at, datatype, value FROM recent WHERE true GROUP BY series
		ON CONFLICT (series) DO UPDATE SET seq = excluded.seq, heard = excluded.heard, at = excluded.at,
			datatype = excluded.datatype, value = excluded.value`
	clearAllRecent = `DELETE FROM recent`

	getReadings = `SELECT heard, seq, at, datatype, value FROM history WHERE series = ?1 AND heard >= ?2 AND heard < ?3
		UNION ALL SELECT heard, seq, at, datatype, value FROM recent WHERE series = ?1 AND heard >= ?2 AND heard < ?3
		ORDER BY heard DESC, seq DESC LIMIT ?4`

	pruneDone    = `DELETE FROM commands WHERE done < ?`
	nextSeries   = `SELECT min(id) FROM series WHERE id > ?`
	pruneCut     = `SELECT heard FROM history WHERE series = ? AND heard < ? ORDER BY heard LIMIT 1 OFFSET ?`
	pruneHistory = `DELETE FROM history WHERE series = ? AND heard < ?`
)

// kinds are the numbers that stand for datatypes in the history table. Numbers are never changed; 0 and 1 take no room.
var kinds = []devices.Datatype{
	devices.Float, devices.Bool, devices.Int, devices.Enum, devices.String, devices.Color, devices.JSON, "",
}

// SaveReadings is hub.Store's. Of two samples of one property the later one in the list is the last value.
func (s *Store) SaveReadings(ctx context.Context, readings []hub.Sample) error {
	if len(readings) == 0 {
		return ctx.Err()
	}
	full := false
	err := s.write(ctx, false, func(t *transaction) error {
		rows := 0
		for _, r := range readings {
			id, err := t.seriesOf(r.Path)
			if err != nil {
				return err
			}
			if id == 0 {
				continue
			}
			s.seq++
			rows++
			kind := slices.Index(kinds, r.Value.Datatype())
			if err := t.exec(putReading, s.seq, id, r.Heard.UnixMicro(), micro(r.At), kind, r.Value.Encode()); err != nil {
				return err
			}
		}
		t.committed = append(t.committed, func() {
			s.recent += rows
			full = s.recent >= s.recentRows
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("saving %d readings: %w", len(readings), err)
	}
	if full {
		if err := s.move(ctx); err != nil { // the readings are kept all the same, and the next call tries again
			s.log.Error("recent readings not moved to the history", "error", err)
		}
	}
	return nil
}

// move brings the recent readings to where they stay.
func (s *Store) move(ctx context.Context) error {
	return s.write(ctx, false, func(t *transaction) error {
		for _, query := range []string{moveHistory, moveLast, clearAllRecent} {
			if err := t.exec(query); err != nil {
				return err
			}
		}
		t.committed = append(t.committed, func() { s.recent = 0 })
		return nil
	})
}

// seriesOf returns the number of a property, 0 when its device is unknown.
func (t *transaction) seriesOf(p devices.Path) (id int64, err error) {
	if id = t.store.series[p]; id != 0 {
		return id, nil
	}
	if err := t.exec(putSeries, p.Device, p.Component, p.Property); err != nil {
		return 0, err
	}
	err = t.query(getSeries, p.Device, p.Component, p.Property).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err == nil {
		t.committed = append(t.committed, func() { t.store.series[p] = id })
	}
	return id, err
}

// History is hub.Store's. Times are compared by the microsecond.
func (s *Store) History(ctx context.Context, p devices.Path, from, to time.Time, limit int) ([]devices.Reading, error) {
	list, err := s.history(ctx, p, from.UnixMicro(), to.UnixMicro(), max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("reading history of %s: %w", p, err)
	}
	return list, nil
}

func (s *Store) history(ctx context.Context, p devices.Path, from, to int64, limit int) ([]devices.Reading, error) {
	var series int64
	err := s.reading[getSeries].QueryRowContext(ctx, p.Device, p.Component, p.Property).Scan(&series)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rows, err := s.reading[getReadings].QueryContext(ctx, series, from, to, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []devices.Reading
	for rows.Next() {
		var heard, seq, kind int64
		var at sql.NullInt64
		var text string
		if err := rows.Scan(&heard, &seq, &at, &kind, &text); err != nil {
			return nil, err
		}
		v, err := decode(kind, text)
		if err != nil { // one bad reading among thousands is no reason to show none
			s.log.Warn("reading left out of the history", "property", p.String(), "heard", time.UnixMicro(heard).UTC(), "error", err)
			continue
		}
		list = append(list, devices.Reading{Value: v, At: moment(at), Heard: time.UnixMicro(heard).UTC()})
	}
	slices.Reverse(list)
	return list, rows.Err()
}

func decode(kind int64, text string) (devices.Value, error) {
	if kind < 0 || kind >= int64(len(kinds)) {
		return devices.Value{}, fmt.Errorf("unknown datatype %d", kind)
	}
	return devices.DecodeValue(kinds[kind], text)
}

// Prune is hub.Store's. It takes many short transactions, between which other writes have their turn.
func (s *Store) Prune(ctx context.Context, before time.Time) error {
	if err := s.prune(ctx, before.UnixMicro()); err != nil {
		return fmt.Errorf("pruning what is older than %s: %w", before.UTC().Format(time.RFC3339), err)
	}
	return nil
}

func (s *Store) prune(ctx context.Context, before int64) error {
	err := s.write(ctx, false, func(t *transaction) error { return t.exec(pruneDone, before) })
	if err == nil {
		err = s.move(ctx) // last values stay, however old
	}
	var series sql.NullInt64
	for err == nil {
		err = s.write(ctx, false, func(t *transaction) error { return t.query(nextSeries, series.Int64).Scan(&series) })
		if err != nil || !series.Valid {
			return err
		}
		for more := true; more && err == nil; {
			err = s.write(ctx, false, func(t *transaction) error {
				cut := before
				err := t.query(pruneCut, series.Int64, before, s.pruneRows).Scan(&cut)
				more = err == nil && cut < before-1
				if err != nil && !errors.Is(err, sql.ErrNoRows) {
					return err
				}
				if more {
					cut++ // what was heard at the cut goes, too, so that each round has an effect
				} else {
					cut = before
				}
				return t.exec(pruneHistory, series.Int64, cut)
			})
		}
	}
	return err
}
