// Package wled reads and speaks what controllers of light strips with the firmware WLED say over MQTT: brightness, color, the state
// in XML, presence, buttons and motion sensors, and tells them what is wanted in the firmware's JSON.
//
// The hub calls it through hub.Convention. It is pure: it does no I/O and has no clock and no goroutine, and no payload makes it panic.
//
// A controller is found by its state below wled/, where the firmware puts it unless somebody chose another topic, and anywhere else, up to
// three levels deep, by the state in XML, which no other device sends. It is not asked for its state: every request that makes the
// firmware repeat it changes something, too, such as the preset that it counts as active. It tells it by itself whenever it
// connects, and whenever it changes.
//
// Sources: the firmware's documentation (kno.wled.ge: MQTT, JSON API, HTTP API, Effects) and its files mqtt.cpp, xml.cpp and json.cpp. What
// is left out: segments one by one, playlists, and the names of presets and palettes, which are not on MQTT.
package wled

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// Name is the convention's name, and what devices.Device.Convention says.
const Name = "wled"

// Bounds of what is remembered, whatever is sent. The firmware's own bound of a topic is 32 bytes, of buttons 32.
const (
	maxDevices = 1000
	maxTopic   = 100
	maxInputs  = 32
)

// root is the level below which the firmware puts its topics.
const root = "wled/"

// Options are what can be chosen. There is nothing yet.
type Options struct{}

// Convention is a hub.Convention. Make it with New. A device's key is its topic, without the last level.
type Convention struct {
	devices map[string]*device
}

var _ hub.Convention = (*Convention)(nil)

// New returns a convention that knows no device yet. There is no error yet.
func New(Options) (*Convention, error) {
	return &Convention{devices: map[string]*device{}}, nil
}

// Name is "wled".
func (c *Convention) Name() string { return Name }

// Filters are all topics of the usual place, and the states elsewhere.
func (c *Convention) Filters() []broker.Subscription {
	return subscriptions(
		root+"+/g", root+"+/c", root+"+/status", root+"+/button/+", root+"+/motion/+", "+/v", "+/+/v", "+/+/+/v",
	)
}

func subscriptions(filters ...string) []broker.Subscription {
	list := make([]broker.Subscription, len(filters))
	for i, f := range filters {
		list[i] = broker.Subscription{Filter: f, QoS: 1}
	}
	return list
}

// Greet is nothing, see the package's documentation.
func (c *Convention) Greet() []broker.Message { return nil }

// Parse reads a state in XML. One from elsewhere than the usual place asks for the device's other topics.
func (c *Convention) Parse(m broker.Message) hub.Parsed {
	base, ok := strings.CutSuffix(m.Topic, "/v")
	if !ok || !validBase(base) || !looksLikeState(m.Payload) {
		return hub.Parsed{}
	}
	s, err := readState(m.Payload)
	if err != nil {
		return hub.Parsed{Content: err}
	}
	return hub.Parsed{Content: s, Subscribe: subscriptions(own(base)...)}
}

// own are the filters of a device outside of the usual place.
func own(base string) []string {
	if strings.HasPrefix(base, root) {
		return nil
	}
	return []string{base + "/g", base + "/c", base + "/status", base + "/button/+", base + "/motion/+"}
}

func validBase(base string) bool {
	return base != "" && len(base) <= maxTopic && base[0] != '$' && strings.Count(base, "/") <= 2 && broker.ValidTopic(base) == nil
}

// Apply takes what a device says of itself.
func (c *Convention) Apply(m broker.Message, p hub.Parsed) hub.Update {
	base, last, ok := split(m.Topic)
	if !ok {
		return hub.Update{}
	}
	d := c.devices[base]
	switch content := p.Content.(type) {
	case state:
		if d = c.device(base); d == nil {
			return fault("", m, fmt.Sprintf("more than %d devices", maxDevices))
		}
		return d.take(m, content)
	case error:
		return fault(keyOf(d), m, content.Error())
	}
	if len(m.Payload) == 0 {
		return c.cleared(d, last)
	}
	known := d != nil
	if !known {
		if !strings.HasPrefix(base, root) || !validBase(base) || !plausible(last, string(m.Payload)) {
			return hub.Update{}
		}
		if d = c.device(base); d == nil {
			return fault("", m, fmt.Sprintf("more than %d devices", maxDevices))
		}
	}
	u := d.hear(last, m)
	if !known {
		d.sources = []broker.Message{{Topic: m.Topic, Payload: m.Payload}}
		u.Devices = []hub.Announced{d.announce()}
	}
	return u
}

// split takes a topic apart, the last level or, of buttons and motion sensors, the last two.
func split(topic string) (base, last string, ok bool) {
	i := strings.LastIndexByte(topic, '/')
	if i < 1 {
		return "", "", false
	}
	base, last = topic[:i], topic[i+1:]
	switch last {
	case "g", "c", "v", "status":
		return base, last, true
	}
	for _, kind := range [...]string{"/button", "/motion"} {
		if b, ok := strings.CutSuffix(base, kind); ok && b != "" {
			return b, topic[len(b)+1:], true
		}
	}
	return "", "", false
}

// plausible says whether a payload below wled/ can be what makes a device known.
func plausible(last, payload string) bool {
	switch last {
	case "status":
		return payload == "online" || payload == "offline"
	case "g":
		_, err := readBrightness(payload)
		return err == nil
	case "c":
		_, err := readColor(payload)
		return err == nil
	}
	return false
}

// cleared takes a topic that was taken back: with its presence goes the device.
func (c *Convention) cleared(d *device, last string) hub.Update {
	if d == nil || last != "status" {
		return hub.Update{}
	}
	delete(c.devices, d.base)
	return hub.Update{Gone: []string{d.base}, Unsubscribe: own(d.base)}
}

