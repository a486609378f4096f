package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

const (
	putDevice = `INSERT INTO devices (id, record) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record`

	// deleteDevice takes its series and last values with it.
	deleteDevice         = `DELETE FROM devices WHERE id = ?`
	deleteDeviceCommands = `DELETE FROM commands WHERE device = ?`
	deleteDeviceRecent   = `DELETE FROM recent WHERE series IN (SELECT id FROM series WHERE device = ?)`
	deleteDeviceHistory  = `DELETE FROM history WHERE series IN (SELECT id FROM series WHERE device = ?)`

	putFollow = `INSERT OR IGNORE INTO follows
		(from_device, from_component, from_property, to_device, to_component, to_property) VALUES (?, ?, ?, ?, ?, ?)`
	deleteFollow = `DELETE FROM follows WHERE from_device = ? AND from_component = ? AND from_property = ?
		AND to_device = ? AND to_component = ? AND to_property = ?`
)

// kept is the JSON of a device's record. Fields are only ever added.
type kept struct {
	Device   devices.Device `json:"device"`
	Accounts []account      `json:"accounts,omitempty"`
	NameSet  bool           `json:"name_set,omitempty"`
	RoomSet  bool           `json:"room_set,omitempty"`
	Reach    devices.Reach  `json:"reach"`
	Joined   time.Time      `json:"joined"`
	Rhythm   devices.Rhythm `json:"rhythm,omitzero"`
}

// account is a hub.Account in JSON.
type account struct {
	Convention string         `json:"convention"`
	Key        string         `json:"key"`
	Sources    []announcement `json:"sources,omitempty"`
}

// announcement is a broker.Message in JSON; its payload is base64 there.
type announcement struct {
	Topic   string `json:"topic"`
	Payload []byte `json:"payload,omitempty"`
	QoS     byte   `json:"qos,omitempty"`
	Retain  bool   `json:"retain,omitempty"`
	Client  string `json:"client,omitempty"`
}

func encodeRecord(r hub.Record) (string, error) {
	k := kept{Device: r.Device, NameSet: r.NameSet, RoomSet: r.RoomSet, Reach: r.Reach, Joined: r.Joined.UTC(), Rhythm: r.Rhythm}
	k.Reach.Since = k.Reach.Since.UTC()
	for _, a := range r.Accounts {
		x := account{Convention: a.Convention, Key: a.Key}
		for _, m := range a.Sources {
			x.Sources = append(x.Sources, announcement{m.Topic, m.Payload, m.QoS, m.Retain, m.Client})
		}
		k.Accounts = append(k.Accounts, x)
	}
	text, err := json.Marshal(k)
	return string(text), err
}

func decodeRecord(id, text string) (hub.Record, error) {
	var k kept
	if err := json.Unmarshal([]byte(text), &k); err != nil {
		return hub.Record{}, err
	}
	if k.Device.ID != id {
		return hub.Record{}, fmt.Errorf("it is about %q", k.Device.ID)
	}
	r := hub.Record{Device: k.Device, NameSet: k.NameSet, RoomSet: k.RoomSet, Reach: k.Reach, Joined: k.Joined, Rhythm: k.Rhythm}
	for _, a := range k.Accounts {
		x := hub.Account{Convention: a.Convention, Key: a.Key}
		for _, m := range a.Sources {
			x.Sources = append(x.Sources, broker.Message{Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: m.Retain, Client: m.Client})
		}
		r.Accounts = append(r.Accounts, x)
	}
	return r, nil
}

// SaveDevice is hub.Store's.
func (s *Store) SaveDevice(ctx context.Context, r hub.Record) error {
	text, err := encodeRecord(r)
	if err == nil {
		err = s.write(ctx, false, func(t *transaction) error { return t.exec(putDevice, r.Device.ID, text) })
	}
	if err != nil {
		return fmt.Errorf("saving device %s: %w", r.Device.ID, err)
	}
	return nil
}

// DeleteDevice is hub.Store's.
func (s *Store) DeleteDevice(ctx context.Context, id string) error {
	err := s.write(ctx, true, func(t *transaction) error {
		for _, query := range []string{deleteDeviceCommands, deleteDeviceRecent, deleteDeviceHistory, deleteDevice} {
			if err := t.exec(query, id); err != nil {
				return err
			}
		}
		t.committed = append(t.committed, func() {
			for path := range s.series {
				if path.Device == id {
					delete(s.series, path)
				}
			}
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("deleting device %s: %w", id, err)
	}
	return nil
}

// SaveFollow is hub.Store's.
func (s *Store) SaveFollow(ctx context.Context, f hub.Follow) error {
	return s.follow(ctx, "saving", putFollow, f)
}

// DeleteFollow is hub.Store's.
func (s *Store) DeleteFollow(ctx context.Context, f hub.Follow) error {
	return s.follow(ctx, "deleting", deleteFollow, f)
}

func (s *Store) follow(ctx context.Context, what, query string, f hub.Follow) error {
	err := s.write(ctx, true, func(t *transaction) error {
		return t.exec(query, f.From.Device, f.From.Component, f.From.Property, f.To.Device, f.To.Component, f.To.Property)
	})
	if err != nil {
		return fmt.Errorf("%s follow of %s by %s: %w", what, f.From, f.To, err)
	}
	return nil
}
