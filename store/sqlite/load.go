package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

const (
	loadDevices = `SELECT id, record FROM devices WHERE record IS NOT NULL ORDER BY id`
	// loadLast takes the other columns of a group from its row with the greatest seq, as SQLite promises for max.
	loadLast = `SELECT max(l.seq), s.device, s.component, s.property, l.heard, l.at, l.datatype, l.value
		FROM (SELECT seq, series, heard, at, datatype, value FROM last
			UNION ALL SELECT seq, series, heard, at, datatype, value FROM recent) l
		JOIN series s ON s.id = l.series GROUP BY l.series`
	loadFollows = `SELECT from_device, from_component, from_property, to_device, to_component, to_property
		FROM follows ORDER BY 1, 2, 3, 4, 5, 6`

	putDamaged  = `INSERT INTO damaged (kind, id, content, reason, at) VALUES (?, ?, ?, ?, ?)`
	clearRecord = `UPDATE devices SET record = NULL WHERE id = ?`
	clearLast   = `DELETE FROM last WHERE seq = ?`
	clearRecent = `DELETE FROM recent WHERE seq = ?`
)

// writes and reads are the statements that are prepared when the file is opened.
var (
	writes = []string{
		putDevice, deleteDevice, deleteDeviceCommands, deleteDeviceRecent, deleteDeviceHistory, putFollow, deleteFollow,
		putSeries, getSeries, putReading, moveHistory, moveLast, clearAllRecent,
		pruneDone, nextSeries, pruneCut, pruneHistory,
		putCommand, deleteCommand, putDamaged, clearRecord, clearLast, clearRecent,
	}
	reads = []string{
		getSeries, getReadings, getCommand, listCommands,
		loadDevices, loadLast, loadPending, loadFollows,
	}
)

// bad is a record that could not be read.
type bad struct {
	kind, id, content string
	reason            error
	// clear are the statements that take it out of the way: the row that key names.
	clear []string
	key   any
}

// Load is hub.Store's. Last values and pending commands of devices that it does not return are left out, and stay in the
// file for the case that the device announces itself again. What was set aside is reported once.
func (s *Store) Load(ctx context.Context) (hub.Memory, error) {
	m, found, err := s.load(ctx)
	if err == nil {
		err = s.setRecordsAside(ctx, found)
	}
	if err != nil {
		return hub.Memory{}, fmt.Errorf("loading the hub's memory: %w", damage(err))
	}
	s.mu.Lock()
	m.Damaged, s.damaged = s.damaged, nil
	s.mu.Unlock()
	for _, b := range found {
		m.Damaged = append(m.Damaged, fmt.Sprintf("%s %s: %v", b.kind, b.id, b.reason))
	}
	return m, nil
}

func (s *Store) load(ctx context.Context) (m hub.Memory, found []bad, err error) {
	tx, err := s.reader.BeginTx(ctx, nil)
	if err != nil {
		return m, nil, err
	}
	defer tx.Rollback() //nolint:errcheck // it only read

	known := map[string]bool{}
	err = s.each(ctx, tx, loadDevices, func(rows *sql.Rows) error {
		var id, text string
		if err := rows.Scan(&id, &text); err != nil {
			return err
		}
		r, err := decodeRecord(id, text)
		if err != nil {
			found = append(found, bad{"device", id, text, err, []string{clearRecord}, id})
			return nil
		}
		known[id] = true
		m.Devices = append(m.Devices, r)
		return nil
	})
	if err != nil {
		return m, nil, err
	}
	err = s.each(ctx, tx, loadLast, func(rows *sql.Rows) error {
		var p hub.Sample
		var seq, heard, kind int64
		var at sql.NullInt64
		var text string
		err := rows.Scan(&seq, &p.Device, &p.Component, &p.Property, &heard, &at, &kind, &text)
		if err != nil || !known[p.Device] {
			return err
		}
		p.At, p.Heard = moment(at), time.UnixMicro(heard).UTC()
		if p.Value, err = decode(kind, text); err != nil {
			found = append(found, bad{"last value of", p.Path.String(), text, err, []string{clearLast, clearRecent}, seq})
			return nil
		}
		m.Last = append(m.Last, p)
		return nil
	})
	if err != nil {
		return m, nil, err
	}
	err = s.each(ctx, tx, loadPending, func(rows *sql.Rows) error {
		c, text, err := scanCommand(rows)
		switch {
		case errors.Is(err, devices.ErrValue):
			found = append(found, bad{"command", c.ID, text, err, []string{deleteCommand}, c.ID})
		case err != nil:
			return err
		case known[c.Device]:
			m.Pending = append(m.Pending, c)
		}
		return nil
	})
	if err != nil {
		return m, nil, err
	}
	err = s.each(ctx, tx, loadFollows, func(rows *sql.Rows) error {
		var f hub.Follow
		err := rows.Scan(&f.From.Device, &f.From.Component, &f.From.Property, &f.To.Device, &f.To.Component, &f.To.Property)
		m.Follows = append(m.Follows, f)
		return err
	})
	return m, found, err
}

// each calls f for each row of a prepared query.
func (s *Store) each(ctx context.Context, tx *sql.Tx, query string, f func(*sql.Rows) error) error {
	rows, err := tx.StmtContext(ctx, s.reading[query]).QueryContext(ctx)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// setRecordsAside moves what could not be read into the table damaged, so that nothing is lost and nobody stumbles twice.
func (s *Store) setRecordsAside(ctx context.Context, found []bad) error {
	if len(found) == 0 {
		return nil
	}
	return s.write(ctx, true, func(t *transaction) error {
		for _, b := range found {
			s.log.Error("damaged record set aside", "kind", b.kind, "id", b.id, "error", b.reason)
			err := t.exec(putDamaged, b.kind, b.id, b.content, b.reason.Error(), time.Now().UnixMicro())
			if err != nil {
				return err
			}
			for _, query := range b.clear {
				if err := t.exec(query, b.key); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
