package announce

import (
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// components are Home Assistant's kinds of entities that are announced.
var components = map[string]bool{
	"alarm_control_panel": true, "binary_sensor": true, "button": true, "climate": true, "cover": true, "device_tracker": true, "event": true,
	"fan": true, "humidifier": true, "lawn_mower": true, "light": true, "lock": true, "number": true, "scene": true, "select": true,
	"sensor": true, "siren": true, "switch": true, "text": true, "update": true, "vacuum": true, "valve": true, "water_heater": true,
}

// entity is one entity of Home Assistant.
type entity struct {
	component string // Home Assistant's kind
	object    string // the component's ID, and behind an underscore the property's where the entity is but one of its properties
	config    config
	naming
}

// config is the content of a discovery message.
type config map[string]any

// builder makes the entities of one component: one that is what Home Assistant has for its kind, and one for each property that
// has no place in that.
type builder struct {
	device    *devices.Device
	component *devices.Component
	base      string // of the topics of the component's properties
	used      map[string]bool
}

// builders make the configuration of what Home Assistant has a word for. Each returns nil when the component lacks what Home Assistant
// wants of that kind; then its properties are announced one by one.
var builders = map[devices.Kind]struct {
	component string
	build     func(*builder) config
}{
	devices.Light:       {"light", (*builder).light},
	devices.Switch:      {"switch", (*builder).relay},
	devices.Climate:     {"climate", (*builder).climate},
	devices.WaterHeater: {"water_heater", (*builder).waterHeater},
	devices.Humidifier:  {"humidifier", (*builder).humidifier},
	devices.Cover:       {"cover", (*builder).cover},
	devices.Valve:       {"valve", (*builder).valve},
	devices.Lock:        {"lock", (*builder).lock},
	devices.Fan:         {"fan", (*builder).fan},
	devices.Siren:       {"siren", (*builder).siren},
	devices.Alarm:       {"alarm_control_panel", (*builder).alarm},
	devices.LawnMower:   {"lawn_mower", (*builder).mower},
	devices.Vacuum:      {"vacuum", (*builder).vacuum},
	devices.Update:      {"update", (*builder).update},
	devices.Scene:       {"scene", (*builder).scene},
	devices.Tracker:     {"device_tracker", (*builder).tracker},
}

// entities are all of a device's.
func (a *Announcer) entities(v hub.View) []entity {
	var all []entity
	domain := a.options.Domain + "/5/"
	root := domain + v.ID
	for i := range v.Components {
		c := &v.Components[i]
		b := &builder{device: &v.Device, component: c, base: root + "/" + c.ID + "/", used: map[string]bool{}}
		all = append(all, b.entities()...)
	}
	there := []map[string]string{availability(domain + hub.RootID), availability(root)}
	for _, e := range all {
		e.config["availability"], e.config["availability_mode"] = there, "all"
	}
	if len(all) == 0 { // a gateway, by which others are reached: whether it is there is all that it says
		all = append(all, entity{component: "binary_sensor", object: "presence", naming: naming{label: "Presence"}, config: config{
			"state_topic": root + "/$state", "value_template": available, "payload_on": "online", "payload_off": "offline",
			"device_class": "connectivity", "entity_category": "diagnostic", "availability": there[:1],
		}})
	}
	for _, e := range all {
		e.config["qos"] = 1
	}
	name(v.Device, all)
	return all
}

// availability is what says whether a device is there: its $state and, as nobody else would say so, that of the root of all, which is the hub.
func availability(device string) map[string]string {
	return map[string]string{"topic": device + "/$state", "value_template": available}
}

// available makes of a device's $state what Home Assistant expects. A device that is asleep has said what holds, and what it is told
// waits for it; one of which nothing is known yet has the state init.
const available = "{{ 'online' if value in ['ready', 'sleeping'] else 'offline' }}"

// entities are those of the component.
func (b *builder) entities() []entity {
	var all []entity
	if kind, ok := builders[b.component.Kind]; ok {
		if c := kind.build(b); c != nil {
			all = append(all, entity{component: kind.component, object: b.component.ID, config: c, naming: naming{component: b.component, whole: true}})
		} else {
			clear(b.used)
		}
	}
	for i := range b.component.Properties {
		p := &b.component.Properties[i]
		if b.used[p.ID] {
			continue
		}
		if e, ok := b.single(p); ok {
			e.object = b.component.ID + "_" + p.ID
			e.naming = naming{component: b.component, property: p}
			all = append(all, e)
		}
	}
	for i := range all {
		b.categorise(&all[i])
	}
	if p := b.component.Property(devices.Attributes); p != nil && p.Datatype == devices.JSON && p.Readable && len(all) > 0 && all[0].config["json_attributes_topic"] == nil {
		all[0].config["json_attributes_topic"] = b.base + p.ID
	}
	return all
}

// categorise says what is not for daily use. What can only be read cannot be a setting.
func (b *builder) categorise(e *entity) {
	category := b.component.Category
	if category == "" && e.property != nil && e.property.ID == devices.Transition && b.component.Kind == devices.Light {
		category = "config"
	}
	switch {
	case category == "":
	case e.component == "sensor" || e.component == "binary_sensor" || category == "diagnostic":
		e.config["entity_category"] = "diagnostic"
	case category == "config":
		e.config["entity_category"] = "config"
	}
	if b.component.Hidden {
		e.config["enabled_by_default"] = false
	}
}

// has returns a property that is not momentary and of one of the types; nil if there is none.
func (b *builder) has(id string, types ...devices.Datatype) *devices.Property {
	p := b.component.Property(id)
	if p == nil || p.Momentary {
		return nil
	}
	for _, t := range types {
		if p.Datatype == t {
			return p
		}
	}
	return nil
}

// act returns a property that is an act, such as to stop; nil if there is none.
func (b *builder) act(id string) *devices.Property {
	if p := b.component.Property(id); p != nil && p.Momentary && p.Settable && p.Datatype == devices.Bool {
		return p
	}
	return nil
}

// settable returns a property of has if it can be set.
func (b *builder) settable(id string, types ...devices.Datatype) *devices.Property {
	if p := b.has(id, types...); p != nil && p.Settable {
		return p
	}
	return nil
}

// state points a key to a property's value, if it has any that can be read, and uses the property up.
func (b *builder) state(c config, key string, p *devices.Property) {
	b.used[p.ID] = true
	if p.Readable {
		c[key] = b.base + p.ID
	}
}

// command points a key to where a property's wishes are heard.
func (b *builder) command(c config, key string, p *devices.Property) {
	b.used[p.ID] = true
	c[key] = b.base + p.ID + "/set"
}

// anyCommand points a key to where wishes for any of the component's properties are heard: property=value.
func (b *builder) anyCommand(c config, key string) { c[key] = b.base + "$any/set" }

// pair does both for a property that can be set; other properties stay as they are.
func (b *builder) pair(c config, prefix, id string, types ...devices.Datatype) *devices.Property {
	p := b.settable(id, types...)
	if p != nil {
		b.state(c, prefix+"state_topic", p)
		b.command(c, prefix+"command_topic", p)
	}
	return p
}

// within says whether all choices of a property are among those that Home Assistant knows.
func within(choices []string, known ...string) bool {
	for _, c := range choices {
		if !strings.Contains(" "+strings.Join(known, " ")+" ", " "+c+" ") {
			return false
		}
	}
	return len(choices) > 0
}

// wanted are the choices that can be commanded.
func wanted(p *devices.Property) []string {
	if len(p.Wanted) > 0 {
		return p.Wanted
	}
	return p.Choices
}

// truths tells how a bool is spelled, as a command and as a state.
func truths(c config) {
	c["payload_on"], c["payload_off"] = "true", "false"
}
