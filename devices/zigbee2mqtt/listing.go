package zigbee2mqtt

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// listing is what bridge/devices or bridge/groups says.
type listing struct {
	base   string
	groups bool
	// whole: it was read without a fault and names all, so that what it does not name is gone.
	whole   bool
	entries []*entry
	faults  []string
	seen    map[string]bool // keys and names
}

// entry is a device or a group in a list. It is not changed once Parse has made it, but for its readers.
type entry struct {
	key    string // "" for the coordinator
	name   string // the friendly name, which is the topic
	source []byte // what of the list's entry matters, as JSON

	address     string // IEEE address, "" for a group
	coordinator bool
	disabled    bool
	sleeps      bool // it listens now and then, and Zigbee2MQTT keeps what it is told until then
	ready       bool // its interview has come to an end
	device      devices.Device
	schema      schema
	exposes     []expose

	group   int
	members []string // IEEE addresses

	faults []string
}

// subscriptions are what a list's devices publish.
func (l *listing) subscriptions() []broker.Subscription {
	out := make([]broker.Subscription, 0, 2*len(l.entries))
	for _, e := range l.entries {
		if !e.coordinator {
			for _, f := range filtersOf(l.base + "/" + e.name) {
				out = append(out, broker.Subscription{Filter: f, QoS: 1})
			}
		}
	}
	return out
}

// filtersOf are the filters that a device needs. They do not overlap with another's, so that no event is heard twice.
func filtersOf(topic string) []string { return []string{topic, topic + "/availability"} }

// readListing reads a list, or one entry. It is nil when that is not what the payload is.
func readListing(payload []byte, base string, groups, one bool) *listing {
	v, ok := parse(payload)
	l := &listing{base: base, groups: groups, seen: map[string]bool{}}
	switch {
	case !ok:
		return nil
	case one && v.kind == object:
		l.add(v)
		if len(l.entries) == 0 {
			return nil
		}
		return l
	case one || v.kind != list:
		return nil
	}
	v.items(func(v literal) {
		if len(l.entries) < maxThings {
			l.add(v)
		}
	})
	l.whole = len(l.faults) == 0 && (groups || len(l.entries) > 0)
	return l
}

func (l *listing) fault(format string, args ...any) {
	if len(l.faults) < 16 {
		l.faults = append(l.faults, fmt.Sprintf(format, args...))
	}
}

func (l *listing) add(v literal) {
	if v.kind != object {
		l.fault("expected an object for each entry, got %s", short(v))
		return
	}
	var e *entry
	if l.groups {
		e = l.readGroup(v)
	} else {
		e = l.readDevice(v)
	}
	if e == nil {
		return
	}
	if !e.coordinator && (l.seen[e.key] || l.seen[e.name]) {
		l.fault("%s is there twice", e.name)
		return
	}
	l.seen[e.key], l.seen[e.name] = true, true
	l.entries = append(l.entries, e)
}

// longestSleep is after how many seconds a device on battery should have been heard, as Zigbee2MQTT itself expects of it: within a day.
const longestSleep = 24 * 60 * 60

// address is an IEEE address in the way that everybody spells it: 0x and 16 digits in lower case.
func address(l literal) (string, bool) {
	s := strings.ToLower(l.String())
	digits, ok := strings.CutPrefix(s, "0x")
	return s, ok && len(digits) == 16 && strings.Trim(digits, "0123456789abcdef") == ""
}

// validName says whether a friendly name can be a topic.
func (l *listing) validName(name string) bool {
	if name == "" || len(name) > maxText || broker.ValidTopic(l.base+"/"+name) != nil {
		l.fault("%s cannot be a topic", strconv.Quote(name[:min(len(name), maxText)]))
		return false
	}
	return true
}

// writeObject writes an object of those members that are there.
func writeObject(pairs ...any) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := 0; i+1 < len(pairs); i += 2 {
		l, ok := pairs[i+1].(literal)
		if !ok || l.kind == none {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(quote(pairs[i].(string)))
		b.WriteByte(':')
		b.WriteString(l.json())
	}
	b.WriteByte('}')
	return b.Bytes()
}

// facts are the members of a device's entry that matter, in the order in which its source has them.
type facts struct {
	address, name, kind, disabled, power, firmware, manufacturer, modelID, completed, interview literal
	defined                                                                                     bool
	fades                                                                                       bool // it has the option transition
	vendor, model, description, update, exposes                                                 literal
}

func readFacts(v literal) facts {
	var f facts
	place := map[string]*literal{
		"ieee_address": &f.address, "friendly_name": &f.name, "type": &f.kind, "disabled": &f.disabled, "power_source": &f.power,
		"software_build_id": &f.firmware, "manufacturer": &f.manufacturer, "model_id": &f.modelID,
		"interview_completed": &f.completed, "interview_state": &f.interview,
	}
	inner := map[string]*literal{
		"vendor": &f.vendor, "model": &f.model, "description": &f.description, "supports_ota": &f.update, "exposes": &f.exposes,
	}
	members(v.raw, 0, 0, func(k, v literal) {
		if at := place[string(k.raw)]; at != nil {
			*at = v
		} else if v.kind == object && k.is("definition") {
			f.defined = true
			members(v.raw, 0, 0, func(k, v literal) {
				if at := inner[string(k.raw)]; at != nil {
					*at = v
				} else if k.is("options") {
					v.items(func(o literal) { f.fades = f.fades || o.get("name").is(fadeOption) })
				}
			})
		}
	})
	return f
}

