package zwavejs

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/fields"
	"home.arpa/homehub/devices/internal/jsontext"
)

// The command classes that mean something here.
const (
	binarySwitch     = 37
	multilevelSwitch = 38
	binarySensor     = 48
	multilevelSensor = 49
	meter            = 50
	colorSwitch      = 51
	thermostatMode   = 64
	operatingState   = 66
	setpoint         = 67
	centralScene     = 91
	doorLock         = 98
	barrier          = 102
	notification     = 113
	battery          = 128
	wakeUp           = 132
)

// classes are the command classes by what stands for them in topics.
var classes = func() map[string]int {
	m := map[string]int{
		"switch_binary": binarySwitch, "binary_switch": binarySwitch, "switch_multilevel": multilevelSwitch, "multilevel_switch": multilevelSwitch,
		"sensor_binary": binarySensor, "binary_sensor": binarySensor, "sensor_multilevel": multilevelSensor, "multilevel_sensor": multilevelSensor,
		"meter": meter, "switch_color": colorSwitch, "color_switch": colorSwitch, "thermostat_mode": thermostatMode, "thermostat_operating_state": operatingState, "thermostat_setpoint": setpoint,
		"central_scene": centralScene, "door_lock": doorLock, "barrier_operator": barrier, "notification": notification, "battery": battery,
		"wake_up": wakeUp,
	}
	for _, n := range []int{37, 38, 48, 49, 50, 51, 64, 66, 67, 91, 98, 102, 113, 128, 132} {
		m[strconv.Itoa(n)] = n
	}
	return m
}()

// currents are the properties that say where a node is, by those that say where it shall be.
var currents = map[string]string{"targetValue": "currentValue", "targetMode": "currentMode", "targetState": "currentState", "targetColor": "currentColor"}

// address is what a topic says of a value.
type address struct {
	topic         string // behind the node's
	class         int
	endpoint      int
	property, key string
}

// sibling is the topic of another property of the same class and endpoint.
func (a address) sibling(property string) string {
	s := a.topic
	if a.key != "" {
		s = s[:strings.LastIndexByte(s, '/')]
	}
	return s[:strings.LastIndexByte(s, '/')+1] + property
}

// split takes a topic apart: the node's location and name, the class, the endpoint, the property and its key, if it has one.
func split(topic string) (node string, at address, ok bool) {
	parts := strings.Split(topic, "/")
	for _, i := range []int{len(parts) - 3, len(parts) - 4} {
		if i < 1 {
			continue
		}
		class := classes[strings.ToLower(strings.ReplaceAll(parts[i], " ", "_"))]
		endpoint, err := strconv.Atoi(strings.TrimPrefix(parts[i+1], "endpoint_"))
		if class == 0 || err != nil || endpoint < 0 || endpoint > 127 || parts[i+2] == "" {
			continue
		}
		node = strings.Join(parts[:i], "/")
		at = address{topic: topic[len(node)+1:], class: class, endpoint: endpoint, property: parts[i+2]}
		if i+3 < len(parts) {
			at.key = parts[i+3]
		}
		return node, at, node != ""
	}
	return "", address{}, false
}

// nothing is the word of a reader that a value says nothing.
const nothing = "nothing"

// binding is a property of a value.
type binding struct {
	component devices.Component
	property  devices.Property
	read      func(v jsontext.Value) (value devices.Value, want string)
	write     func(v devices.Value) (topic, body string) // nil when it cannot be set
}

func (b binding) ref() devices.Ref {
	return devices.Ref{Component: b.component.ID, Property: b.property.ID}
}

