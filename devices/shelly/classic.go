package shelly

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/address"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

const (
	classicPrefix   = "shellies/"
	classicKey      = "gen1/" // in front of the ids of the first generation, in keys
	maxFeatures     = 150     // of one device
	maxTopics       = 50_000  // of all
	maxClassicBytes = 32 << 10
)

// classic is one device of the first generation. What it can do is learnt from the topics that it publishes.
type classic struct {
	id       string
	announce broker.Message // the last one
	model    classicModel
	fields   announcement

	features map[string]bool
	sources  []broker.Message // one for each topic that told of features

	device  devices.Device
	writers map[devices.Ref]func(v devices.Value) broker.Message
	told    bool
	counts  map[string]string // the last event of each button
	said    devices.Presence
	cover   map[string]*roller
	color   map[string]bool // the lights that are in color mode
	fades   map[string]int  // how long the changes of a light are to take, in milliseconds: it goes with each command
}

// roller is what a cover said last.
type roller struct{ moves, pos string }

// announcement is what a device says of itself.
type announcement struct{ model, mac, firmware, mode string }

// classicTopic is what was learnt of one topic.
type classicTopic struct {
	device *classic
	rest   string
	shape  shape
}

// knownClassic says whether a prefix is that of a device of the first generation.
func (c *Convention) knownClassic(prefix string) bool {
	id, ok := strings.CutPrefix(prefix, classicPrefix)
	return ok && c.classic[id] != nil
}

// plain takes a message of the first generation.
func (c *Convention) plain(m broker.Message, f *frame, u *hub.Update) {
	if m.Topic == "shellies/announce" {
		c.announced(m, f.doc.Get("id").Text(), f, u)
		return
	}
	if id, ok := strings.CutSuffix(m.Topic[len(classicPrefix):], "/announce"); ok {
		c.announced(m, id, f, u)
		return
	}
	t := c.topics[m.Topic]
	if t == nil {
		if t = c.topicOf(m.Topic); t == nil {
			return
		}
	}
	d := t.device
	if t.rest == "online" {
		d.online(m, u)
		return
	}
	value := input{text: strings.TrimSpace(string(m.Payload)), doc: f.doc}
	if strings.HasSuffix(m.Topic, "status") || t.rest == "info" {
		if f.bad != nil || !f.doc.Is() {
			d.fault(m, t.rest, fmt.Sprintf("expected JSON, got %q", jsontext.Clip(value.text, 60)), u)
			return
		}
	}
	found, faults := t.shape.read(d, value)
	if d.learn(m, found) {
		d.rebuild()
		d.tell(u)
	}
	for _, reason := range faults {
		d.fault(m, t.rest, reason, u)
	}
	if !d.told {
		return
	}
	if !m.Retain && d.said != devices.Online {
		d.reach(u, devices.Online, "it spoke")
	}
	for _, r := range found {
		if r.value.IsZero() || !d.features[r.feature] || r.momentary && (m.Retain || !d.pressed(t.rest, value)) {
			continue
		}
		u.Readings = append(u.Readings, hub.Reported{
			Key: classicKey + d.id, Ref: devices.Ref{Component: r.component, Property: r.property}, Value: r.value, Replayed: m.Retain,
		})
	}
}

