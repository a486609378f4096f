package devices

import "time"

// Status is where a command is on its way.
type Status string

// A command is waiting (its device is away) or sent; then it ends as one of the others. What cannot be confirmed (a button)
// ends as sent, with Done set.
const (
	Waiting    Status = "waiting"
	Sent       Status = "sent"
	Confirmed  Status = "confirmed"
	Refused    Status = "refused"
	Superseded Status = "superseded"
	Lapsed     Status = "lapsed"
)

// Command is a wish with a deadline: it says which value is wanted, so that sending it twice does no harm.
type Command struct {
	// ID is unique and sorts by the time of creation.
	ID     string `json:"id"`
	Device string `json:"device"`
	Ref
	Value  Value  `json:"value"`
	Status Status `json:"status"`
	// Reason says, for people, why the status is what it is: "the device is offline: …", "no report of 40 within 5 s". One that is
	// sent and has a reason takes longer than others.
	Reason string `json:"reason,omitempty"`
	// Origin is who wanted it: "api", "dashboard", "mqtt", "link motion-hall/motion/occupancy".
	Origin   string    `json:"origin"`
	Created  time.Time `json:"created"`
	SentAt   time.Time `json:"sent_at,omitzero"`
	Deadline time.Time `json:"deadline"`
	// Done is when it reached its last status; zero while it is pending.
	Done time.Time `json:"done,omitzero"`
}

// Pending says whether the command may still move.
func (c Command) Pending() bool { return c.Done.IsZero() }

// Patience is the default time from sending to confirmation of a device that listens, by the kind of component and the property:
// what moves or heats slowly gets more, and what says that it is on its way gets more again. One that sleeps has Device.Wakes beside.
func Patience(kind Kind, property string) time.Duration {
	switch {
	case kind == Cover, kind == Valve:
		return 60 * time.Second
	case kind == Lock, kind == Alarm, kind == Vacuum, kind == LawnMower:
		return 15 * time.Second
	case kind == Light && property == Effect, kind == Appliance:
		return 15 * time.Second
	case kind == Light, kind == Climate, kind == Fan, kind == WaterHeater, kind == Humidifier:
		return 10 * time.Second
	}
	return 5 * time.Second
}
