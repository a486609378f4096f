package devices

import "time"

// Presence says whether a device can be reached.
type Presence string

// The states of presence. Unknown is a device of which nothing has been heard in this life of the hub and whose
// convention has not told.
const (
	Unknown Presence = "unknown"
	Online  Presence = "online"
	Offline Presence = "offline"
	// Starting is a device that is connected and has said that it is not ready yet. What it is told waits until it is.
	Starting Presence = "starting"
	// Late is a device that has been silent for longer than it ever was, or than it promised to be. It may be there all
	// the same, and what it is told is sent.
	Late Presence = "late"
	// Asleep is a device that said that it is away on purpose and will come back by itself.
	Asleep Presence = "asleep"
)

// Reach is a device's presence, since when, and why, as one plain sentence part: "its will was published",
// "keep alive of 60 s passed without a sign of life".
type Reach struct {
	Presence Presence  `json:"presence"`
	Since    time.Time `json:"since"`
	Why      string    `json:"why,omitempty"`
}
