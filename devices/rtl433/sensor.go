package rtl433

import (
	"slices"
	"strings"
	"unicode/utf8"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/fields"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/devices/internal/rtldata"
	"home.arpa/homehub/hub"
)

const (
	maxHeard = 8 // receivers that are remembered for one sensor
	// sightings is in how many transmissions a sensor must be heard before it is taken for one.
	sightings = 2
	// maxFaults is how many faults are told of one message.
	maxFaults = 4
	maxTime   = 64 // bytes
	// keptPath is the member of what is kept that has the sensor's path.
	keptPath = "kept-path"
)

// sensor is a sensor, or what may be one.
type sensor struct {
	key      string
	path     string // in the topics of its fields
	identity rtldata.Identity
	fields   fields.Set
	heard    []string // the topics of the receivers that heard it; the first is the one that it is shown behind
	seen     int      // transmissions
	time     []byte   // of the last one
	// round are the fields of the transmission that comes in field by field.
	round     []string
	announced bool
}

// object takes a message with all fields of one transmission.
func (c *Convention) object(m broker.Message, p *parsed, u *hub.Update) {
	if p.err != nil || p.value.Kind() != jsontext.Object {
		u.Faults = append(u.Faults, hub.Fault{Topic: m.Topic, Reason: "expected a JSON object of rtl_433, got " + jsontext.Plain(m.Payload).Said()})
		return
	}
	var buf [160]byte
	path := rtldata.AppendKey(buf[:0], p.value)
	if len(path) == 0 {
		return // news of the receiver itself, such as its settings
	}
	if p.what == "kept" {
		if kept := p.value.Get(keptPath).Text(); kept != "" && len(kept) <= maxPath && utf8.ValidString(kept) {
			path = append(path[:0], kept...)
		}
	} else if r := c.receiver(p.receiver); r != nil {
		r.json = true
	}
	s := c.sensors[string(path)]
	if s == nil {
		if s = c.candidate(string(path)); s.identity.Model == "" {
			s.identity, _ = rtldata.Identify(p.value)
		}
	}
	s.hear(p.receiver)
	// The same transmission comes under events and under states, and from several receivers.
	if at := p.value.Get("time"); !at.Is() || at.JSON() != string(s.time) {
		s.seen++
		s.time = append(s.time[:0], jsontext.Clip(at.JSON(), maxTime)...)
	}
	grown := false
	for v := range p.value.Children() {
		if v.Key() != keptPath {
			grown = s.learn(v.Key(), v) || grown
		}
	}
	if p.what == "kept" {
		s.seen = sightings
	}
	if !c.accept(s, grown, u) {
		return
	}
	u.Readings = make([]hub.Reported, 0, s.fields.Len())
	for v := range p.value.Children() {
		s.report(m, v.Key(), v, u)
	}
}

// field takes one field of a transmission.
func (c *Convention) field(m broker.Message, p *parsed, u *hub.Update) {
	if r := c.receiver(p.receiver); r == nil || r.json {
		return
	}
	s := c.sensors[p.sensor]
	if s == nil {
		if s = c.candidate(strings.Clone(p.sensor)); s.identity.Model == "" {
			s.identity = fromPath(s.path)
		}
	}
	s.hear(p.receiver)
	switch {
	case len(s.round) == 0 || slices.Contains(s.round, p.field):
		s.seen++
		s.round = append(s.round[:0], strings.Clone(p.field))
	case len(s.round) < fields.Max:
		s.round = append(s.round, strings.Clone(p.field))
	}
	grown := s.learn(p.field, p.value)
	if c.accept(s, grown, u) {
		s.report(m, p.field, p.value, u)
	}
}

