package shelly

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/address"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

const manufacturer = "Shelly"

const (
	maxKept     = 192 << 10 // bytes of one device's descriptions
	maxReadings = 32        // memory for readings that a device keeps from one message to the next
	maxExtra    = 12        // notifications that are kept because they told what the descriptions did not
	maxPages    = 64
	maxChildren = 100
	maxSeen     = 200 // members of one component's status
	patience    = 3   // notifications until a device is announced although it did not answer
	maxAsked    = 3   // times that one thing is asked for
)

// The descriptions of a device. Lists of components come in pages, numbered behind "page ".
const (
	docInfo   = "info"
	docConfig = "config"
	docStatus = "status"
	docPage   = "page "
)

// modern is one device of the second to fourth generation.
type modern struct {
	key, id, prefix string

	docs  map[string]broker.Message // what describes it
	extra []broker.Message          // notifications that told more

	parts   map[string]*part
	writers map[target]writer
	units   map[string]*unit          // it and the devices behind it
	told    map[string]devices.Device // as they were announced last

	readings []hub.Reported // memory of the last message's, for the next

	forgotten map[string]bool // devices behind it that people removed
	said      devices.Presence
	why       string
	asked     int // how often it was asked for what is missing
	since     int // what it said since it was asked
	heard     int // notifications
	rhythm    rhythm
	announced rhythm // as it was announced last
	version   string // the firmware, as it was reported last
	noPages   bool   // its firmware has no list of components
	silent    bool   // it does not tell changes by itself
	dirty     bool
	kept      bool // it was announced before, and what described it then was heard again
}

// meet finds the device that speaks under a prefix, or makes its acquaintance; nil when there are too many.
func (c *Convention) meet(prefix, id string) *modern {
	key := strings.ToLower(id)
	d := c.modern[key]
	if d == nil {
		if len(c.modern) >= maxDevices || len(id) > maxName || devices.Slug(id) == "" {
			return nil
		}
		d = &modern{
			key: strings.Clone(key), id: strings.Clone(id), prefix: strings.Clone(prefix),
			docs: map[string]broker.Message{}, told: map[string]devices.Device{}, forgotten: map[string]bool{},
		}
		c.modern[d.key] = d
	}
	if d.prefix != prefix {
		if c.prefixes[d.prefix] == d {
			delete(c.prefixes, d.prefix)
		}
		d.prefix, d.asked, d.dirty = strings.Clone(prefix), 0, true
	}
	c.prefixes[d.prefix] = d
	delete(c.suspects, d.prefix)
	return d
}

// keep remembers a description of the device; it says no when it is as before or there is no room.
func (d *modern) keep(name string, m broker.Message) bool {
	old := d.docs[name]
	if string(old.Payload) == string(m.Payload) && old.Topic == m.Topic {
		return false
	}
	if d.size()-len(old.Payload)+len(m.Payload) > maxKept {
		return false
	}
	d.docs[name] = broker.Message{Topic: m.Topic, Payload: m.Payload, Retain: true}
	d.kept = d.kept || m.Retain
	d.dirty = true
	return true
}

func (d *modern) keepExtra(m broker.Message) {
	if len(d.extra) < maxExtra && d.size()+len(m.Payload) <= maxKept {
		d.extra = append(d.extra, broker.Message{Topic: m.Topic, Payload: m.Payload, Retain: true})
		d.dirty = true
	}
}

func (d *modern) size() int {
	n := 0
	for _, m := range d.docs {
		n += len(m.Payload)
	}
	for _, m := range d.extra {
		n += len(m.Payload)
	}
	return n
}

// sources are the messages that describe the device, in an order in which they do so again.
func (d *modern) sources() []broker.Message {
	var out []broker.Message
	for _, name := range slices.Sorted(maps.Keys(d.docs)) {
		out = append(out, d.docs[name])
	}
	return append(out, d.extra...)
}

func (d *modern) paged() bool {
	for name := range d.docs {
		if strings.HasPrefix(name, docPage) {
			return true
		}
	}
	return false
}

// rebuild makes the device, and those behind it, of all that was learnt.
func (d *modern) rebuild(c *Convention) {
	d.dirty = false
	all := d.collect()
	before := d.parts
	b := &build{
		units: map[string]*unit{}, parts: map[string]*part{}, writers: map[target]writer{}, self: d.key, only: map[string]bool{},
	}
	b.mine = func(key string) bool {
		gateway := c.children[key]
		return (gateway == nil || gateway == d) && !d.forgotten[key] && (b.units[key] != nil || len(b.units) <= maxChildren)
	}
	b.units[d.key] = &unit{device: d.describe()}
	keys := slices.Sorted(maps.Keys(all))
	for _, key := range keys {
		_, again := b.only[all[key].kind]
		b.only[all[key].kind] = !again
	}
	for _, key := range keys {
		b.facts, b.unit, b.part = *all[key], d.key, &part{}
		if old := before[key]; old != nil {
			b.part.last = old.last
		}
		b.parts[key] = b.part
		builders[b.kind](b)
		if old := before[key]; old != nil {
			b.part.recall(old)
		}
	}
	d.parts, d.writers, d.units = b.parts, b.writers, b.units
	for key, gateway := range c.children {
		if gateway == d && d.units[key] == nil {
			delete(c.children, key)
		}
	}
	for key, u := range d.units {
		if key != d.key {
			c.children[key] = d
			finish(&u.device)
		}
		u.device.Sort()
	}
}

