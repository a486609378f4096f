package hub

import (
	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// RootID is the ID of what stands above all devices in the export. No device gets it.
const RootID = "homehub"

// Exporter spells every device in one language for everybody who reads the topics: Homie 5 under the domain hub
// (devices/homie has it). It is pure. The hub publishes what it returns, retained where it says so, through an outbox that
// keeps only the newest message of each topic.
//
// Above all devices stands a root, RootID, which is the hub itself: when its state is lost, all of them are, whatever their own states
// say. A broker elsewhere says so when the hub's connection breaks off, by its will.
type Exporter interface {
	// Root returns all messages that make the root known: with the IDs of the devices below it, and whether the hub is there.
	Root(children []string, up bool) []broker.Message
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

// Announcer makes the devices known to other programs in their own way of announcing, on top of what the Exporter publishes: what it
// returns points to the Exporter's topics for values and wishes. devices/homeassistant has the one for Home Assistant. It is pure.
type Announcer interface {
	// Announce returns the retained messages by which those programs find the device; none when it is not for them, because it
	// announces itself to them or its family is left out. The hub clears what it returned before and does not return now.
	Announce(v View) []broker.Message
	// Whole returns the retained message that says in one all that a component reports, for programs that take it only so; ok is false
	// for a component of which they need none. Its topic lies under the Exporter's All. value is what a property of the component has
	// reported last, the zero Value if nothing. It is asked of devices that are announced, and again after each report.
	Whole(device string, c *devices.Component, value func(property string) devices.Value) (m broker.Message, ok bool)
	// Filters are the subscriptions under which all its announcements lie, and Owns says of a topic that matches one whether it
	// is one of them: then the hub takes it for its own, whoever published it, and no convention sees it.
	Filters() []broker.Subscription
	Owns(topic string) bool
	// Repeat says whether a message asks for all announcements once more, such as the other program's birth message. It may match none of
	// Filters: Births are the subscriptions for these.
	Repeat(m broker.Message) bool
	Births() []broker.Subscription
}