// fromPath reads the identity of a sensor in the topics of its fields: type, model, subtype, channel and ID, of which any but the
// model may be missing. That names more than one way to read a path; what is shown is the likeliest.
func fromPath(path string) rtldata.Identity {
	parts := strings.Split(path, "/")
	i := rtldata.Identity{Key: path}
	if len(parts) > 1 && parts[0] == "TPMS" {
		parts = parts[1:]
	}
	i.Model = jsontext.Clip(parts[0], 40)
	if parts = parts[1:]; len(parts) > 0 {
		i.ID = jsontext.Clip(parts[len(parts)-1], 40)
	}
	if len(parts) > 1 {
		i.Channel = jsontext.Clip(parts[len(parts)-2], 40)
	}
	return i
}

// candidate returns what may be a sensor, in whose favour the oldest candidate is given up if there are too many.
func (c *Convention) candidate(path string) *sensor {
	s := c.candidates[path]
	if s == nil {
		if len(c.waiting) >= maxCandidates {
			delete(c.candidates, c.waiting[0])
			c.waiting = slices.Delete(c.waiting, 0, 1)
		}
		s = &sensor{key: sensorKey + path, path: path}
		c.candidates[path] = s
		c.waiting = append(c.waiting, path)
	}
	return s
}

// sensorKey is in front of the keys of sensors, as "receiver/" is of those of receivers.
const sensorKey = "sensor/"

func (s *sensor) hear(receiver string) {
	if !slices.Contains(s.heard, receiver) && len(s.heard) < maxHeard {
		s.heard = append(s.heard, strings.Clone(receiver))
	}
}

// learn notes a field that is new. It says whether there is something more to announce.
func (s *sensor) learn(key string, v jsontext.Value) bool {
	if s.fields.Knows(key) || s.fields.Full() || !v.Is() {
		return false
	}
	meaning, ok := rtldata.Meaning(key, v)
	return ok && s.fields.Learn(key, meaning, v)
}

// accept announces a sensor that was heard often enough, and again when it has become more. It says whether the sensor is known.
func (c *Convention) accept(s *sensor, grown bool, u *hub.Update) bool {
	if s.seen < sightings || s.fields.Len() == 0 {
		return false
	}
	if s.announced && !grown {
		return true
	}
	if !s.announced {
		if len(c.sensors) >= maxSensors {
			return false
		}
		s.announced = true
		delete(c.candidates, s.path)
		c.waiting = slices.DeleteFunc(c.waiting, func(k string) bool { return k == s.path })
		c.sensors[s.path] = s
	}
	d := devices.Device{Name: s.identity.Name(), Identifiers: []string{Name + "/" + s.path}, Convention: Name, Components: s.fields.Components()}
	d.Manufacturer, d.Model = s.identity.Maker()
	d.Via = "receiver/" + s.heard[0]
	u.Devices = append(u.Devices, hub.Announced{Key: s.key, Device: d, Sources: []broker.Message{s.source()}, Silence: rtldata.Silence(&s.fields)})
	return true
}

// source is a message by which the sensor announces itself again: all its fields as they were first heard, under a topic of which
// nobody else knows.
func (s *sensor) source() broker.Message {
	var b strings.Builder
	b.WriteString(`{"model":` + jsontext.Quote(s.identity.Model))
	for _, x := range [][2]string{{"channel", s.identity.Channel}, {"id", s.identity.ID}, {keptPath, s.path}} {
		if x[1] != "" {
			b.WriteString("," + jsontext.Quote(x[0]) + ":" + jsontext.Quote(x[1]))
		}
	}
	s.fields.Samples(&b)
	b.WriteByte('}')
	return broker.Message{Topic: s.heard[0] + "/kept", Payload: []byte(b.String()), Retain: true}
}

// report tells what a field says.
func (s *sensor) report(m broker.Message, key string, v jsontext.Value, u *hub.Update) {
	ref, value, ok, err := s.fields.Read(key, v)
	switch {
	case err != nil && len(u.Faults) < maxFaults:
		u.Faults = append(u.Faults, hub.Fault{Key: s.key, Topic: m.Topic, Reason: err.Error()})
	case ok:
		if m.Retain && s.fields.Momentary(key) {
			return // what the broker kept of an event is none
		}
		u.Readings = append(u.Readings, hub.Reported{Key: s.key, Ref: ref, Value: value})
	}
}
