package simulator

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator/physics"
)

// device is one simulated device: what happens inside it, how it talks, and what it has said last. Its connection is in
// line.go. A device behind a bridge has no voice: the bridge speaks for it.
type device struct {
	spec  DeviceSpec
	id    string
	thing physics.Thing
	parts []physics.Part
	voice voice
	told  []told // of all readable properties, in the order of parts
	line  *line
	off   bool // it has no power; guarded by Simulator.news
	woke  time.Time
}

// voice is how a device talks: one convention.
type voice interface {
	// will is what the broker says when the connection breaks.
	will() broker.Message
	// filters are what the device listens to.
	filters() []broker.Subscription
	// announce is all that a device says when it has connected.
	announce() []broker.Message
	// goodbye is what it says before it disconnects.
	goodbye() []broker.Message
	// report tells the values of some properties; whole says that it always tells all of them.
	report(changed []*physics.Property) []broker.Message
	whole() bool
	// hear takes a message to one of the filters.
	hear(m broker.Message) heard
}

// ticking is a voice that says something by the clock, beside what it reports: telemetry, logs.
type ticking interface {
	voice
	// tick is called after every step of the world; now is the model time.
	tick(now time.Time) []broker.Message
}

// sleepy is a voice that says something else than goodbye when the device goes to sleep.
type sleepy interface {
	voice
	goodnight() []broker.Message
}

// starting is a voice that has to know when the device starts: when it first connects, and after it was without power, asleep
// or told to restart. A connection that is lost and made again is no start.
type starting interface {
	voice
	start()
}

// booting is how long, in model time, a device takes to restart.
const booting = 4 * time.Second

// heard is what came of a message.
type heard struct {
	// said is what the device says at once, before it reports anything, and also when it refuses.
	said []broker.Message
	// touched are the properties that it was told to take a value, and took.
	touched []*physics.Property
	// again: everything is to be announced again, because a controller asked for it.
	again bool
	// restart: the device was told to restart. It says goodbye and is back after a few seconds.
	restart bool
	// refused says why it did nothing, for the log; empty otherwise.
	refused string
}

// told is what was reported of one property last, and when it is to be reported even if it has not changed.
type told struct {
	property *physics.Property
	value    physics.Value
	goal     physics.Value
	times    int
	at, next time.Time
	// phase spreads the reports of what does not change, so that a house does not report everything in one moment.
	phase time.Duration
}

// watch begins to look at the properties.
func (d *device) watch(now time.Time, rnd *rand.Rand) {
	for i := range d.parts {
		for j := range d.parts[i].Properties {
			p := &d.parts[i].Properties[j]
			if p.Read == nil {
				continue
			}
			t := told{property: p}
			if p.Times != nil {
				p.Every = 0 // an event is not repeated
			}
			if p.Every > 0 {
				t.phase = time.Duration(rnd.Int64N(int64(p.Every)))
			}
			t.tell(now, t.phase)
			d.told = append(d.told, t)
		}
	}
}

// tell counts the property as reported now; it is due again after some time.
func (t *told) tell(now time.Time, again time.Duration) {
	t.value, t.at, t.next = t.property.Read(), now, now.Add(again)
	if t.property.Goal != nil {
		t.goal = t.property.Goal()
	}
	if t.property.Times != nil {
		t.times = t.property.Times()
	}
}

func (t *told) due(now time.Time) bool {
	if t.property.Times != nil {
		return t.property.Times() != t.times
	}
	if t.property.Every > 0 && !now.Before(t.next) {
		return true
	}
	if t.property.Goal != nil && t.property.Goal() != t.goal {
		return true
	}
	v := t.property.Read()
	if v == t.value {
		return false
	}
	f, number := v.(float64)
	last, _ := t.value.(float64)
	if !number {
		return true
	}
	return math.Abs(f-last) >= t.property.Delta-1e-9 && now.Sub(t.at) >= t.property.Least ||
		t.property.Goal != nil && v == t.goal // it has arrived
}

// changed returns the properties that are to be reported now, and counts them as reported. What was touched is reported in
// any case. whole says that the report tells all properties, so that all count as reported.
func (d *device) changed(now time.Time, touched []*physics.Property, whole bool) []*physics.Property {
	var list []*physics.Property
	for i := range d.told {
		if t := &d.told[i]; t.due(now) || slices.Contains(touched, t.property) {
			list = append(list, t.property)
			t.tell(now, t.property.Every)
		}
	}
	if len(list) > 0 && whole {
		for i := range d.told {
			d.told[i].tell(now, d.told[i].property.Every)
		}
	}
	return list
}

// recount counts everything as reported.
func (d *device) recount(now time.Time) {
	for i := range d.told {
		d.told[i].tell(now, d.told[i].phase)
	}
}

// The device is the station of its own line.

func (d *device) will() broker.Message           { return d.voice.will() }
func (d *device) filters() []broker.Subscription { return d.voice.filters() }
func (d *device) goodbye() []broker.Message      { return d.voice.goodbye() }

// start notes that the device starts.
func (d *device) start() {
	if s, ok := d.voice.(starting); ok {
		s.start()
	}
}

// now is the model time, for what a voice says outside a step.
func (d *device) now() time.Time { return d.line.sim.world.Now }

func (d *device) announce(now time.Time) []broker.Message {
	d.recount(now)
	d.woke = now
	return d.voice.announce()
}

// awake is how long, in model time, a device that sleeps stays awake after it has connected.
const awake = 5 * time.Second

func (d *device) pass(now time.Time) []broker.Message {
	var out []broker.Message
	if changed := d.changed(now, nil, d.voice.whole()); len(changed) > 0 {
		out = d.voice.report(changed)
	}
	if t, ok := d.voice.(ticking); ok {
		out = append(out, t.tick(now)...)
	}
	if d.spec.Sleeps > 0 && now.Sub(d.woke) >= awake {
		words := d.voice.goodbye()
		if s, ok := d.voice.(sleepy); ok {
			words = s.goodnight()
		}
		d.line.leave(words, d.spec.Sleeps)
	}
	return out
}

func (d *device) hear(now time.Time, m broker.Message) (said []broker.Message, refused string) {
	h := d.voice.hear(m)
	switch {
	case h.refused != "":
		return h.said, h.refused
	case h.again:
		return d.announce(now), ""
	case h.restart:
		d.line.leave(d.voice.goodbye(), booting)
		return h.said, ""
	}
	return append(h.said, d.voice.report(d.changed(now, h.touched, d.voice.whole()))...), ""
}

func (d *device) find(part, property string) *physics.Property {
	return physics.Find(d.parts, part, property)
}
