package devices

import "time"

// Event is something that happened to a device. The set is closed: Joined, Changed, Reported, PresenceChanged,
// CommandMoved, Left. The hub's feed numbers them.
type Event interface {
	// DeviceID is the device to which it happened.
	DeviceID() string
	event()
}

// Joined means that the hub sees the device for the first time.
type Joined struct{ Device Device }

// Changed means that its description is another now (name, room, firmware, components).
type Changed struct{ Device Device }

// Reported means that a property's value changed, or that a momentary one occurred. A repetition of what is known is no
// event, unless the property Repeats.
type Reported struct {
	Device string
	Ref
	Reading
	// Momentary is set for an event of the device's, such as a button's press, that leaves no state.
	Momentary bool
}

// PresenceChanged means that the device came or went.
type PresenceChanged struct {
	Device string
	Reach
}

// CommandMoved means that a command was created or reached another status.
type CommandMoved struct{ Command Command }

// Left means that the device was removed.
type Left struct {
	Device string
	At     time.Time
}

// DeviceID implements Event.
func (e Joined) DeviceID() string { return e.Device.ID }

// DeviceID implements Event.
func (e Changed) DeviceID() string { return e.Device.ID }

// DeviceID implements Event.
func (e Reported) DeviceID() string { return e.Device }

// DeviceID implements Event.
func (e PresenceChanged) DeviceID() string { return e.Device }

// DeviceID implements Event.
func (e CommandMoved) DeviceID() string { return e.Command.Device }

// DeviceID implements Event.
func (e Left) DeviceID() string { return e.Device }

func (Joined) event()          {}
func (Changed) event()         {}
func (Reported) event()        {}
func (PresenceChanged) event() {}
func (CommandMoved) event()    {}
func (Left) event()            {}
