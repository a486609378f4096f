package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator/physics"
)

// ESPHome is the language of boards with the ESPHome firmware.
const ESPHome = "esphome"

var esphomeLanguage = language{
	name: ESPHome, title: "ESPHome", topics: []string{"homeassistant/#", "esphome/#", "the devices' ids followed by /#"},
	keys: []string{"sleeps"},
	check: func(d DeviceSpec, fault func(format string, args ...any)) {
		others := []string{"homeassistant", "homie", "sim", "esphome", "hub", "zigbee2mqtt", "tasmota", "cmnd", "stat", "tele", "shellies"}
		if slices.Contains(others, d.ID()) {
			fault("its topics would begin with %s, which others own", d.ID())
		}
	},
	voice: func(d *device) voice { return newESPHome(d) },
}

// esphomeVersion is the version that the boards claim: the one whose source (esphome/esphome, components/mqtt) says what
// they send.
const esphomeVersion = "2024.10.0"

// espVoice speaks as a board with the ESPHome firmware does over MQTT (esphome.io/components/mqtt): each component has plain
// text topics <node>/<kind>/<object>/state and …/command, which are retained with QoS 0, and one announcement for Home
// Assistant. It obeys a retained command, too, since the firmware does not look at the flag.
type espVoice struct {
	device     *device
	node, mac  string
	components []*espComponent
	commands   map[string]espCommand
	// force are components whose state is to be sent though it is the same, because they were told something.
	force map[*espComponent]bool
	// values that only the firmware knows.
	born, now time.Time
	message   string
}

// espComponent is one component of the node.
type espComponent struct {
	kind, object, name string
	config             map[string]any // in full keys, without what all components have
	states             []espState
	of                 []*physics.Property
	// always: it is sent whenever it is measured; else only when it has changed.
	always bool
	last   string
}

// espState is one topic of a component.
type espState struct {
	topic string
	text  func() string
	log   func() string // what the firmware says of it in its log; nil: nothing
}

type espCommand struct {
	component *espComponent
	do        func(payload string) ([]*physics.Property, error)
}

func newESPHome(d *device) *espVoice {
	f := fnv.New32a()
	_, _ = f.Write([]byte("esphome " + d.id)) // never fails
	n := f.Sum32()
	e := &espVoice{
		device: d, node: d.id, message: "Hello", mac: fmt.Sprintf("a020a6%06x", n&0xffffff),
		commands: map[string]espCommand{}, force: map[*espComponent]bool{},
	}
	e.describe()
	return e
}

func (e *espVoice) status() string { return e.node + "/status" }

// plainly is a message as ESPHome sends it: retained, QoS 0.
func plainly(topic, payload string) broker.Message {
	return broker.Message{Topic: topic, Payload: []byte(payload), Retain: true}
}

func (e *espVoice) will() broker.Message { return plainly(e.status(), "offline") }

func (e *espVoice) goodbye() []broker.Message { return []broker.Message{e.will()} }

const espDiscover = "esphome/discover"

func (e *espVoice) filters() []broker.Subscription {
	out := []broker.Subscription{{Filter: espDiscover, QoS: 2}, {Filter: "esphome/ping/" + e.node, QoS: 2}}
	for topic := range e.commands {
		out = append(out, broker.Subscription{Filter: topic})
	}
	slices.SortFunc(out, func(a, b broker.Subscription) int { return strings.Compare(a.Filter, b.Filter) })
	return out
}

func (e *espVoice) announce() []broker.Message {
	out := []broker.Message{e.info(), plainly(e.status(), "online"), e.log('I', "mqtt", "MQTT Connected!")}
	for _, c := range e.components {
		out = append(out, e.discovery(c))
		out = append(out, e.state(c)...)
	}
	return out
}

// info is what the node says of itself to whoever asks at esphome/discover.
func (e *espVoice) info() broker.Message {
	f := fnv.New32a()
	_, _ = f.Write([]byte(e.mac)) // never fails
	text := marshal(map[string]any{
		"ip": fmt.Sprintf("192.168.%d.%d", 8+f.Sum32()>>8%4, 2+f.Sum32()%250), "name": e.node, "friendly_name": e.device.spec.Name,
		"port": 6053, "version": esphomeVersion, "mac": e.mac, "platform": "ESP8266", "board": "d1_mini", "network": "wifi",
	})
	return broker.Message{Topic: espDiscover + "/" + e.node, Payload: text, QoS: 2, Retain: true}
}

// log is a line of the firmware's log, in the colors of a terminal, as it goes to the topic debug.
func (e *espVoice) log(level byte, tag, text string) broker.Message {
	color := map[byte]string{'E': "31", 'W': "33", 'I': "32", 'C': "35", 'D': "36"}[level]
	return plainly(e.node+"/debug", fmt.Sprintf("\x1b[0;%sm[%c][%s:%03d]: %s\x1b[0m", color, level, tag, 20+len(text)%300, text))
}

func (e *espVoice) whole() bool { return false }