// device returns what is known of a device, new if need be; nil when there are too many.
func (c *Convention) device(base string) *device {
	d := c.devices[base]
	if d == nil && len(c.devices) < maxDevices {
		d = &device{base: base, inputs: map[string]broker.Message{}, white: -1, tint: tint{value: 100}}
		c.devices[base] = d
	}
	return d
}

func keyOf(d *device) string {
	if d == nil {
		return ""
	}
	return d.base
}

func fault(key string, m broker.Message, reason string) hub.Update {
	return hub.Update{Faults: []hub.Fault{{Key: key, Topic: m.Topic, Reason: reason}}}
}

// Topics are those that the device may have left: all of them lie below its own.
func (c *Convention) Topics(key string) []string {
	if c.devices[key] == nil {
		return nil
	}
	return []string{key + "/g", key + "/c", key + "/v", key + "/status", key + "/button/+", key + "/motion/+"}
}

// Forget drops a device. When it is heard again, it is a new one.
func (c *Convention) Forget(key string) (unneeded []string) {
	d := c.devices[key]
	if d == nil {
		return nil
	}
	delete(c.devices, key)
	return own(key)
}

// Encode tells a device a value in the firmware's JSON. Level and color go to all selected segments, as in the firmware's own page.
func (c *Convention) Encode(key string, ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	d := c.devices[key]
	if d == nil {
		return nil, fmt.Errorf("steering %s: the device is not known", key)
	}
	p := d.device().Property(ref)
	switch {
	case p == nil || !p.Settable:
		return nil, fmt.Errorf("steering %s: its %s cannot be set", key, ref)
	case v.Datatype() != p.Datatype:
		return nil, fmt.Errorf("%w: %s of %s is a %s, not a %s", devices.ErrValue, ref, key, p.Datatype, v.Datatype())
	}
	text, err := d.spell(ref, v)
	if err != nil {
		return nil, fmt.Errorf("steering %s of %s: %w", ref, key, err)
	}
	return []broker.Message{{Topic: d.base + "/api", Payload: []byte(text)}}, nil
}

// spell makes the firmware's JSON for a value.
func (d *device) spell(ref devices.Ref, v devices.Value) (string, error) {
	switch ref {
	case devices.Ref{Component: lightPart, Property: devices.On}:
		return fmt.Sprintf(`{"on":%t}`, v.Bool()), nil
	case devices.Ref{Component: lightPart, Property: devices.Brightness}:
		n := toByte(v.Float())
		if n == 0 && v.Float() > 0 {
			n = 1
		}
		return fmt.Sprintf(`{"on":%t,"bri":%d}`, n > 0, max(n, 1)), nil
	case devices.Ref{Component: lightPart, Property: devices.ColorHS}:
		hue, saturation := v.Color()
		return d.colors(hue, saturation, max(d.white, 0)), nil
	case devices.Ref{Component: lightPart, Property: devices.White}:
		return d.colors(d.tint.hue, d.tint.saturation, toByte(v.Float())), nil
	case devices.Ref{Component: lightPart, Property: devices.Transition}:
		return fmt.Sprintf(`{"transition":%d}`, round(v.Float()*10)), nil
	case devices.Ref{Component: lightPart, Property: devices.Effect}:
		return fmt.Sprintf(`{"seg":{"fx":%d}}`, slices.Index(effects, v.Text())), nil
	case devices.Ref{Component: presetPart, Property: devices.Option}:
		n, err := strconv.Atoi(v.Text())
		if err != nil {
			return "", fmt.Errorf("%w: preset %q is not a number of 1 to %d", devices.ErrValue, v.Text(), maxPreset)
		}
		return fmt.Sprintf(`{"ps":%d}`, n), nil
	case devices.Ref{Component: nightPart, Property: devices.On}:
		return fmt.Sprintf(`{"nl":{"on":%t}}`, v.Bool()), nil
	case devices.Ref{Component: palettePart, Property: devices.ValueID}:
		return fmt.Sprintf(`{"seg":{"pal":%d}}`, int(v.Float())), nil
	case devices.Ref{Component: speedPart, Property: devices.ValueID}:
		return fmt.Sprintf(`{"seg":{"sx":%d}}`, toByte(v.Float())), nil
	case devices.Ref{Component: intensityPart, Property: devices.ValueID}:
		return fmt.Sprintf(`{"seg":{"ix":%d}}`, toByte(v.Float())), nil
	}
	return "", fmt.Errorf("its %s cannot be set", ref)
}

// colors is the JSON for a first color; the white channel is named where there is one.
func (d *device) colors(hue, saturation float64, white int) string {
	value := d.tint.value
	if white > 0 && d.tint.dark {
		value = 0 // only the white channel shines, and is to shine alone
	}
	if hue != d.tint.hue || saturation != d.tint.saturation {
		value = d.tint.value
	}
	r, g, b := devices.HSVToRGB(hue, saturation, value)
	text := fmt.Sprintf("%d,%d,%d", round(r), round(g), round(b))
	if d.white >= 0 {
		text += "," + strconv.Itoa(white)
	}
	return `{"seg":{"col":[[` + text + `]]}}`
}

func round(f float64) int { return int(math.Round(f)) }

// toByte turns percent into the firmware's 0 to 255, percent the reverse.
func toByte(percent float64) int { return min(max(round(percent*255/100), 0), 255) }

func percent(n int) devices.Value {
	v, _ := devices.FloatValue(float64(n) * 100 / 255) // it is finite
	return v
}