// describe is what a value is in the model.
func (n *node) describe(at address, unit string) []binding {
	id := func(name string) string {
		if at.endpoint > 0 {
			name += "-" + strconv.Itoa(at.endpoint)
		}
		return name
	}
	property := strings.ReplaceAll(at.property, "_", " ")
	switch at.class {
	case binarySwitch:
		if at.property == "currentValue" {
			return []binding{truth(id("switch"), devices.Switch, devices.On, "", func(v devices.Value) (string, string) {
				return at.sibling("targetValue"), strconv.FormatBool(v.Bool())
			})}
		}
	case multilevelSwitch:
		return n.level(at, id)
	case binarySensor:
		if class, ok := binaryClasses[strings.ToLower(property)]; ok {
			return []binding{truth(id(devices.Slug(property)), devices.BinarySensor, devices.Slug(property), class, nil)}
		}
	case multilevelSensor:
		if s, ok := sensors[strings.ToLower(property)]; ok && devices.Slug(property) != "" {
			return []binding{number(id("sensor"), "", s.id, s.class, s.unit, scaleOf(unit))}
		}
	case meter:
		return meterOf(at, id)
	case colorSwitch:
		return colors(at, id)
	case thermostatMode, setpoint, operatingState:
		return climate(at, id, unit)
	case doorLock:
		if at.property == "currentMode" {
			b := choice(id("lock"), devices.Lock, devices.State, []string{"unlocked", "locked"}, map[int]string{
				0: "unlocked", 1: "unlocked", 16: "unlocked", 17: "unlocked", 32: "unlocked", 33: "unlocked", 254: nothing, 255: "locked", // some on one side only
			})
			b.property.Settable = true
			b.write = func(v devices.Value) (string, string) {
				if v.Text() == "locked" {
					return at.sibling("targetMode"), "255"
				}
				return at.sibling("targetMode"), "0"
			}
			return []binding{b}
		}
	case barrier:
		if at.property == "currentState" {
			b := choice(id("cover"), devices.Cover, devices.State, []string{"open", "opening", "closed", "closing", "stopped"}, map[int]string{0: "closed", 252: "closing", 253: "stopped", 254: "opening", 255: "open"})
			b.property.Settable, b.property.Wanted = true, []string{"open", "closed"}
			b.write = func(v devices.Value) (string, string) {
				if v.Text() == "open" {
					return at.sibling("targetState"), "255"
				}
				return at.sibling("targetState"), "0"
			}
			return []binding{b}
		}
	case notification:
		return notice(property, strings.ReplaceAll(at.key, "_", " "), id)
	case battery:
		switch at.property {
		case "level":
			return []binding{number("battery", "diagnostic", devices.Battery, "battery", "%", same)}
		case "isLow":
			b := truth("battery-low", devices.BinarySensor, "battery", "battery", nil)
			b.component.Category = "diagnostic"
			return []binding{b}
		}
	case centralScene:
		if at.property == "scene" && devices.Slug(at.key) != "" {
			return []binding{scene(at.key)}
		}
	}
	return nil
}

// level is a dimmer, or what moves a cover.
func (n *node) level(at address, id func(string) string) []binding {
	target := at.sibling("targetValue")
	switch {
	case n.cover && (at.property == "Up" || at.property == "Open"):
		b := truth(id("cover"), devices.Cover, devices.Stop, "", func(devices.Value) (string, string) { return at.topic, "false" })
		b.property.Readable, b.property.Momentary = false, true
		b.read = func(jsontext.Value) (devices.Value, string) { return devices.Value{}, nothing }
		return []binding{b}
	case at.property == "Up" || at.property == "Open":
		return []binding{(&node{facts: facts{cover: true}}).level(at, id)[0]}
	case at.property != "currentValue":
		return nil
	case n.cover:
		position := percent(id("cover"), devices.Cover, devices.Position, target)
		state := choice(id("cover"), devices.Cover, devices.State, []string{"open", "closed"}, nil)
		state.read = func(v jsontext.Value) (devices.Value, string) {
			f, ok := v.Number()
			if ok && f == 0 {
				return devices.EnumValue("closed"), ""
			}
			return devices.EnumValue("open"), map[bool]string{true: "", false: "a number"}[ok]
		}
		state.property.Settable = true
		state.write = func(v devices.Value) (string, string) {
			return target, map[bool]string{true: "99", false: "0"}[v.Text() == "open"]
		}
		return []binding{position, state}
	}
	on := truth(id("light"), devices.Light, devices.On, "", func(v devices.Value) (string, string) {
		return target, map[bool]string{true: "255", false: "0"}[v.Bool()]
	})
	on.read = func(v jsontext.Value) (devices.Value, string) {
		f, ok := v.Number()
		return devices.BoolValue(f > 0), map[bool]string{true: "", false: "a number"}[ok]
	}
	return []binding{on, percent(id("light"), devices.Light, devices.Brightness, target)}
}