func (e *espVoice) report(changed []*physics.Property) []broker.Message {
	var out []broker.Message
	for _, c := range e.components {
		told := slices.ContainsFunc(c.of, func(p *physics.Property) bool { return slices.Contains(changed, p) })
		if !told && !e.force[c] {
			continue
		}
		last := c.last
		messages := e.state(c)
		if c.kind == "event" {
			messages = []broker.Message{plainly(c.states[0].topic, c.states[0].text())}
		}
		if c.always || e.force[c] || c.last != last || c.kind == "event" {
			for _, s := range c.states {
				if s.log != nil {
					out = append(out, e.log('D', c.kind, s.log()))
				}
			}
			out = append(out, messages...)
		}
	}
	clear(e.force)
	return out
}

// state tells all topics of a component. An event has no state.
func (e *espVoice) state(c *espComponent) []broker.Message {
	if c.kind == "event" {
		return nil
	}
	var out []broker.Message
	all := ""
	for _, s := range c.states {
		text := s.text()
		out = append(out, plainly(s.topic, text))
		all += text + "\n"
	}
	c.last = all
	return out
}

func (e *espVoice) tick(now time.Time) []broker.Message {
	if e.born.IsZero() {
		e.born = now
	}
	e.now = now
	return nil
}

func (e *espVoice) hear(m broker.Message) heard {
	if m.Topic == espDiscover || m.Topic == "esphome/ping/"+e.node {
		return heard{said: []broker.Message{e.info()}}
	}
	c, ok := e.commands[m.Topic]
	if !ok {
		return heard{refused: "there is nothing to set"}
	}
	touched, err := c.do(string(m.Payload))
	if err != nil {
		text := fmt.Sprintf("'%s': %s", c.component.title(e), err)
		return heard{refused: err.Error(), said: []broker.Message{e.log('W', "mqtt."+c.component.kind, text)}}
	}
	if c.component.object == "restart" {
		return heard{restart: true, said: []broker.Message{e.log('I', "restart.button", "Restarting device...")}}
	}
	if len(c.component.states) > 0 {
		e.force[c.component] = true
	}
	return heard{touched: touched}
}

// title is the component's name, or the node's where it has none of its own.
func (c *espComponent) title(e *espVoice) string {
	if c.name == "" {
		return e.device.spec.Name
	}
	return c.name
}

// add adds a component. The main one of a node has no name of its own.
func (e *espVoice) add(kind, name string, config map[string]any, of ...*physics.Property) *espComponent {
	c := &espComponent{kind: kind, name: name, config: config, of: of}
	c.object = espObject(c.title(e))
	e.components = append(e.components, c)
	return c
}

// espObject is the object id that the firmware makes of a name: snake case, and everything that is no letter, digit, hyphen or
// underscore becomes an underscore.
func espObject(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(name))
}

func (e *espVoice) topic(c *espComponent, suffix string) string {
	return e.node + "/" + c.kind + "/" + c.object + "/" + suffix
}

// tell adds a topic of the component, and names it in the announcement by the key.
func (e *espVoice) tell(c *espComponent, key, suffix string, text func() string) {
	topic := e.topic(c, suffix)
	c.states = append(c.states, espState{topic: topic, text: text})
	c.config[key] = topic
}

// obey adds a command topic of the component.
func (e *espVoice) obey(c *espComponent, key, suffix string, do func(string) ([]*physics.Property, error)) {
	topic := e.topic(c, suffix)
	c.config[key] = topic
	e.commands[topic] = espCommand{c, do}
}

// discovery is the announcement of a component in the single-component form with short keys.
func (e *espVoice) discovery(c *espComponent) broker.Message {
	f := fnv.New32()
	_, _ = f.Write([]byte(c.title(e))) // never fails
	all := map[string]any{
		"name": c.name, "availability_topic": e.status(), "unique_id": fmt.Sprintf("%s-%s-%08x", e.mac, c.kind, f.Sum32()),
		"device": map[string]any{
			"identifiers": e.mac, "name": e.device.spec.Name, "sw_version": esphomeVersion + " (Nov  1 2024, 12:00:00)",
			"model": "d1_mini", "manufacturer": "Espressif", "suggested_area": e.device.spec.Room,
			"connections": [][2]string{{"mac", e.mac}},
		},
	}
	for key, v := range c.config {
		all[key] = v
	}
	return plainly("homeassistant/"+c.kind+"/"+e.node+"/"+c.object+"/config", string(marshal(abbreviate(all))))
}

// marshal is JSON without the escapes that are for web pages only.
func marshal(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // what the simulator says consists of strings, finite numbers, bools, nulls, lists and objects of them
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// fixed is a number with a fixed count of decimals.
func fixed(f float64, decimals int) string { return strconv.FormatFloat(f, 'f', decimals, 64) }

// aim is the value to which a property is on its way, or its value.
func aim(p *physics.Property) physics.Value {
	if p.Goal != nil {
		return p.Goal()
	}
	return p.Read()
}
