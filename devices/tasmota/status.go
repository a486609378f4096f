package tasmota

import (
	"strconv"
	"strings"

	"home.arpa/homehub/devices"
)

// The component of what the firmware says of itself, and its properties.
const (
	statusID     = "status"
	signalID     = "signal-strength"
	qualityID    = "wifi-quality"
	uptimeID     = "uptime"
	linksID      = "wifi-connects"
	connectsID   = "mqtt-connects"
	restartID    = "restart-reason"
	voltageID    = "voltage"
	batteryID    = "battery"
	batteryBlock = "battery"
)

func statusRef(id string) devices.Ref { return devices.Ref{Component: statusID, Property: id} }

// status builds what every device tells of itself: its network, and how long it has been running.
func (b *builder) status() {
	c := b.component(statusID, devices.Sensor, "Status")
	c.Category = "diagnostic"
	float := func(id, unit, class string) {
		b.add(c, devices.Property{ID: id, Datatype: devices.Float, Unit: unit, Class: class, Readable: true}, nil)
	}
	float(signalID, "dBm", "signal_strength")
	float(qualityID, "%", "")
	float(uptimeID, "s", "duration")
	float(linksID, "", "")
	float(connectsID, "", "")
	b.add(c, devices.Property{ID: restartID, Datatype: devices.String, Readable: true}, nil)
	if b.traits.Supply {
		float(voltageID, "V", "voltage")
	}
	if b.battery || b.traits.Battery {
		b.add(b.component(batteryBlock, devices.Sensor, "Battery"), devices.Property{
			ID: batteryID, Datatype: devices.Float, Unit: "%", Class: "battery", Readable: true,
		}, nil)
	}
}

// vitals reads what STATE and STATUS11 say of the firmware.
func (r *report) vitals(doc document, top int) {
	put := func(id string, f *field, parent string) {
		if n, ok := r.number(f, parent); ok {
			r.float(statusRef(id), n)
		}
	}
	seconds := false
	for at := top + 1; at < int(doc[top].end); at = int(doc[at].end) {
		switch f := &doc[at]; f.key {
		case "UptimeSec":
			put(uptimeID, f, "")
			seconds = true
		case "MqttCount":
			put(connectsID, f, "")
		case "Vcc":
			if r.d.built.Property(statusRef(voltageID)) != nil {
				put(voltageID, f, "")
			}
		case "BatteryPercentage":
			if ref := (devices.Ref{Component: batteryBlock, Property: batteryID}); r.d.built.Property(ref) != nil {
				if n, ok := r.number(f, ""); ok && n <= 100 { // 101 is no battery
					r.float(ref, n)
				}
			}
		case "Wifi":
			if f.kind == object {
				r.wifi(doc, at, put)
			}
		}
	}
	if at := doc.get(top, "Uptime"); at > 0 && !seconds {
		if n, ok := uptime(&doc[at]); ok {
			r.float(statusRef(uptimeID), n)
		}
	}
}

func (r *report) wifi(doc document, i int, put func(id string, f *field, parent string)) {
	for at := i + 1; at < int(doc[i].end); at = int(doc[at].end) {
		switch f := &doc[at]; f.key {
		case "Signal":
			put(signalID, f, "Wifi")
		case "RSSI":
			put(qualityID, f, "Wifi")
		case "LinkCount":
			put(linksID, f, "Wifi")
		}
	}
}

// uptime reads 3T04:05:06, in older firmware 3 04:05:06, and hours in the oldest.
func uptime(f *field) (seconds float64, ok bool) {
	if f.kind == number {
		return f.num * 3600, true
	}
	days, clock, ok := strings.Cut(strings.Replace(f.text, " ", "T", 1), "T")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, false
	}
	seconds = float64(n) * 86400
	unit := 3600.0
	for part := range strings.SplitSeq(clock, ":") {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || unit < 1 {
			return 0, false
		}
		seconds += float64(n) * unit
		unit /= 60
	}
	return seconds, true
}

// restarted takes the reason of the last restart, of STATUS1 or INFO3.
func (r *report) restarted(doc document, top int) {
	if reason := doc[doc.get(top, "RestartReason")].text; reason != "" {
		r.add(statusRef(restartID), devices.TextValue(clip(reason, 200)))
	}
}
