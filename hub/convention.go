package hub

import (
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// Convention turns messages into updates of the model and commands into messages. It does no I/O and never panics,
// whatever bytes it is given. It names devices by keys of its own; the hub gives them their IDs and merges what is one
// thing: devices of two conventions that have a Connection in common are one, see Announced.Native.
//
// Filters and Parse may be called by several goroutines at once. The other methods are called by the hub's goroutine
// only, and may keep what they have learnt (which topic feeds which property).
type Convention interface {
	// Name is a short lower-case word, such as "homie".
	Name() string

	// Filters are the subscriptions by which devices are found, wanted from the start.
	Filters() []broker.Subscription

	// Greet returns the messages that make devices say again what they are and how they are, none if they need not be
	// asked. They are published, never retained, a moment after each time the link has come up.
	Greet() []broker.Message

	// Parse looks at one message without knowing what was learnt: it does the expensive reading (JSON) and says what
	// must be subscribed before the publisher's next message. It is called in the publisher's goroutine. The message
	// need not concern the convention: then Parse returns the zero Parsed.
	Parse(m broker.Message) Parsed

	// Apply takes the message with what Parse made of it, in the order of arrival, and returns what it means. The message
	// may concern the convention only by what it has learnt, or not at all. What Parse made is applied once at most, and the
	// readings that are returned are read before the next Apply: a convention may use the memory of both again.
	Apply(m broker.Message, p Parsed) Update

	// Encode says which messages tell the device to take the value, in the device's own units and topics. An error
	// tells people why that cannot be. The value has passed Property.Check. The hub publishes them unretained, with QoS 1,
	// or with QoS 0 where the property is not confirmable: then they come at once or not at all. An empty list that is not nil says
	// that nothing has to be published, because the value goes with the commands that follow.
	Encode(key string, ref devices.Ref, v devices.Value) ([]broker.Message, error)

	// Forget drops what was learnt about a device: people removed it. The filters that are no longer needed are
	// returned.
	Forget(key string) (unneeded []string)

	// Topics are the filters of all that the device itself, and whoever announces it, may have left with the broker: its
	// announcements, states and presence, not its gateway's. What is retained there is cleared when people remove a device that
	// is gone. It is empty for an unknown key, and for what must not be cleared, since others live in it, too.
	Topics(key string) []string
}

// Parsed is what Parse found.
type Parsed struct {
	// Subscribe is what must be subscribed for the devices that this message announces.
	Subscribe []broker.Subscription
	// Content is for the convention's own Apply; nil when Parse had nothing to say.
	Content any
}

// Update is what one message means. All keys are the convention's own.
type Update struct {
	// Devices were announced, for the first time or again, whole: a component that is no longer there is gone. ID and
	// Room may be suggestions (Room from the announcement, ID empty or a wished slug); Via is a key or an identifier of
	// the gateway.
	Devices []Announced
	// Gone are the keys of devices that were removed by their own announcement.
	Gone []string
	// Readings are values that devices reported.
	Readings []Reported
	// Targets are values that devices said they have accepted and are on their way to (Homie's $target).
	Targets []Reported
	// Reaches is the news about presence. Only Presence and Why are used.
	Reaches []Reached
	// Faults are messages, or parts of them, that could not be understood.
	Faults []Fault
	// Refusals are commands that the device said it will not carry out.
	Refusals []Refusal
	// Subscribe is what must be subscribed for what this message taught, where only Apply could tell; Unsubscribe are
	// filters that are no longer needed. What is retained under a new filter is replayed a moment later.
	Subscribe   []broker.Subscription
	Unsubscribe []string
	// Ask are messages that make a device say what it is or how it is. They are published unretained, as those of Greet
	// are. A convention asks a bounded number of times for one answer.
	Ask []broker.Message
}

// empty says that the message means nothing to the convention.
func (u *Update) empty() bool {
	return len(u.Devices)+len(u.Gone)+len(u.Readings)+len(u.Targets)+len(u.Reaches)+len(u.Faults)+len(u.Refusals)+
		len(u.Subscribe)+len(u.Unsubscribe)+len(u.Ask) == 0
}

// Announced is one device as its announcement describes it.
type Announced struct {
	Key    string
	Device devices.Device
	// Sources are the messages that describe the device. The hub keeps them in its store and shows them to Parse and
	// Apply again when it starts, so that a device that announced itself unretained can still be steered.
	Sources []broker.Message
	// Availability says whether the convention tells presence itself (an availability topic, a $state); otherwise the
	// device counts as online when it is heard.
	Availability bool
	// Silence is the longest time for which the device keeps silent as long as it is well, where it says so or its family
	// is known for it; when that has passed, the device is late. Zero: the hub learns how often it speaks.
	Silence time.Duration
	// Sleeps: the device is only there for visits, and sleeps between them, whether it says so or not: when its session ends
	// it is asleep.
	Sleeps bool
	// Native is the name of the convention whose announcements say more about the same device, where this one knows that:
	// Home Assistant discovery by Zigbee2MQTT names zigbee2mqtt. As long as both describe it, nothing of this description is shown.
	// Where it is empty, components that the better description lacks are added to it. Which of two descriptions is the better one,
	// the order of the conventions in New says.
	Native string
}

// Refusal is a command that the device said it will not carry out: the newest one to the property that was sent, or to any
// property where Ref is empty.
type Refusal struct {
	Key string
	devices.Ref
	// Reason is what the device said, for people.
	Reason string
}

// Reported is one value of one property. Replayed says that it comes from a retained message which the broker replayed.
type Reported struct {
	Key string
	devices.Ref
	devices.Value
	Replayed bool
}

// Reached is news about one device's presence.
type Reached struct {
	Key string
	devices.Reach
}

// Fault is something that could not be understood.
type Fault struct {
	// Key is the device that it concerns, empty if none is known.
	Key string
	// Topic is where it came in, Reason says what is wrong with it, for people: what was expected where, and what was got.
	Topic, Reason string
}