// percent is a level of 0 to 99.
func percent(component string, kind devices.Kind, property, target string) binding {
	low, top := 0.0, 100.0
	b := number(component, "", property, "", "%", same)
	b.component.Kind = kind
	b.property.Min, b.property.Max, b.property.Step, b.property.Settable = &low, &top, 100.0/99, true
	b.read = func(v jsontext.Value) (devices.Value, string) {
		f, ok := v.Number()
		if !ok || f < 0 || f > 99 {
			return devices.Value{}, "a number from 0 to 99"
		}
		value, _ := devices.FloatValue(math.Round(f/99*1e4) / 100)
		return value, ""
	}
	b.write = func(v devices.Value) (string, string) {
		return target, strconv.Itoa(int(math.Round(min(max(v.Float(), 0), 100) * 99 / 100)))
	}
	return b
}

// colors are the color of a light, and its white channels, which are values of their own.
func colors(at address, id func(string) string) []binding {
	white := map[string]string{"0": devices.WarmWhite, "1": devices.ColdWhite}[at.key]
	switch {
	case at.property == "hexColor" && at.key == "":
		b := truth(id("light"), devices.Light, devices.ColorHS, "", func(v devices.Value) (string, string) {
			hue, saturation := v.Color()
			r, g, b := devices.HSVToRGB(hue, saturation, 100)
			return at.topic, fmt.Sprintf(`"%02x%02x%02x"`, int(math.Round(r)), int(math.Round(g)), int(math.Round(b)))
		})
		b.property.Datatype = devices.Color
		b.read = readHex
		return []binding{b}
	case at.property == "currentColor" && white != "":
		low, top := 0.0, 100.0
		b := number(id("light"), "", white, "", "%", scale{factor: 100.0 / 255})
		b.component.Kind = devices.Light
		b.property.Min, b.property.Max, b.property.Step, b.property.Settable = &low, &top, 100.0/255, true
		b.write = func(v devices.Value) (string, string) {
			return at.sibling("targetColor") + "/" + at.key, strconv.Itoa(int(math.Round(v.Float() * 255 / 100)))
		}
		return []binding{b}
	}
	return nil
}

// readHex reads a color such as ff8000; black is what a lamp says that is white.
func readHex(v jsontext.Value) (devices.Value, string) {
	s := strings.TrimPrefix(v.Text(), "#")
	if v.Kind() == jsontext.Number { // 102030
		s = v.JSON()
	}
	value, err := devices.Property{Datatype: devices.Color}.ParseText("#" + s)
	switch {
	case err != nil:
		return devices.Value{}, "a color such as ff8000"
	case s == "000000":
		return devices.Value{}, nothing
	}
	return value, ""
}

// climate is a part of a thermostat.
func climate(at address, id func(string) string, unit string) []binding {
	target := func(b binding, write func(v devices.Value) string) []binding {
		b.property.Settable = true
		b.write = func(v devices.Value) (string, string) { return at.topic, write(v) }
		return []binding{b}
	}
	switch {
	case at.class == thermostatMode && at.property == "mode":
		modes := []string{"off", "heat", "cool", "auto", "", "", "fan_only", "", "dry"}
		// Those that are a way to heat or cool: auxiliary, furnace, changing over, saving energy, away, full power, the maker's own.
		words := map[int]string{4: "heat", 7: "heat", 10: "auto", 11: "heat", 12: "cool", 13: "auto", 15: "heat", 31: "auto"}
		choices := []string{}
		for i, m := range modes {
			if m != "" {
				words[i], choices = m, append(choices, m)
			}
		}
		return target(choice(id("climate"), devices.Climate, devices.Mode, choices, words), func(v devices.Value) string {
			for i, m := range modes {
				if m == v.Text() {
					return strconv.Itoa(i)
				}
			}
			return "0"
		})
	case at.class == operatingState && at.property == "state":
		return []binding{choice(id("climate"), devices.Climate, devices.Action, []string{"idle", "heating", "cooling", "fan"},
			map[int]string{
				0: "idle", 1: "heating", 2: "cooling", 3: "fan", 4: "idle", 5: "idle", 6: "fan", 7: "heating", 8: "heating", 9: "cooling", 10: "heating", 11: "heating",
			})}
	case at.class == setpoint && at.property == "setpoint":
		property := map[string]string{"1": devices.TargetTemperature, "2": "cooling-temperature", "11": "eco-temperature", "12": "eco-cooling-temperature", "13": "away-temperature"}[at.key]
		if property == "" {
			return nil
		}
		s := scaleOf(unit)
		b := number(id("climate"), "", property, "temperature", "°C", s)
		b.component.Kind = devices.Climate
		return target(b, func(v devices.Value) string {
			return strconv.FormatFloat(math.Round((v.Float()-s.offset)/s.factor*10)/10, 'f', -1, 64)
		})
	}
	return nil
}