// finish gives a device behind a gateway a name if people did not.
func finish(v *devices.Device) {
	if v.Name != "" {
		return
	}
	v.Name = v.Model
	if v.Name == "" {
		v.Name = "Bluetooth device"
	}
	v.Name += " " + v.Identifiers[0][9:]
}

// describe is the device without its components.
func (d *modern) describe() devices.Device {
	info, config, status := d.doc(docInfo), d.doc(docConfig), d.doc(docStatus)
	sys := config.Get("sys").Get("device")
	if !sys.Is() {
		sys = d.listed("sys").Get("config").Get("device")
	}
	v := devices.Device{Convention: Name, Manufacturer: manufacturer, Identifiers: []string{d.id}}
	v.Name = first(sys.Get("name"), info.Get("name"))
	v.ID = devices.Slug(v.Name)
	if v.ID == "" {
		v.ID = devices.Slug(d.id)
	}
	family, serial, _ := strings.Cut(d.id, "-")
	v.Model = first(info.Get("app"), info.Get("model"))
	if model := first(info.Get("model")); model != "" && model != v.Model {
		v.Model += " (" + model + ")"
	}
	if v.Model == "" {
		v.Model = family
	}
	if v.Name == "" {
		v.Name = d.id
	}
	v.Firmware = first(info.Get("ver"))
	if v.Firmware == "" {
		v.Firmware = versionOf(first(sys.Get("fw_id")))
	}
	for _, mac := range []string{first(info.Get("mac")), first(sys.Get("mac")), first(status.Get("sys").Get("mac")), serial} {
		if mac = address.MAC(mac); mac != "" {
			v.Connections = []devices.Connection{{Kind: "mac", Value: mac}}
			break
		}
	}
	return v
}

// versionOf takes the version out of the name of a build, such as 20230913-112234/v1.14.0-gcb84623. Where there is none, it is
// the day and the time.
func versionOf(build string) string {
	date, version, ok := strings.Cut(build, "/")
	if !ok {
		return build
	}
	if version, _, _ = strings.Cut(version, "-g"); strings.Contains(version, ".") {
		return strings.TrimPrefix(version, "v")
	}
	return date
}

// first is the first of the texts that is not empty.
func first(values ...jsontext.Value) string {
	for _, v := range values {
		if s := strings.TrimSpace(jsontext.Clip(v.Text(), maxName)); s != "" {
			return s
		}
	}
	return ""
}

// doc is the content of a description.
func (d *modern) doc(name string) jsontext.Value {
	m, ok := d.docs[name]
	if !ok {
		return jsontext.Value{}
	}
	doc, err := jsontext.Read(m.Payload)
	if err != nil {
		return jsontext.Value{}
	}
	return doc.Get("result")
}

// listed finds a component in the lists of components.
func (d *modern) listed(key string) (found jsontext.Value) {
	for name := range d.docs {
		if strings.HasPrefix(name, docPage) {
			for v := range components(d.doc(name)) {
				if v.Get("key").Text() == key {
					found = v
				}
			}
		}
	}
	return found
}

// settle announces what changed. first says that the device is announced for the first time.
func (c *Convention) settle(d *modern, u *hub.Update) (firstTime bool) {
	known := len(d.docs) > 1 || len(d.docs) == 1 && d.docs[docStatus].Topic == "" || d.kept
	if len(d.told) == 0 && !known && d.heard < patience && !d.rhythm.sleeps {
		return false
	}
	if d.dirty || d.units == nil {
		d.rebuild(c)
	} else if len(d.told) > 0 && d.rhythm == d.announced {
		return false
	}
	firstTime = len(d.told) == 0
	var sources []broker.Message
	for _, key := range slices.Sorted(maps.Keys(d.units)) {
		v := d.units[key].device
		same := key != d.key || d.rhythm == d.announced
		if old, ok := d.told[key]; ok && same && old.Equal(v) || key != d.key && len(v.Components) == 0 {
			continue
		}
		if sources == nil {
			sources = d.sources()
		}
		d.told[key] = v
		a := hub.Announced{Key: key, Device: v.Clone(), Sources: sources, Availability: key == d.key}
		if key == d.key {
			a.Silence, a.Sleeps = d.rhythm.silence(), d.rhythm.sleeps
			d.announced = d.rhythm
		}
		u.Devices = append(u.Devices, a)
	}
	for _, key := range slices.Sorted(maps.Keys(d.told)) {
		if d.units[key] == nil {
			delete(d.told, key)
			u.Gone = append(u.Gone, key)
		}
	}
	d.tellVersion(u)
	if firstTime && d.said != "" {
		u.Reaches = append(u.Reaches, hub.Reached{Key: d.key, Reach: devices.Reach{Presence: d.said, Why: d.why}})
	}
	return firstTime
}

// reach tells the device's presence.
func (d *modern) reach(u *hub.Update, p devices.Presence, format string, args ...any) {
	d.said, d.why = p, fmt.Sprintf(format, args...)
	if _, told := d.told[d.key]; told {
		u.Reaches = append(u.Reaches, hub.Reached{Key: d.key, Reach: devices.Reach{Presence: p, Why: d.why}})
	}
}
