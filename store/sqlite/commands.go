package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

const (
	commandColumns = `id, device, component, property, datatype, value, status, reason, origin, created, sent, deadline, done`

	putCommand    = `INSERT OR REPLACE INTO commands (` + commandColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	getCommand    = `SELECT ` + commandColumns + ` FROM commands WHERE id = ?`
	listCommands  = `SELECT ` + commandColumns + ` FROM commands WHERE device = ? ORDER BY id DESC LIMIT ?`
	loadPending   = `SELECT ` + commandColumns + ` FROM commands WHERE done IS NULL ORDER BY id`
	deleteCommand = `DELETE FROM commands WHERE id = ?`
)

// SaveCommand is hub.Store's.
func (s *Store) SaveCommand(ctx context.Context, c devices.Command) error {
	err := s.write(ctx, false, func(t *transaction) error {
		return t.exec(putCommand, c.ID, c.Device, c.Component, c.Property, string(c.Value.Datatype()), c.Value.Encode(),
			string(c.Status), c.Reason, c.Origin, micro(c.Created), micro(c.SentAt), micro(c.Deadline), micro(c.Done))
	})
	if err != nil {
		return fmt.Errorf("saving command %s: %w", c.ID, err)
	}
	return nil
}

// Command is hub.Store's.
func (s *Store) Command(ctx context.Context, id string) (devices.Command, error) {
	c, _, err := scanCommand(s.reading[getCommand].QueryRowContext(ctx, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = hub.ErrNotFound
	}
	if err != nil {
		return devices.Command{}, fmt.Errorf("reading command %s: %w", id, err)
	}
	return c, nil
}

// Commands is hub.Store's.
func (s *Store) Commands(ctx context.Context, device string, limit int) ([]devices.Command, error) {
	list, err := s.commands(ctx, device, max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("reading commands of %s: %w", device, err)
	}
	return list, nil
}

func (s *Store) commands(ctx context.Context, device string, limit int) ([]devices.Command, error) {
	rows, err := s.reading[listCommands].QueryContext(ctx, device, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []devices.Command
	for rows.Next() {
		c, _, err := scanCommand(rows)
		if errors.Is(err, devices.ErrValue) {
			s.log.Warn("command left out of the list", "device", device, "command", c.ID, "error", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// scanCommand reads a row of commandColumns. When only the value cannot be read, the error wraps devices.ErrValue, the
// rest of the command is returned, and text is what is kept of the value.
func scanCommand(row interface{ Scan(to ...any) error }) (c devices.Command, text string, err error) {
	var datatype devices.Datatype
	var created, sent, deadline, done sql.NullInt64
	err = row.Scan(&c.ID, &c.Device, &c.Component, &c.Property, &datatype, &text, &c.Status, &c.Reason, &c.Origin,
		&created, &sent, &deadline, &done)
	if err != nil {
		return devices.Command{}, "", err
	}
	c.Created, c.SentAt, c.Deadline, c.Done = moment(created), moment(sent), moment(deadline), moment(done)
	c.Value, err = devices.DecodeValue(datatype, text)
	return c, text, err
}
