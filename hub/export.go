package hub

import (
	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// Exporter spells every device in one language for everybody who reads the topics: Homie 5 under the domain hub
// (devices/homie has it). It is pure. The hub publishes what it returns, retained where it says so, through an outbox that
// keeps only the newest message of each topic.
type Exporter interface {
	// Describe returns all messages that make the device and its present state known, its $state included.
	Describe(v View) []broker.Message
	// Value returns the message for one reported value, Target the one for a value that was asked for and not yet
	// reached (the zero Value clears it), State the one for the device's presence.
	Value(id string, p devices.Property, ref devices.Ref, v devices.Value) []broker.Message
	Target(id string, p devices.Property, ref devices.Ref, v devices.Value) []broker.Message
	State(id string, r devices.Reach) []broker.Message

	// All is the filter under which everything that it ever publishes lies: hub/5/#.
	All() string
	// Commands is the filter for wishes: hub/5/+/+/+/set.
	Commands() string
	// Wish reads a message to a Commands topic; ok is false when it is none.
	Wish(m broker.Message) (path devices.Path, text string, ok bool)
	// Parse reads a wish's text as a value of the property, the way Homie spells values and the way people type them.
	Parse(p devices.Property, text string) (devices.Value, error)
}