// topicOf finds out which device a topic is of. An id may have slashes in it, so the rest of the topic decides: it must be one
// that devices have. What many things have, such as a status, is one of a device that is known, or of none; and below a known
// device there is no other.
func (c *Convention) topicOf(topic string) *classicTopic {
	rest, owned := topic[len(classicPrefix):], false
	for at := strings.IndexByte(rest, '/'); at >= 0; {
		id, tail := rest[:at], rest[at+1:]
		s, ok := shapeOf(tail)
		d := c.classic[id]
		owned = owned || d != nil
		if ok && (d != nil || !owned && tail != "online" && tail != "info" && tail != "status") {
			if d == nil {
				if d = c.meetClassic(id); d == nil {
					return nil
				}
			}
			t := &classicTopic{device: d, rest: strings.Clone(tail), shape: s}
			if len(c.topics) < maxTopics {
				c.topics[strings.Clone(topic)] = t
			}
			return t
		}
		next := strings.IndexByte(tail, '/')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return nil
}

func (c *Convention) meetClassic(id string) *classic {
	if d := c.classic[id]; d != nil {
		return d
	}
	if len(c.classic) >= maxDevices || id == "" || len(id) > maxName || devices.Slug(id) == "" ||
		broker.ValidTopic(classicPrefix+id) != nil || c.prefixes[classicPrefix+id] != nil {
		return nil
	}
	d := &classic{
		id: strings.Clone(id), features: map[string]bool{}, counts: map[string]string{}, cover: map[string]*roller{}, color: map[string]bool{},
		fades: map[string]int{},
	}
	c.classic[d.id] = d
	return d
}

// announced takes a device's announcement.
func (c *Convention) announced(m broker.Message, id string, f *frame, u *hub.Update) {
	v := f.doc
	if f.bad != nil || v.Kind() != jsontext.Object || id == "" {
		if f.bad == nil {
			f.bad = fmt.Errorf("it does not say which device it is of")
		}
		u.Faults = append(u.Faults, hub.Fault{Topic: m.Topic, Reason: fmt.Sprintf("%v: %q", f.bad, jsontext.Clip(string(m.Payload), 60))})
		return
	}
	if younger(v) { // its prefix may be another one, where it announces itself, too
		prefix, own := strings.CutSuffix(m.Topic, "/announce")
		if !own || prefix+"/" == classicPrefix {
			prefix = id
		}
		if c.modern[strings.ToLower(first(v.Get("id")))] == nil && c.prefixes[prefix] == nil && goodPrefix(prefix) {
			c.suspect(prefix, u)
		}
		return
	}
	d := c.meetClassic(id)
	if d == nil || len(m.Payload) > maxClassicBytes/4 {
		return
	}
	if d.told && string(d.announce.Payload) == string(m.Payload) && d.announce.Topic == m.Topic {
		return
	}
	d.announce = broker.Message{Topic: m.Topic, Payload: m.Payload}
	d.fields = announcement{first(v.Get("model")), first(v.Get("mac")), first(v.Get("fw_ver")), first(v.Get("mode"))}
	d.rebuild()
	d.tell(u)
}

// younger says whether an announcement is that of a device of the second generation or a later one.
func younger(v jsontext.Value) bool {
	gen, ok := v.Get("gen").Number()
	return ok && gen >= 2
}

// learn notes what a message told of, and says whether it was something new.
func (d *classic) learn(m broker.Message, found []found) (more bool) {
	for _, f := range found {
		if !d.features[f.feature] && len(d.features) < maxFeatures {
			d.features[f.feature] = true
			more = true
		}
	}
	if !more {
		return false
	}
	size := len(m.Payload)
	for _, s := range d.sources {
		size += len(s.Payload)
	}
	if size <= maxClassicBytes {
		d.sources = append(d.sources, broker.Message{Topic: m.Topic, Payload: m.Payload})
	}
	return true
}

// rebuild makes the device of its announcement and its features.
func (d *classic) rebuild() {
	d.model = modelOf(d.fields.model, d.id)
	family, serial, _ := strings.Cut(d.id, "-")
	isDefault := strings.HasPrefix(strings.ToLower(family), "shelly") && len(serial) >= 6 && strings.Trim(serial, "0123456789abcdefABCDEF") == ""
	v := devices.Device{
		ID: devices.Slug(d.id), Name: d.id, Convention: Name, Manufacturer: manufacturer, Model: d.model.name,
		Identifiers: []string{d.id},
	}
	if isDefault && d.model.name != "" {
		v.Name = d.model.name + " " + strings.ToUpper(serial[len(serial)-6:])
	}
	if d.fields.model != "" {
		v.Model = strings.TrimSpace(v.Model + " (" + d.fields.model + ")")
	}
	v.Firmware = versionOf(d.fields.firmware)
	mac := address.MAC(d.fields.mac)
	if mac == "" && isDefault {
		mac = address.MAC(serial)
	}
	if mac != "" {
		v.Connections = []devices.Connection{{Kind: "mac", Value: mac}}
	}
	b := &classicBuild{classic: d, device: &v, writers: map[devices.Ref]func(v devices.Value) broker.Message{}}
	features := make([]string, 0, len(d.features))
	for f := range d.features {
		features = append(features, f)
	}
	slices.Sort(features)
	for _, f := range features {
		b.feature(f)
	}
	v.Sort()
	d.device, d.writers = v, b.writers
}

func (d *classic) tell(u *hub.Update) {
	announce := d.announce
	if announce.Topic == "" { // its topics alone do not say whose they are, if another's id is the beginning of its own
		announce = broker.Message{Topic: classicPrefix + d.id + "/announce", Payload: []byte(`{"id":` + jsontext.Quote(d.id) + `}`)}
	}
	sources := append([]broker.Message{announce}, d.sources...)
	firstTime := !d.told
	d.told = true
	u.Devices = append(u.Devices, hub.Announced{
		Key: classicKey + d.id, Device: d.device.Clone(), Sources: sources, Availability: true, Sleeps: d.sleeps(),
	})
	if firstTime && d.said != "" {
		d.reach(u, d.said, "it said so when it connected")
	}
}

func (d *classic) online(m broker.Message, u *hub.Update) {
	switch string(m.Payload) {
	case "true":
		if !m.Retain { // what was kept is old
			d.reach(u, devices.Online, m.Topic+" says true")
		}
	case "false":
		if d.sleeps() {
			d.reach(u, devices.Asleep, "it sleeps between its reports")
		} else {
			d.reach(u, devices.Offline, m.Topic+" says false")
		}
	default:
		d.fault(m, "online", fmt.Sprintf("expected true or false, got %q", jsontext.Clip(string(m.Payload), 60)), u)
	}
}

func (d *classic) reach(u *hub.Update, p devices.Presence, why string) {
	if d.said = p; d.told {
		u.Reaches = append(u.Reaches, hub.Reached{Key: classicKey + d.id, Reach: devices.Reach{Presence: p, Why: why}})
	}
}

// sleeps says whether the device is one of those that sleep most of the time. Of an unknown model those do that have a battery
// and nothing that they could switch.
func (d *classic) sleeps() bool {
	if d.model.name != "" {
		return d.model.sleeps
	}
	return d.features["sensor/battery"] && len(d.writers) == 0
}

// pressed says whether a button's message is a press: devices repeat the last one with each report.
func (d *classic) pressed(rest string, in input) bool {
	mark := in.doc.Get("event").Text() + in.doc.Get("event_cnt").Said()
	last, known := d.counts[rest]
	d.counts[rest] = jsontext.Clip(mark, 60)
	return known && last != mark || !known && d.model.button
}

func (d *classic) fault(m broker.Message, rest, reason string, u *hub.Update) {
	key := ""
	if d.told {
		key = classicKey + d.id
	}
	u.Faults = append(u.Faults, hub.Fault{Key: key, Topic: m.Topic, Reason: rest + ": " + reason})
}

func (d *classic) encode(ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	write := d.writers[ref]
	if write == nil {
		return nil, fmt.Errorf("steering %s: its %s cannot be set", d.id, ref)
	}
	if m := write(v); m.Topic != "" {
		return []broker.Message{m}, nil
	}
	return []broker.Message{}, nil
}

// publish is a message below the device's own topic.
func (d *classic) publish(rest, payload string) broker.Message {
	return broker.Message{Topic: classicPrefix + d.id + "/" + rest, Payload: []byte(payload)}
}

// decimal spells a number as devices want it.
func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
