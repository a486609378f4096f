package homie

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// What a device may say aside at most: more alerts are not shown, longer texts are cut.
const (
	maxAlerts    = 16
	maxAsideText = 200
)

// aside is what a device in Homie 5 says beside its properties: alerts, which stay until it takes them back, and lines of its log. The
// two are shown as components of their own as soon as the device has used them.
type aside struct {
	alerting, logging bool
	alerts            map[string]string // by ID
	line              string            // the last one
}

// The IDs of the components, and the properties in them.
const (
	alertPart = "alert"
	logPart   = "log"
	problem   = "problem" // bool: there is an alert
	message   = "message" // text
)

// levels are those of the log that are worth showing; debug is for those who look at the topics.
var levels = map[string]bool{"info": true, "warn": true, "error": true, "fatal": true}

// hearAside takes an alert or a line of the log. Rest is the topic below the device.
func (c *Convention) hearAside(key, rest string, m broker.Message) hub.Update {
	what, id, _ := strings.Cut(rest, "/")
	d := c.devices[key]
	if d == nil || what != "$alert" && what != "$log" {
		return hub.Update{}
	}
	switch {
	case !utf8.Valid(m.Payload):
		return fault(key, m.Topic, errUTF8.Error())
	case what == "$alert" && !validID(id):
		return fault(key, m.Topic, "the alert's ID is not of a-z, 0-9 and hyphens, or longer than 64")
	case what == "$log" && id != "debug" && !levels[id]:
		return fault(key, m.Topic, "the level of the log is not debug, info, warn, error or fatal")
	}
	before := d.aside.parts(nil)
	u := hub.Update{}
	if what == "$alert" {
		d.aside.alert(id, clip(string(m.Payload)))
		u.Readings = d.aside.alertReadings(key, m.Retain)
	} else {
		if id == "debug" || m.Retain && len(m.Payload) > 0 {
			return hub.Update{} // a line that was kept is history
		}
		d.aside.logging = true
		if len(m.Payload) > 0 {
			d.aside.line = id + ": " + clip(string(m.Payload))
			u.Readings = d.aside.logReadings(key, false)
		}
	}
	switch {
	case d.announced == nil:
		return hub.Update{} // it is told with the description
	case len(d.aside.parts(nil)) != len(before):
		u.Devices = []hub.Announced{d.told()}
	}
	u.Readings = d.placed(u.Readings)
	return u
}

// alert notes an alert, or with an empty text that it is over.
func (a *aside) alert(id, text string) {
	a.alerting = true
	switch _, known := a.alerts[id]; {
	case text == "":
		delete(a.alerts, id)
	case known || len(a.alerts) < maxAlerts:
		if a.alerts == nil {
			a.alerts = map[string]string{}
		}
		a.alerts[id] = text
	}
}

// parts are the components for what the device has used.
func (a *aside) parts(taken func(id string) bool) []devices.Component {
	var parts []devices.Component
	name := func(id string) string {
		for taken != nil && taken(id) {
			id += "s"
		}
		return id
	}
	text := devices.Property{ID: message, Datatype: devices.String, Readable: true}
	if a.alerting {
		flag := devices.Property{ID: problem, Datatype: devices.Bool, Class: problem, Readable: true}
		parts = append(parts, devices.Component{
			ID: name(alertPart), Kind: devices.BinarySensor, Name: "Alerts", Category: "diagnostic", Properties: []devices.Property{text, flag},
		})
	}
	if a.logging {
		parts = append(parts, devices.Component{
			ID: name(logPart), Kind: devices.Sensor, Name: "Log", Category: "diagnostic", Hidden: true, Properties: []devices.Property{text},
		})
	}
	return parts
}

func (a *aside) alertReadings(key string, replayed bool) []hub.Reported {
	if !a.alerting {
		return nil
	}
	var texts []string
	for _, id := range slices.Sorted(maps.Keys(a.alerts)) {
		texts = append(texts, id+": "+a.alerts[id])
	}
	return []hub.Reported{
		{Key: key, Ref: devices.Ref{Component: alertPart, Property: problem}, Value: devices.BoolValue(len(texts) > 0), Replayed: replayed},
		{Key: key, Ref: devices.Ref{Component: alertPart, Property: message}, Value: devices.TextValue(strings.Join(texts, "; ")), Replayed: replayed},
	}
}

func (a *aside) logReadings(key string, replayed bool) []hub.Reported {
	if a.line == "" {
		return nil
	}
	return []hub.Reported{{Key: key, Ref: devices.Ref{Component: logPart, Property: message}, Value: devices.TextValue(a.line), Replayed: replayed}}
}

// readings is all that was said aside before the description came.
func (d *device) readings() []hub.Reported {
	key := d.announced.key
	return d.placed(append(d.aside.alertReadings(key, false), d.aside.logReadings(key, false)...))
}

// placed gives readings the names that the components have beside the device's own nodes.
func (d *device) placed(readings []hub.Reported) []hub.Reported {
	for i := range readings {
		for readings[i].Component != "" && d.announced.device.Component(readings[i].Component) != nil {
			readings[i].Component += "s"
		}
	}
	return readings
}

// told is the device as the hub is told of it: as it describes itself, with what it says aside. The messages by which it is made known
// again say that it has alerts and a log, not what is in them.
func (d *device) told() hub.Announced {
	a := d.announced
	told := hub.Announced{Key: a.key, Device: a.device.Clone(), Availability: true, Sources: slices.Clone(a.sources)}
	parts := d.aside.parts(func(id string) bool { return a.device.Component(id) != nil })
	told.Device.Components = append(told.Device.Components, parts...)
	told.Device.Sort()
	base := d.domain + "/5/" + d.id
	if d.aside.alerting {
		told.Sources = append(told.Sources, broker.Message{Topic: base + "/$alert/none"})
	}
	if d.aside.logging {
		told.Sources = append(told.Sources, broker.Message{Topic: base + "/$log/info"})
	}
	return told
}

// clip bounds a text, at a character.
func clip(s string) string {
	if len(s) <= maxAsideText {
		return s
	}
	cut := maxAsideText
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