// source writes the facts down.
func (f facts) source() []byte {
	definition, options := literal{}, literal{}
	if f.fades {
		options = literal{kind: list, raw: []byte(`[{"name":"` + fadeOption + `"}]`)}
	}
	if f.defined {
		definition = literal{kind: object, raw: writeObject("vendor", f.vendor, "model", f.model, "description", f.description,
			"supports_ota", f.update, "options", options, "exposes", f.exposes)}
	}
	return writeObject("ieee_address", f.address, "friendly_name", f.name, "type", f.kind, "disabled", f.disabled,
		"power_source", f.power, "software_build_id", f.firmware, "manufacturer", f.manufacturer, "model_id", f.modelID,
		"interview_completed", f.completed, "interview_state", f.interview, "definition", definition)
}

// readDevice reads an entry of bridge/devices. It keeps no part of the list.
func (l *listing) readDevice(v literal) *entry {
	e := &entry{source: readFacts(v).source()}
	f := readFacts(literal{kind: object, raw: e.source})
	var ok bool
	if e.address, ok = address(f.address); !ok {
		l.fault("expected an IEEE address at ieee_address, got %s", short(f.address))
		return nil
	}
	e.key = e.address
	if e.name = f.name.String(); f.name.kind == none || e.name == "" {
		e.name = e.address
	}
	if f.kind.is("Coordinator") {
		e.coordinator, e.key, e.name = true, "", ""
		return e
	}
	if !l.validName(e.name) {
		return nil
	}
	e.disabled = f.disabled.is("true")
	e.sleeps = f.power.is("Battery") || f.kind.is("EndDevice") && (f.power.kind == none || f.power.is("Unknown"))
	e.ready = f.defined || f.completed.is("true") || f.interview.is("FAILED")
	r := exposeReader{left: maxExposes}
	e.exposes = r.all(f.exposes)
	if r.left < 0 {
		r.fault("exposes: more than %d", maxExposes)
	}
	e.faults = r.faults
	about := about{valve: isValve(f.description.String(), e.exposes)}
	if f.update.is("true") {
		about.update = e.address
	}
	if f.fades {
		about.fade = e.address
	}
	e.schema = build(e.exposes, about)
	e.device = devices.Device{
		Name:         e.name,
		Manufacturer: first(f.vendor, f.manufacturer),
		Model:        modelName(limited(f.description), first(f.model, f.modelID)),
		Firmware:     limited(f.firmware),
		Identifiers:  []string{"zigbee2mqtt_" + e.address},
		Connections:  []devices.Connection{{Kind: "zigbee", Value: e.address}},
		Via:          bridgeKey(l.base),
		Convention:   Name,
		Components:   e.schema.components,
	}
	if e.sleeps {
		e.device.Wakes = longestSleep
	}
	e.device.Sort()
	return e
}

func first(a, b literal) string {
	if s := limited(a); s != "" {
		return s
	}
	return limited(b)
}

// modelName is what people recognise with what the maker calls it.
func modelName(description, model string) string {
	switch {
	case description == "" || strings.EqualFold(description, model):
		return model
	case model == "":
		return description
	}
	return description + " (" + model + ")"
}

// bindGroup is the number of a group that is always there, for Zigbee2MQTT's own use.
const bindGroup = 901

// readGroup reads an entry of bridge/groups.
func (l *listing) readGroup(v literal) *entry {
	var members bytes.Buffer
	members.WriteByte('[')
	v.get("members").items(func(v literal) {
		if a, ok := address(v.get("ieee_address")); ok {
			if members.Len() > 1 {
				members.WriteByte(',')
			}
			members.WriteString(`{"ieee_address":` + quote(a) + `}`)
		}
	})
	members.WriteByte(']')
	e := &entry{ready: true, source: writeObject("id", v.get("id"), "friendly_name", v.get("friendly_name"),
		"members", literal{kind: list, raw: members.Bytes()})}
	v, ok := parse(e.source)
	id, isNumber := v.get("id").number()
	if !ok || !isNumber || id < 0 || id > 65535 || id != float64(int(id)) {
		l.fault("expected a group's number at id, got %s", short(v.get("id")))
		return nil
	}
	if e.group = int(id); e.group == bindGroup {
		return nil
	}
	e.key = groupKey(l.base, e.group)
	e.name = v.get("friendly_name").String()
	if !l.validName(e.name) {
		return nil
	}
	v.get("members").items(func(v literal) {
		if len(e.members) < maxExposes {
			e.members = append(e.members, v.get("ieee_address").String())
		}
	})
	return e
}

// groupKey is a group's key: its number stays when it is renamed.
func groupKey(base string, id int) string { return base + "/group/" + strconv.Itoa(id) }

// bridgeKey is the key of the bridge, which stays when its coordinator is replaced.
func bridgeKey(base string) string { return base + "/bridge" }
