package hub

import (
	"context"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// Store is the hub's memory between two lives of the program. One conformance suite, hub/storetest, holds for every
// implementation. All methods may be called by several goroutines at once; times are kept in UTC with at least
// millisecond resolution.
type Store interface {
	// Load returns everything that is needed to go on: all devices with their last values, all pending commands, all
	// follows. A record that cannot be read is set aside, named in Damaged, and does not stop the rest.
	Load(ctx context.Context) (Memory, error)

	// SaveDevice keeps a device's record, replacing the one with its ID. Its last values are untouched.
	SaveDevice(ctx context.Context, r Record) error
	// DeleteDevice forgets a device with its values, readings and commands; follows stay. An unknown ID is no error.
	DeleteDevice(ctx context.Context, id string) error

	// SaveReadings keeps the last value of each property and appends to the history, all in one transaction. Readings
	// of unknown devices are left out. The slice is the caller's again when it returns.
	SaveReadings(ctx context.Context, readings []Sample) error
	// History returns the readings of one property with from ≤ Heard < to, oldest first, at most limit of them (the
	// newest ones if there are more).
	History(ctx context.Context, path devices.Path, from, to time.Time, limit int) ([]devices.Reading, error)

	// SaveCommand keeps a command, replacing the one with its ID.
	SaveCommand(ctx context.Context, c devices.Command) error
	// Command returns a kept command, or an error that wraps ErrNotFound.
	Command(ctx context.Context, id string) (devices.Command, error)
	// Commands returns a device's newest commands, newest first, at most limit.
	Commands(ctx context.Context, device string, limit int) ([]devices.Command, error)

	// SaveFollow keeps a follow, DeleteFollow forgets it; an unknown one is no error.
	SaveFollow(ctx context.Context, f Follow) error
	DeleteFollow(ctx context.Context, f Follow) error

	// Prune forgets history and ended commands from before a time.
	Prune(ctx context.Context, before time.Time) error

	// Close flushes and closes. No other method may be called after it.
	Close() error
}

// Record is what the store keeps of one device.
type Record struct {
	Device devices.Device
	// Accounts are the conventions by which it is known, at least one.
	Accounts []Account
	// NameSet and RoomSet say that people chose the name or the room, so that no announcement changes it.
	NameSet, RoomSet bool
	// Reach is the presence that was last known.
	Reach devices.Reach
	// Joined is when the hub saw the device first.
	Joined time.Time
	// Rhythm is how often it speaks, as far as it is judged by that.
	Rhythm devices.Rhythm
}

// Account is what is kept of one convention's account of a device: its own key for the device, and the messages that announced it.
type Account struct {
	Convention, Key string
	Sources         []broker.Message
}

// Sample is one reading of one property.
type Sample struct {
	devices.Path
	devices.Reading
}

// Memory is all that a store brings back.
type Memory struct {
	Devices []Record
	Last    []Sample
	Pending []devices.Command
	Follows []Follow
	Damaged []string // for people: which records were set aside, and why
}

// Follow makes one property follow another: whatever From reports is wanted of To.
type Follow struct {
	From devices.Path
	To   devices.Path
}
