package owntracks

import (
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/fields"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

// keptType marks the message by which a phone announces itself again.
const keptType = "kept"

// phone is one device that an app runs on.
type phone struct {
	key             string // user/device
	name            string // on its card
	model, firmware string
	fields          fields.Set
	regions         []string // in which it is, as far as it said what it enters and leaves
	told            bool     // it has said something of regions
	lists           bool     // its locations name the regions in which it is, and leave the list out when there are none
	connected       bool
}

// tracker are the fields of a location that every phone has.
var tracker = []struct{ key, id, name, unit string }{
	{"lat", devices.Latitude, "", "°"}, {"lon", devices.Longitude, "", "°"}, {"acc", devices.Accuracy, "", "m"},
}

const trackerID = "tracker"

// locationFields are the other fields of a location, and those of other messages, that become known when they are heard.
var locationFields = func() map[string]fields.Meaning {
	plain := func(id, class, unit string) fields.Meaning { return fields.Sensor(class, unit).Named(id) }
	enum := func(component, name, id string, choices, words []string) fields.Meaning {
		return fields.Meaning{Component: component, Kind: devices.Sensor, Name: name, Category: "diagnostic", Words: words, Property: devices.Property{
			ID: id, Name: fields.Title(id), Datatype: devices.Enum, Choices: choices,
		}}
	}
	return map[string]fields.Meaning{
		"batt": fields.Sensor("battery", "%").Diagnostic("battery", "Battery"),
		"bs":   enum("battery", "Battery", "state", []string{"unknown", "unplugged", "charging", "full"}, []string{"0", "1", "2", "3"}),
		"conn": enum("link", "Connection", "network", []string{"wifi", "offline", "mobile"}, []string{"w", "o", "m"}),
		"alt":  plain("altitude", "distance", "m"), "vel": plain("speed", "speed", "km/h"), "cog": plain("course", "", "°"),
		"p": fields.Sensor("atmospheric_pressure", "hPa").Named("pressure").Times(10), "steps": plain("steps", "", ""),
	}
}()

// announce tells the hub of the phone.
func (d *phone) announce(c *Convention, u *hub.Update) {
	user, id, _ := strings.Cut(d.key, "/")
	v := devices.Device{
		Name: d.name, Model: d.model, Firmware: d.firmware, Identifiers: []string{c.base + "/" + d.key}, Convention: Name, Components: d.fields.Components(),
	}
	if v.Name == "" {
		v.Name = jsontext.Clip(user, 60) + " " + jsontext.Clip(id, 60)
	}
	where := []devices.Property{{ID: devices.Place, Datatype: devices.String, Readable: true}}
	for _, f := range tracker {
		where = append(where, devices.Property{ID: f.id, Datatype: devices.Float, Unit: f.unit, Readable: true})
	}
	v.Components = append(v.Components, devices.Component{ID: trackerID, Kind: devices.Tracker, Properties: where})
	for _, a := range acts {
		v.Components = append(v.Components, devices.Component{ID: a.id, Kind: devices.Button, Name: a.name, Category: "config", Properties: []devices.Property{
			{ID: devices.Press, Datatype: devices.Bool, Settable: true, Momentary: true},
		}})
	}
	v.Sort()
	u.Devices = slices.DeleteFunc(u.Devices, func(a hub.Announced) bool { return a.Key == d.key })
	u.Devices = append(u.Devices, hub.Announced{Key: d.key, Device: v, Availability: true, Sources: []broker.Message{d.source(c)}})
}

// source is a message by which the phone announces itself again. It has no place in it.
func (d *phone) source(c *Convention) broker.Message {
	var b strings.Builder
	b.WriteString(`{"_type":"` + keptType + `","name":` + jsontext.Quote(d.name) + `,"model":` + jsontext.Quote(d.model) + `,"firmware":` + jsontext.Quote(d.firmware))
	if d.lists {
		b.WriteString(`,"lists":true`)
	}
	d.fields.Samples(&b)
	b.WriteByte('}')
	return broker.Message{Topic: c.base + "/" + d.key + "/status", Payload: []byte(b.String()), Retain: true}
}

// hear takes one message of the phone.
func (d *phone) hear(c *Convention, kind string, v jsontext.Value, m broker.Message, u *hub.Update) {
	switch kind {
	case "location":
		d.learn(c, v, u)
		d.locate(c, v, m, u)
		d.where(c, v.Get("inregions"), u)
		d.online(m, u)
	case "transition":
		d.locate(c, v, m, u)
		d.transition(c, v, m, u)
		d.online(m, u)
	case "steps":
		d.learn(c, v, u)
		d.locate(c, v, m, u)
	case "lwt":
		d.connected = false
		u.Reaches = append(u.Reaches, hub.Reached{Key: d.key, Reach: devices.Reach{Presence: devices.Offline, Why: "the app lost its connection"}})
	case "card":
		if name := jsontext.Clip(v.Get("name").Text(), 60); name != "" && name != d.name {
			d.name = name
			d.announce(c, u)
		}
	case "status":
		ios := v.Get("iOS")
		model, firmware := jsontext.Clip(ios.Get("deviceModel").Text(), 60), jsontext.Clip(ios.Get("version").Text(), 60)
		if model != "" && (model != d.model || firmware != d.firmware) {
			d.model, d.firmware = model, firmware
			d.announce(c, u)
		}
	case keptType:
		d.name, d.model, d.firmware = jsontext.Clip(v.Get("name").Text(), 60), jsontext.Clip(v.Get("model").Text(), 60), jsontext.Clip(v.Get("firmware").Text(), 60)
		d.lists, _ = v.Get("lists").Bool()
		d.learn(c, v, u)
		d.announce(c, u)
	}
}

// learn notes the fields that are new.
func (d *phone) learn(c *Convention, v jsontext.Value, u *hub.Update) {
	grown := false
	for f := range v.Children() {
		if meaning, ok := locationFields[f.Key()]; ok && f.Is() {
			grown = d.fields.Learn(f.Key(), meaning, f) || grown
		}
	}
	if grown {
		d.announce(c, u)
	}
}

// locate reports the numbers of a message.
func (d *phone) locate(c *Convention, v jsontext.Value, m broker.Message, u *hub.Update) {
	fault := func(reason string) {
		if len(u.Faults) < maxFaults {
			u.Faults = append(u.Faults, hub.Fault{Key: d.key, Topic: m.Topic, Reason: reason})
		}
	}
	for _, f := range tracker {
		x := v.Get(f.key)
		if !x.Is() {
			continue
		}
		n, ok := x.Number()
		value, err := devices.FloatValue(n)
		if limit := map[string]float64{"lat": 90, "lon": 180}[f.key]; !ok || err != nil || limit > 0 && (n < -limit || n > limit) {
			fault("expected a number of " + f.unit + " at " + f.key + ", got " + x.Said())
			continue
		}
		u.Readings = append(u.Readings, hub.Reported{Key: d.key, Ref: devices.Ref{Component: trackerID, Property: f.id}, Value: value})
	}
	for f := range v.Children() {
		ref, value, ok, err := d.fields.Read(f.Key(), f)
		if err != nil {
			fault(err.Error())
		} else if ok {
			u.Readings = append(u.Readings, hub.Reported{Key: d.key, Ref: ref, Value: value})
		}
	}
}

// where takes the list of regions in which the phone is. Apps leave an empty one out; what never has one is where its transitions say that
// it went last, if it ever said. Where it is from its position alone is not judged.
func (d *phone) where(c *Convention, list jsontext.Value, u *hub.Update) {
	if list.Kind() == jsontext.List && !d.lists {
		d.lists = true
		d.announce(c, u)
	}
	if d.lists {
		d.told, d.regions = true, d.regions[:0]
		for r := range list.Children() {
			d.enter(r.Text())
		}
	}
	d.tellPlace(c, u)
}

func (d *phone) enter(region string) {
	if region = jsontext.Clip(region, fields.MaxText); region != "" && len(d.regions) < maxRegions && !slices.Contains(d.regions, region) {
		d.regions = append(d.regions, region)
	}
}

// transition takes the news that the phone entered or left a region.
func (d *phone) transition(c *Convention, v jsontext.Value, m broker.Message, u *hub.Update) {
	region := jsontext.Clip(v.Get("desc").Text(), fields.MaxText)
	switch event := v.Get("event"); event.Text() {
	case "enter":
		d.enter(region)
	case "leave":
		d.regions = slices.DeleteFunc(d.regions, func(r string) bool { return r == region })
	default:
		u.Faults = append(u.Faults, hub.Fault{Key: d.key, Topic: m.Topic, Reason: "expected enter or leave at event, got " + event.Said()})
		return
	}
	d.told = true
	d.tellPlace(c, u)
}

// tellPlace reports home if the phone is there, else the region that it entered first, else that it is away.
func (d *phone) tellPlace(c *Convention, u *hub.Update) {
	if !d.told {
		return
	}
	place := "not_home"
	for _, r := range d.regions {
		if p := c.place(r); p == "home" || place == "not_home" {
			place = p
		}
	}
	u.Readings = append(u.Readings, hub.Reported{Key: d.key, Ref: devices.Ref{Component: trackerID, Property: devices.Place}, Value: devices.TextValue(place)})
}

// online notes that the app is connected: it spoke live.
func (d *phone) online(m broker.Message, u *hub.Update) {
	if !m.Retain && !d.connected {
		d.connected = true
		u.Reaches = append(u.Reaches, hub.Reached{Key: d.key, Reach: devices.Reach{Presence: devices.Online, Why: "the app reported where it is"}})
	}
}