// meterOf is a meter's value. Its key is the meter's type, scale and direction in a number's bytes.
func meterOf(at address, id func(string) string) []binding {
	key, err := strconv.Atoi(at.key)
	if at.property != "value" || err != nil || key < 0 || key > 1<<24 {
		return nil
	}
	q, ok := map[int]quantity{
		0x100: {"energy", "energy", "kWh"}, 0x102: {"power", "power", "W"}, 0x104: {"voltage", "voltage", "V"}, 0x105: {"current", "current", "A"},
		0x106: {"power-factor", "power_factor", ""}, 0x200: {"gas", "gas", "m³"}, 0x201: {"gas", "gas", "m³"}, 0x300: {"water", "water", "m³"},
		0x301: {"water", "water", "m³"}, 0x302: {"water", "water", "m³"}, 0x400: {"heat", "energy", "kWh"}, 0x500: {"cold", "energy", "kWh"},
	}[key>>8]
	s := same
	switch key >> 8 {
	case 0x201, 0x301: // cubic feet
		s.factor = 0.028316846592
	case 0x302: // gallons
		s.factor = 0.003785411784
	}
	if !ok {
		return nil
	}
	if key&0xff == 2 { // what it gives back
		q.id += "-returned"
	}
	return []binding{number(id("meter"), "", q.id, q.class, q.unit, s)}
}

// notice is the state of a notification.
func notice(kind, key string, id func(string) string) []binding {
	b := func(name, class string, on ...int) []binding {
		out := truth(id(name), devices.BinarySensor, name, class, nil)
		out.read = func(v jsontext.Value) (devices.Value, string) {
			n, ok := v.Whole(255)
			if !ok {
				return devices.Value{}, "the number of a state"
			}
			for _, x := range on {
				if n == x {
					return devices.BoolValue(true), ""
				}
			}
			return devices.BoolValue(false), ""
		}
		return []binding{out}
	}
	switch kind + "/" + key {
	case "Home Security/Motion sensor status":
		return b("motion", "motion", 7, 8)
	case "Home Security/Cover status":
		return b("tamper", "tamper", 3, 9)
	case "Home Security/Sensor status":
		return b("intrusion", "safety", 1, 2, 5, 6) // 5 and 6 are glass that breaks
	case "Access Control/Door state", "Access Control/Door state (simple)", "Access Control/Door state simple":
		return b("door", "door", 22)
	case "Water Alarm/Sensor status":
		return b("leak", "moisture", 1, 2)
	case "Smoke Alarm/Sensor status":
		return b("smoke", "smoke", 1, 2)
	case "CO2 Alarm/Sensor status":
		return b("carbon-dioxide", "gas", 1, 2)
	case "Gas Alarm/Combustible gas status":
		return b("gas", "gas", 1, 2)
	case "CO Alarm/Sensor status":
		return b("carbon-monoxide", "carbon_monoxide", 1, 2)
	case "Heat Alarm/Heat sensor status", "Heat Alarm/Sensor status":
		return b("heat", "heat", 1, 2)
	}
	return nil
}

