package tasmota

import (
	"slices"
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/address"
)

// maxBeacons is how many of the beacons that a device hears are kept apart.
const maxBeacons = 16

// particular are the keys of drivers that use words of their own, or shared words for something else, by the name of their block.
// OpenTherm's temperatures do not follow TempUnit.
var particular = map[string]map[string]quantity{
	"OPENTHERM": {
		"TB": celsius("Boiler temperature"), "TDHW": celsius("Hot water temperature"), "TOUT": celsius("Outside temperature"),
		"TRET": celsius("Return water temperature"), "DHWS": celsius("Hot water setpoint"), "TMAX": celsius("Heating setpoint maximum"),
		"BTMP.REQ": celsius("Boiler setpoint requested"), "BTMP.ACT": celsius("Boiler setpoint"), "BTMP.FAULT": flag("problem", "Boiler setpoint refused"),
		"HWTMP.REQ": celsius("Hot water setpoint requested"), "HWTMP.ACT": celsius("Hot water setpoint accepted"),
		"FLM":         {unit: "%", name: "Flame modulation"},
		"SLAVE.FAULT": flag("problem", "Fault"), "SLAVE.CH": flag("running", "Central heating"), "SLAVE.DHW": flag("running", "Hot water"),
		"SLAVE.FL": flag("running", "Flame"), "SLAVE.COOL": flag("running", "Cooling"), "SLAVE.CH2": flag("running", "Central heating 2"),
		"SLAVE.DIAG": flag("problem", "Diagnostic indication"),
		"ASFF.FC":    {name: "Fault code"}, "ASFF.OFC": {name: "Manufacturer's fault code"}, "conn": {name: "Connection"}, "settings": {name: "Settings"},
	},
	"LwReceived": loraWan,
	"LwDecoded":  loraWan,
	"IBEACON":    {"STATE": flag("presence", "Presence")},
}

// loraWan are the values of LoRaWAN nodes that the firmware decodes itself (xdrv_73_6_lorawan_decode.ino).
var loraWan = map[string]quantity{
	"Battery": {id: "voltage", class: "voltage", unit: "V"}, "SNR": {unit: "dB"}, "LastEvent": {class: "duration", unit: "s", scale: minutes},
	"DoorOpen": flag("door", ""), "Alarm": flag("problem", ""), "Button": flag("", ""), "Tamper": flag("tamper", ""), "Tilt": flag("", ""),
}

func celsius(name string) quantity { return quantity{class: "temperature", unit: "°C", name: name} }

// flag is a number that is 0 or 1.
func flag(class, name string) quantity { return quantity{class: class, name: name, truth: true} }

// particularly finds what a driver's own key means, by the keys that lead to it.
func particularly(path []string) (q quantity, known bool) {
	if len(path) < 2 {
		return quantity{}, false
	}
	block := path[0]
	if strings.HasPrefix(block, "MCP230") { // pins of a port expander: D0, OUT_D4
		name, _, ok := numbered(path[1])
		return flag("", ""), ok && len(path) == 2 && (name == "D" || name == "OUT_D")
	}
	if strings.HasPrefix(block, beaconPrefix) {
		block = "IBEACON"
	}
	keys := particular[block]
	if keys == nil {
		return quantity{}, false
	}
	if q, known = keys[path[len(path)-1]]; !known && len(path) > 2 {
		q, known = keys[path[len(path)-2]+"."+path[len(path)-1]]
	}
	return q, known
}

// about are the keys of telemetry that are about the message, and those that only name a thing. The block is empty for keys at the
// top.
func about(block, key string) bool {
	switch key {
	case "Time", "Epoch", "TempUnit", "PressureUnit", "SpeedUnit":
		return block == ""
	case "Id", "ID", "Mac", "MAC", "TotalStartTime", "Name", "Device", "Address":
		return block != ""
	case "RAW": // the frame that the flags beside it were read from
		return block == "OPENTHERM"
	case "END", "MS": // the end of a list, and since when a pin was as it was
		return strings.HasPrefix(block, "MCP230")
	case "Node", "Decoder", "DevEUIh", "DevEUIl", "FPort", "Payload": // its number with the bridge, and what the firmware did not decode
		return radio(block)
	}
	return key == ""
}

// beaconPrefix begins the names of the blocks that are kept of beacons.
const beaconPrefix = "IBEACON "

// block is the name under which a block of the telemetry is kept. The driver of beacons tells of all of them in a block of the same
// name, of one at a time; and pins that change are told in a block beside that of all pins.
func (d document) block(i int) string {
	switch key := d[i].key; key {
	case "IBEACON":
		if mac := d.said(i, "MAC"); address.MAC(mac) != "" {
			return beaconPrefix + strings.ToUpper(strings.ReplaceAll(mac, ":", ""))
		}
		return key
	case "MCP230XX_INT":
		return "MCP230XX"
	default:
		return key
	}
}

func (d document) said(i int, key string) string {
	if at := d.get(i, key); at > 0 {
		return d[at].text
	}
	return ""
}

// crowded says whether a block is of a beacon for which there is no room any more: those of phones change their addresses all day.
func (b *branch) crowded(block string) bool {
	if !strings.HasPrefix(block, beaconPrefix) {
		return false
	}
	n := 0
	for _, other := range b.inner {
		if strings.HasPrefix(other.key, beaconPrefix) {
			n++
		}
	}
	return n >= maxBeacons
}

// radio says whether a block has the devices that a radio bridge heard, each under its name.
func radio(block string) bool { return strings.HasSuffix(block, "Received") || block == "LwDecoded" }

// gestureKey is the event of a sensor of gestures.
const gestureKey = "APDS9960 Gesture"

// gestures are the words of that sensor, in whose block one of them stands in the place of the measurements: {"Left":1}.
var gestures = []string{"Up", "Down", "Left", "Right", "Long"}

// gesture returns the gesture that a block tells: None is one that was not recognised. ok is false for every other block.
func (d document) gesture(i int) (said string, ok bool) {
	if d[i].key != "APDS9960" || d[i].kind != object || i+1 >= int(d[i].end) || d[i+1].end != d[i].end {
		return "", false
	}
	said = d[i+1].key
	return said, said == "None" || slices.Contains(gestures, said)
}

// gestured takes a gesture.
func (r *report) gestured(said string) {
	if said == "None" || !r.learnEvent(gestureKey) {
		return
	}
	r.choice(devices.Ref{Component: eventID(gestureKey), Property: devices.EventType}, strings.ToLower(said))
}
