package hub

import (
	"context"
	"errors"
	"time"

	"home.arpa/homehub/devices"
)

// Errors that callers decide by; what Hub's methods return wraps them and says more.
var (
	// ErrNotFound: there is no such device, component, property, command or follow.
	ErrNotFound = errors.New("not found")
	// ErrConflict: it cannot be done in the present state, such as a follow that would make a loop.
	ErrConflict = errors.New("conflict")
	// ErrStopped: the hub is stopping or not yet running.
	ErrStopped = errors.New("the hub is not running")
)

// View is a copy of a twin at one moment: all that the hub knows of one device.
type View struct {
	devices.Device
	// Conventions are the names of all conventions that describe the device, the one whose description is shown first.
	Conventions []string      `json:"conventions"`
	Reach       devices.Reach `json:"reach"`
	// Joined is when the hub saw the device first; LastSeen is when anything was last heard from it, zero if never.
	Joined   time.Time `json:"joined"`
	LastSeen time.Time `json:"last_seen,omitzero"`
	// Reported is the last reading of each property that has one, keyed by component/property.
	Reported map[string]devices.Reading `json:"reported"`
	// Targets are what the device says it is on its way to.
	Targets map[string]devices.Value `json:"targets,omitempty"`
	// Pending are the commands that may still move, oldest first.
	Pending []devices.Command `json:"pending,omitempty"`
	// Expired are the properties, as component/property, whose last reading says nothing any more: the device promised another
	// one that has not come.
	Expired []string `json:"expired,omitempty"`
	// Faults counts the messages of this device that could not be understood; LastFaults are the newest different ones, newest
	// first.
	Faults     int         `json:"faults,omitempty"`
	LastFaults []FaultNote `json:"last_faults,omitempty"`
}

// FaultNote is a message that could not be understood, when it last came, and how often.
type FaultNote struct {
	Topic  string    `json:"topic"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Count  int       `json:"count"`
	// Sample is the beginning of the last one's payload, with what cannot be printed replaced.
	Sample string `json:"sample,omitempty"`
}

// Overview is the hub's state at one moment.
type Overview struct {
	Started  time.Time `json:"started"`
	LinkUp   bool      `json:"link_up"`
	LinkNote string    `json:"link_note"` // to or from what, and why
	Devices  int       `json:"devices"`
	Online   int       `json:"online"`
	Offline  int       `json:"offline"`
	Asleep   int       `json:"asleep"`
	Late     int       `json:"late"`
	Starting int       `json:"starting"`
	Pending  int       `json:"pending_commands"`
	Messages uint64    `json:"messages"` // handled since the start
	Faults   uint64    `json:"faults"`
	// Unclaimed are the newest different faults that belong to no known device, newest first.
	Unclaimed []FaultNote `json:"unclaimed_faults,omitempty"`
	// Epoch and LastEvent are the feed's epoch and the number of its newest event, for a client that starts from a
	// snapshot: take the Overview, then the snapshot, then Watch from here, and nothing is missed.
	Epoch     string `json:"epoch"`
	LastEvent uint64 `json:"last_event"`
}

// Request asks for one property to take a value.
type Request struct {
	devices.Path
	Value devices.Value
	// Origin as in devices.Command.
	Origin string
	// Patience is how long to wait for the confirmation, from 1 s to 24 h; zero means devices.Patience and, of a device that sleeps
	// behind a gateway, devices.Device.Wakes beside. A device that is away is waited for Await (at most MaxAwait), counted from
	// now; zero means 1 h, or for a device that sleeps as long as it may keep silent, a day where that is not known.
	Patience, Await time.Duration
}

// Numbered is an event of the feed. Numbers rise by one, from 1, and start anew with the program; Epoch names the life of
// the program, so that a client that resumes can tell.
type Numbered struct {
	Epoch string
	ID    uint64
	At    time.Time
	Event devices.Event
}

// API is what the pages, the commands and the tests use of a hub; *Hub has these methods. It is written down in one place
// as the list of what may be relied on.
type API interface {
	// Overview and Devices are snapshots; Devices is sorted by room, name, ID. Device returns ErrNotFound for an
	// unknown ID.
	Overview() Overview
	Devices() []View
	Device(id string) (View, error)

	// Edit changes a device's name or room (nil: leave it), and returns when the store has it. A name is 1-80 characters, a room 0-80; else
	// devices.ErrValue.
	Edit(ctx context.Context, id string, name, room *string) (View, error)
	// Remove forgets a device and the follows from and to it (but for those of the configuration), and returns when the store has
	// forgotten them. It comes back as a new one when it announces itself again. With
	// clearing, what the broker retains in its name is cleared, too, as Leftovers lists it, which is returned.
	Remove(ctx context.Context, id string, clearing bool) ([]Leftover, error)
	// Leftovers lists what the broker retains in a device's own topics, sorted by topic.
	Leftovers(ctx context.Context, id string) ([]Leftover, error)

	// Send checks a request, keeps it as a command and sees to it. It returns as soon as the command is kept:
	// devices.ErrValue when the value may not be set, ErrNotFound, ErrStopped.
	Send(ctx context.Context, r Request) (devices.Command, error)
	// Command returns a command as it is now, pending or ended.
	Command(ctx context.Context, id string) (devices.Command, error)
	// Commands returns a device's newest commands, newest first.
	Commands(ctx context.Context, device string, limit int) ([]devices.Command, error)
	// Wait returns the command when it has ended, or as it is when ctx ends (with ctx's error).
	Wait(ctx context.Context, id string) (devices.Command, error)
	// History is the store's.
	History(ctx context.Context, path devices.Path, from, to time.Time, limit int) ([]devices.Reading, error)

	// Watch calls visit for each event after the number `after` of this epoch, in order, until ctx ends or visit
	// returns an error, which it returns. Events that are no longer kept, another epoch, or a reader that fell too far
	// behind end it with ErrGap: start again from a snapshot. With after == Newest it begins with the next event. When
	// the hub has stopped it ends with ErrStopped, as Wait does.
	Watch(ctx context.Context, epoch string, after uint64, visit func(Numbered) error) error

	// Follows lists what follows what; Follow adds (ErrNotFound when a property of a known device does not exist,
	// ErrConflict for a loop or the 1001st, devices.ErrValue for types that do not fit), Unfollow removes. Both return when the store
	// has it.
	Follows() []Follow
	Follow(ctx context.Context, f Follow) error
	Unfollow(ctx context.Context, f Follow) error
}

// Newest begins a Watch with the next event.
const Newest = ^uint64(0)

// ErrGap means that events are missing between what the reader has and what the feed can give.
var ErrGap = errors.New("events are missing; start again from a snapshot")