// scene is what somebody does with a button.
func scene(key string) binding {
	words := []string{"pressed", "released", "held", "pressed_2x", "pressed_3x", "pressed_4x", "pressed_5x"}
	states := map[int]string{}
	for i, w := range words {
		states[i] = w
	}
	b := choice("scene-"+devices.Slug(key)[:min(len(devices.Slug(key)), 20)], devices.EventSource, devices.EventType, words, states)
	b.component.Name = "Scene " + fields.Title(key)
	b.property.Momentary = true
	return b
}

func truth(component string, kind devices.Kind, property, class string, write func(devices.Value) (string, string)) binding {
	return binding{
		component: devices.Component{ID: component, Kind: kind, Name: fields.Title(component)},
		property:  devices.Property{ID: property, Datatype: devices.Bool, Class: class, Readable: true, Settable: write != nil},
		write:     write,
		read: func(v jsontext.Value) (devices.Value, string) {
			if b, ok := v.Bool(); ok {
				return devices.BoolValue(b), ""
			}
			return devices.Value{}, "true or false"
		},
	}
}

func number(component, category, property, class, unit string, s scale) binding {
	return binding{
		component: devices.Component{ID: component, Kind: devices.Sensor, Name: fields.Title(component), Category: category},
		property:  devices.Property{ID: property, Datatype: devices.Float, Class: class, Unit: unit, Readable: true},
		read: func(v jsontext.Value) (devices.Value, string) {
			f, ok := v.Number()
			value, err := devices.FloatValue(math.Round((f*s.factor+s.offset)*1e4) / 1e4)
			if !ok || err != nil {
				return devices.Value{}, "a number"
			}
			return value, ""
		},
	}
}

func choice(component string, kind devices.Kind, property string, choices []string, words map[int]string) binding {
	return binding{
		component: devices.Component{ID: component, Kind: kind, Name: fields.Title(component)},
		property:  devices.Property{ID: property, Datatype: devices.Enum, Choices: choices, Readable: true},
		read: func(v jsontext.Value) (devices.Value, string) {
			n, ok := v.Whole(255)
			switch word := words[n]; {
			case !ok || word == "":
				return devices.Value{}, "the number of one of " + strings.Join(choices, ", ")
			case word == nothing:
				return devices.Value{}, nothing
			default:
				return devices.EnumValue(word), ""
			}
		},
	}
}

// scale brings a number into the model's unit.
type scale struct{ factor, offset float64 }

var same = scale{factor: 1}

func scaleOf(unit string) scale {
	if unit == "°F" {
		return scale{5.0 / 9, -160.0 / 9}
	}
	return same
}

// quantity is what a sensor measures.
type quantity struct{ id, class, unit string }

// sensors are the kinds of multilevel sensors, with the unit in which Z-Wave JS has them unless it says another.
var sensors = map[string]quantity{
	"air temperature": {"temperature", "temperature", "°C"}, "temperature": {"temperature", "temperature", "°C"}, "water temperature": {"water-temperature", "temperature", "°C"},
	"humidity": {"humidity", "humidity", "%"}, "illuminance": {"illuminance", "illuminance", ""}, "luminance": {"illuminance", "illuminance", ""}, "power": {"power", "power", "W"}, "voltage": {"voltage", "voltage", "V"},
	"current": {"current", "current", "A"}, "carbon dioxide (co2) level": {"carbon-dioxide", "carbon_dioxide", "ppm"}, "carbon dioxide co2 level": {"carbon-dioxide", "carbon_dioxide", "ppm"},
	"ultraviolet": {"uv-index", "", ""}, "dew point": {"dew-point", "temperature", "°C"}, "moisture": {"moisture", "moisture", "%"},
	"particulate matter 2.5": {"pm25", "pm25", "µg/m³"}, "particulate matter 25": {"pm25", "pm25", "µg/m³"},
}

// binaryClasses are the kinds of binary sensors with their device classes.
var binaryClasses = map[string]string{
	"any": "", "general purpose": "", "smoke": "smoke", "co": "carbon_monoxide", "co2": "gas", "heat": "heat", "water": "moisture", "freeze": "cold", "tamper": "tamper",
	"aux": "", "door/window": "opening", "door-window": "opening", "tilt": "opening", "motion": "motion", "glass break": "safety",
}
