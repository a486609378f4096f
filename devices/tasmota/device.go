package tasmota

import (
	"fmt"
	"slices"
	"strconv"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// maxTaught is how many messages are kept because they taught something about a device that its announcement does not say.
const maxTaught = 64

// maxAnswers is how many topics there are in which a device says what it is.
const maxAnswers = 16

// device is what is known of one device.
type device struct {
	key, mac string
	setup
	topics branches
	// announced: by its own discovery message. Otherwise it was found by its topics, and what it can do is read from its
	// answers and reports.
	announced bool
	traits    traits
	sensors   branch
	beside    surroundings
	extras    extras

	founding []broker.Message // by what it was found, if not by its announcement
	said     []broker.Message // what it said it is, by topic
	taught   []broker.Message // what else it was learnt from, in order
	full     bool             // so much was learnt that nothing more is

	built    devices.Device
	writers  map[devices.Ref]writer
	powers   map[int]devices.Ref // by the number of the relay
	lights   []*light
	fading   fading
	covers   map[int]*cover
	fanRef   string
	fanLast  int // the speed that it had when it was last on
	switches map[string]*toggle
	buttons  map[int]string // components by number

	bases, filters       []string // what is its own
	presence             devices.Presence
	why                  string
	asking               asking
	wondered             int  // how often it was asked what it is
	introduced, answered bool // it answered STATUS, and the last part of STATUS 0
	pace                 pace
	first                struct{ told, on bool } // what the first relay said last
	readings             []hub.Reported          // memory of the last message's, for the next
	sent                 map[string]devices.Ref  // the commands that it was given, by their names in capitals
	foreign              bool                    // a JSON message could not be read, which was said
}

// writer makes the messages of a command.
type writer func(devices.Value) ([]broker.Message, error)

// asking is a question that waits for its answer.
type asking struct {
	open  bool
	tries int
}

// again says whether the question is to be put again: the device may have been too busy, or not yet subscribed.
func (a *asking) again() bool {
	if !a.open || a.tries >= 3 {
		return false
	}
	a.tries++
	return true
}

// builder puts a device's components together.
type builder struct {
	*device
	components map[string]*devices.Component
}

// rebuild makes the components of what is known, and says whether people would see a difference.
func (d *device) rebuild() (changed bool) {
	b := builder{device: d, components: map[string]*devices.Component{}}
	d.writers = map[devices.Ref]writer{}
	d.powers, d.lights, d.covers = map[int]devices.Ref{}, nil, map[int]*cover{}
	d.switches, d.buttons, d.fanRef = map[string]*toggle{}, map[int]string{}, ""
	b.covers()
	b.lights()
	b.relays()
	b.fan()
	b.inputs()
	b.status()
	b.occurrences()
	b.measure()
	out := d.describe(d.mac, d.topics.name())
	for _, c := range b.components {
		if len(c.Properties) > 0 {
			out.Components = append(out.Components, *c)
		}
	}
	out.Sort()
	changed = !out.Equal(d.built)
	d.built = out
	return changed
}

// component returns the component with the ID, and makes it if it is not there.
func (b *builder) component(id string, kind devices.Kind, name string) *devices.Component {
	c := b.components[id]
	if c == nil {
		c = &devices.Component{ID: id, Kind: kind, Name: name}
		b.components[id] = c
	}
	return c
}

// add puts a property into a component. Without a writer it can only be read.
func (b *builder) add(c *devices.Component, p devices.Property, w writer) devices.Ref {
	ref := devices.Ref{Component: c.ID, Property: p.ID}
	if w != nil {
		p.Settable = true
		b.writers[ref] = w
	}
	c.Properties = append(c.Properties, p)
	return ref
}

// command is one command to the device.
func (d *device) command(name, payload string) broker.Message {
	return broker.Message{Topic: d.topics.cmnd + name, Payload: []byte(payload)}
}

// power switches a relay. The firmware takes these words whatever the device's own words for its states are.
func (d *device) power(n int, on bool) broker.Message {
	payload := "OFF"
	if on {
		payload = "ON"
	}
	return d.command("POWER"+strconv.Itoa(n), payload)
}

// single makes a writer of a function that gives one message.
func single(f func(devices.Value) broker.Message) writer {
	return func(v devices.Value) ([]broker.Message, error) { return []broker.Message{f(v)}, nil }
}

// press makes a writer for an act.
func press(m broker.Message) writer {
	return func(v devices.Value) ([]broker.Message, error) {
		if !v.Bool() {
			return nil, fmt.Errorf("%w: it takes true only", devices.ErrValue)
		}
		return []broker.Message{m}, nil
	}
}

// suffixed is a component's ID: with a number if there are several of the kind.
func suffixed(id string, n, count int) string {
	if count < 2 {
		return id
	}
	return id + "-" + strconv.Itoa(n)
}

// relays are those that are nothing but relays, and lights without any more to them.
func (b *builder) relays() {
	var plain, lamps []int
	for n := 1; n <= len(b.setup.relays); n++ {
		switch {
		case b.powers[n] != (devices.Ref{}):
		case b.relay(n) == lightRelay, b.relay(n) == plainRelay && b.options.lights:
			lamps = append(lamps, n)
		case b.relay(n) == plainRelay:
			plain = append(plain, n)
		}
	}
	add := func(id string, kind devices.Kind, list []int) {
		for _, n := range list {
			name := suffixed(id, n, len(list))
			if b.components[name] != nil {
				name = id + "-relay-" + strconv.Itoa(n)
			}
			c := b.component(name, kind, b.named(n))
			b.powers[n] = b.add(c, devices.Property{ID: devices.On, Datatype: devices.Bool, Readable: true},
				single(func(v devices.Value) broker.Message { return b.device.power(n, v.Bool()) }))
		}
	}
	add("relay", devices.Switch, plain)
	add("light", devices.Light, lamps)
}

// announce is the device for the hub.
func (d *device) announce() hub.Announced {
	return hub.Announced{
		Key: d.key, Device: d.built.Clone(), Sources: slices.Concat(d.founding, d.said, d.taught), Availability: true,
		Silence: d.silence(), Sleeps: d.sleeper,
	}
}

// keep keeps a message in which the device says what it is; a newer one takes the place of the older.
func (d *device) keep(m broker.Message) {
	m = kept(m)
	for _, list := range [][]broker.Message{d.founding, d.said} {
		if i := slices.IndexFunc(list, func(old broker.Message) bool { return old.Topic == m.Topic }); i >= 0 {
			list[i] = m // what the hub was given is a copy
			return
		}
	}
	if len(d.said) < maxAnswers {
		d.said = append(d.said, m)
	}
}

// without is the list without the messages of a topic.
func without(list []broker.Message, topic string) []broker.Message {
	return slices.DeleteFunc(slices.Clone(list), func(m broker.Message) bool { return m.Topic == topic })
}

// teach keeps a message from which something was learnt.
func (d *device) teach(m broker.Message) {
	d.taught = append(d.taught, kept(m))
	size := 0
	for _, old := range d.taught {
		size += len(old.Payload)
	}
	d.full = len(d.taught) >= maxTaught || size >= maxLearnt
}

// kept is a message as the hub may keep it.
func kept(m broker.Message) broker.Message {
	return broker.Message{Topic: m.Topic, Payload: m.Payload, Retain: true}
}

// bound is a property's limit.
func bound(f float64) *float64 { return &f }
