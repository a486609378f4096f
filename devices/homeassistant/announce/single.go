package announce

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/devices"
)

// Home Assistant's limit to the length of a state; and how an empty text is spelled, which is not sent as nothing.
const (
	longest        = 255
	withoutNothing = `value | replace('\x00', '')`
	plainText      = "{{ " + withoutNothing + " }}"
	shortText      = "{{ (" + withoutNothing + ")[:255] }}"
)

// wholeJSON makes attributes of a JSON text: an object's own, else one that is called value.
const wholeJSON = `{{ value if value_json is mapping else '{"value": ' ~ value ~ '}' if value else '{}' }}`

// single is the entity of one property by itself; ok is false when Home Assistant has none for it.
func (b *builder) single(p *devices.Property) (e entity, ok bool) {
	switch {
	case p.ID == devices.Attributes && p.Datatype == devices.JSON, !p.Readable && !p.Settable:
		return e, false // attributes are some entity's own
	case p.Settable && p.Momentary && p.Datatype == devices.Bool:
		return b.button(p), true
	case p.Momentary && !p.Settable && (p.Datatype == devices.Bool || p.Datatype == devices.Enum && len(p.Choices) > 0):
		return b.event(p), true
	}
	switch p.Datatype {
	case devices.Bool:
		return b.truth(p), true
	case devices.Int, devices.Float:
		return b.number(p), true
	case devices.Enum:
		if p.Settable && len(p.Choices) > 0 {
			return b.choice(p), true
		}
	}
	return b.text(p), true
}

func (b *builder) button(p *devices.Property) entity {
	c := config{"payload_press": "true"}
	b.command(c, "command_topic", p)
	c.classOf(p, buttonClasses)
	return entity{component: "button", config: c}
}

// event is a source of events. A bool that occurs is one event, named after its property.
func (b *builder) event(p *devices.Property) entity {
	c := config{"state_topic": b.base + p.ID, "event_types": p.Choices, "value_template": "{{ {'event_type': value} | to_json }}"}
	if p.Datatype == devices.Bool {
		c["event_types"] = []string{p.ID}
		c["value_template"] = fmt.Sprintf(`{"event_type": "%s"}`, p.ID)
	}
	c.classOf(p, eventClasses)
	return entity{component: "event", config: c}
}

// truth is a binary sensor, or a switch if it can be set.
func (b *builder) truth(p *devices.Property) entity {
	c := config{}
	truths(c)
	b.state(c, "state_topic", p)
	if !p.Settable {
		c.classOf(p, binaryClasses)
		return entity{component: "binary_sensor", config: c}
	}
	b.command(c, "command_topic", p)
	c.classOf(p, switchClasses)
	return entity{component: "switch", config: c}
}

// widest are the bounds of a number that has none, which Home Assistant would take to lie within 1 and 100.
const widest = 1e9

// number is a sensor, or a number if it can be set.
func (b *builder) number(p *devices.Property) entity {
	c := config{}
	b.state(c, "state_topic", p)
	class, known := quantities[p.Class]
	known = known && slices.Contains(class.units, p.Unit)
	if known {
		c["device_class"] = p.Class
	}
	if p.Unit != "" {
		c["unit_of_measurement"] = p.Unit
	}
	if p.Settable {
		b.command(c, "command_topic", p)
		low, high := bounds(p)
		c["min"], c["max"], c["step"] = low, high, stride(p)
		if low == -widest || high == widest {
			c["mode"] = "box"
		}
		return entity{component: "number", config: c}
	}
	switch {
	case p.Momentary:
		c["force_update"] = true
	case known && class.state != "" && !past(p.ID):
		c["state_class"] = class.state
	case !known && p.Unit != "":
		c["state_class"] = "measurement"
	}
	return entity{component: "sensor", config: c}
}

// past says whether a property is about a span of time that is over, such as yesterday's energy: it is no total that rises.
func past(id string) bool {
	return slices.ContainsFunc(strings.Split(id, "-"), func(word string) bool { return word == "yesterday" || word == "period" || word == "last" })
}

// bounds are what may be set. Home Assistant wants both, and the upper above the lower.
func bounds(p *devices.Property) (low, high float64) {
	low, high = -widest, widest
	if f, ok := limit(p.Min); ok {
		low = f
	}
	if f, ok := limit(p.Max); ok {
		high = f
	}
	if low >= high {
		high = low + max(stride(p), math.Abs(low)*1e-6)
	}
	return low, high
}

// limit is a bound that is there and is a number.
func limit(f *float64) (float64, bool) {
	if f == nil || math.IsNaN(*f) || math.Abs(*f) > 1e15 {
		return 0, false
	}
	return *f, true
}

// stride is the step of a number that is set, which Home Assistant wants to be a thousandth at least.
func stride(p *devices.Property) float64 {
	step := p.Step
	switch known := step > 0 && step < 1e15; {
	case known:
	case p.Datatype == devices.Int, p.Unit == "%":
		step = 1
	default:
		step = 0.1
		if p.Min != nil && p.Max != nil && *p.Max-*p.Min <= 1 {
			step = 0.01
		}
	}
	tidy, err := strconv.ParseFloat(strconv.FormatFloat(step, 'g', 6, 64), 64)
	if err != nil {
		return step
	}
	return max(tidy, 0.001)
}

// choice is a select. It lists what can be reported, as Home Assistant takes no other state; what may not be wanted the hub refuses.
func (b *builder) choice(p *devices.Property) entity {
	c := config{"options": p.Choices}
	b.state(c, "state_topic", p)
	b.command(c, "command_topic", p)
	return entity{component: "select", config: c}
}

// text is a sensor with a text, or a text if it can be set. Of a long one the beginning is shown; JSON can be read by its attributes as
// a whole.
func (b *builder) text(p *devices.Property) entity {
	c := config{}
	b.state(c, "state_topic", p)
	if p.Settable {
		b.command(c, "command_topic", p)
		c["max"] = longest
		if p.Readable {
			c["value_template"] = shown(p)
		}
		return entity{component: "text", config: c}
	}
	switch {
	case p.Datatype == devices.Enum && len(p.Choices) > 0:
		c["device_class"], c["options"] = "enum", p.Choices
		return entity{component: "sensor", config: c}
	case p.Datatype == devices.String && (p.Class == "timestamp" || p.Class == "date"):
		c["device_class"] = p.Class
	}
	if p.Momentary {
		c["force_update"] = true
	}
	if p.Datatype == devices.JSON {
		b.state(c, "json_attributes_topic", p)
		c["json_attributes_template"] = wholeJSON
	}
	c["value_template"] = shown(p)
	return entity{component: "sensor", config: c}
}

// shown is the template that makes of a value what is shown of it.
func shown(p *devices.Property) string {
	if p.Datatype == devices.Color {
		return hueAndSaturation
	}
	return shortText
}
