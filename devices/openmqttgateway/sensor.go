package openmqttgateway

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/address"
	"home.arpa/homehub/devices/internal/fields"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/devices/internal/rtldata"
	"home.arpa/homehub/hub"
)

const (
	// keptSensor is the member of the message by which a sensor announces itself again that has its key.
	keptSensor = "kept-key"
	maxFaults  = 4 // that are told of one message
	sightings  = 2 // messages of a radio sensor before it is taken for one
)

// sensor is what a gateway hears: a Bluetooth device by its address, or a radio sensor by its identity.
type sensor struct {
	key       string
	mac       string // empty for radio sensors, and for beacons that are known by their UUID
	identity  rtldata.Identity
	brand     string
	model     string
	kind      string               // the decoder's type of a Bluetooth device: THB, CTMO, …
	hints     [len(hinting)]string // what tells the unit, or the meaning, of other fields
	fields    fields.Set
	ears      ears
	seen      int
	packet    float64 // the number of the last packet, where the sensor counts them
	encrypted bool    // it was said that its values cannot be read
	announced bool
}

// hinting are the fields that tell the units of others.
var hinting = [...]string{"model_id", "unit", "avgu", "sumu"}

// takeBluetooth takes what a gateway decoded of a Bluetooth device.
func (c *Convention) takeBluetooth(g *gateway, m broker.Message, p *parsed, u *hub.Update) {
	mac := address.MAC(p.value.Get("mac").Text())
	if mac == "" {
		mac = address.MAC(p.value.Get("id").Text())
	}
	if mac == "" {
		mac = address.MAC(p.rest)
	}
	key := "ble/" + mac
	if uuid, ok := uuidTopic(p.rest); ok {
		key, mac = "ble/"+uuid, ""
	} else if mac == "" {
		return
	}
	s := c.sensors[key]
	if s == nil {
		if !stays(p.value, mac) {
			return // a device of which only the signal is known is anybody's
		}
		if c.bluetooth >= maxSensors {
			c.tooMany(g, m, u)
			return
		}
		s = &sensor{key: key, mac: mac, packet: -1}
		c.sensors[key] = s
		c.bluetooth++
	}
	changed := s.describe(p.value)
	c.take(g, s, m, p.value, changed, u)
	if p.value.Get("encr").Is() && p.value.Get("cipher").Is() && !s.encrypted {
		s.encrypted = true
		u.Faults = append(u.Faults, hub.Fault{Key: s.key, Topic: m.Topic, Reason: "expected the sensor's values, got encrypted ones: the gateway needs the sensor's key to read them"})
	}
}

// uuidTopic says whether the topic of a beacon is its UUID, as gateways can be told to write it.
func uuidTopic(rest string) (string, bool) {
	uuid := strings.ToLower(strings.ReplaceAll(rest, "-", ""))
	return uuid, len(uuid) == 32 && strings.Trim(uuid, "0123456789abcdef") == ""
}

// stays says whether a device is worth announcing: the decoder knew its model, and its address will be the same tomorrow. What the
// decoder marks as having a random address has one; of what is nobody's model, a beacon or a battery service, the address must be
// known to stay.
func stays(v jsontext.Value, mac string) bool {
	if v.Get(keptSensor).Is() {
		return true
	}
	if v.Get("model_id").Text() == "" {
		return false
	}
	if prmac, _ := v.Get("prmac").Bool(); prmac || v.Get("type").Text() == "RMAC" {
		return false
	}
	kind, told := v.Get("mac_type").Number()
	if told && kind != 0 && mac != "" && address.Random(mac) {
		return false
	}
	switch v.Get("model_id").Text() {
	case "IBEACON", "ServiceData", "MS-CDP", "GAEN", "APPLE_CONT", "APPLE_CONTAT", "APPLEWATCH", "APPLEDEVICE":
		return told || mac == ""
	}
	return true
}

// tooMany says once that there are more sensors than can be kept.
func (c *Convention) tooMany(g *gateway, m broker.Message, u *hub.Update) {
	if !c.full {
		c.full = true
		u.Faults = append(u.Faults, hub.Fault{Key: g.key, Topic: m.Topic, Reason: "it hears more sensors than can be kept; those that are gone can be removed"})
	}
}

// describe takes the model of a Bluetooth device. The first one holds: some sensors send in several formats, each of which the
// decoder gives a name of its own.
func (s *sensor) describe(v jsontext.Value) (changed bool) {
	for i, key := range hinting {
		if s.hints[i] == "" {
			s.hints[i] = jsontext.Clip(v.Get(key).Text(), 40)
		}
	}
	if v.Get("encr").Is() && s.model != "" || v.Get("model").Text() == "" {
		return false
	}
	if s.model == "" || strings.HasSuffix(s.model, "encrypted") && !strings.HasSuffix(v.Get("model").Text(), "encrypted") {
		s.brand, s.model = jsontext.Clip(v.Get("brand").Text(), 60), jsontext.Clip(v.Get("model").Text(), 60)
		s.kind = jsontext.Clip(v.Get("type").Text(), 10)
		if s.brand == "GENERIC" {
			s.brand = ""
		}
		return true
	}
	return false
}

// takeRadio takes what a gateway decoded of a radio sensor.
func (c *Convention) takeRadio(g *gateway, m broker.Message, p *parsed, u *hub.Update) {
	var buf [160]byte
	key := rtldata.AppendKey(append(buf[:0], "rtl/"...), p.value)
	if len(key) == len("rtl/") {
		return // what has no model is no sensor
	}
	kept := p.value.Get(keptSensor).Text()
	if len(kept) > len("rtl/") && strings.HasPrefix(kept, "rtl/") && len(kept) <= maxPrefix && utf8.ValidString(kept) {
		key = append(key[:0], kept...)
	}
	s := c.sensors[string(key)]
	if s == nil {
		if s = c.candidate(string(key)); s.identity.Model == "" {
			s.identity, _ = rtldata.Identify(p.value)
		}
		if s.seen++; s.seen < sightings && kept == "" {
			for f := range p.value.Children() {
				c.learn(s, f, p.value)
			}
			return
		}
		if c.radio >= maxSensors {
			c.tooMany(g, m, u)
			return
		}
		c.waiting = slices.DeleteFunc(c.waiting, func(x *sensor) bool { return x == s })
		c.sensors[s.key] = s
		c.radio++
	}
	c.take(g, s, m, p.value, false, u)
}

// candidate is a radio sensor that was not heard often enough, in whose favour the oldest one is given up if there are too many.
func (c *Convention) candidate(key string) *sensor {
	if i := slices.IndexFunc(c.waiting, func(s *sensor) bool { return s.key == key }); i >= 0 {
		return c.waiting[i]
	}
	if len(c.waiting) >= maxWaiting {
		c.waiting = slices.Delete(c.waiting, 0, 1)
	}
	s := &sensor{key: key, packet: -1}
	c.waiting = append(c.waiting, s)
	return s
}

func (c *Convention) drop(s *sensor) {
	delete(c.sensors, s.key)
	if s.radio() {
		c.radio--
	} else {
		c.bluetooth--
	}
	c.full = false
}

func (s *sensor) radio() bool { return strings.HasPrefix(s.key, "rtl/") }

// learn notes a field that is new, and says whether there was something to note.
func (c *Convention) learn(s *sensor, f, all jsontext.Value) bool {
	if s.fields.Knows(f.Key()) || s.fields.Full() || !f.Is() || f.Key() == keptSensor {
		return false
	}
	m, ok := meaning(f.Key(), f, all)
	if s.radio() {
		m, ok = rtldata.Meaning(f.Key(), f)
	}
	return ok && s.fields.Learn(f.Key(), m, f)
}

// take learns and reports what a message says of a known sensor.
func (c *Convention) take(g *gateway, s *sensor, m broker.Message, v jsontext.Value, changed bool, u *hub.Update) {
	rssi, measured := v.Get("rssi").Number()
	changed = s.ears.hear(g, rssi, measured) || changed
	for f := range v.Children() {
		changed = c.learn(s, f, v) || changed
	}
	if changed || !s.announced {
		s.announced = true
		s.announce(u)
	}
	packet, counts := v.Get("packet").Number()
	again := counts && packet == s.packet
	if counts {
		s.packet = packet
	}
	u.Readings = slices.Grow(u.Readings, s.fields.Len())
	for f := range v.Children() {
		key := f.Key()
		switch {
		case key == "rssi" && s.ears.best() != g:
			continue // how well another gateway hears it is not what is shown
		case (again || m.Retain || nothing(f)) && s.fields.Momentary(key):
			continue // a packet that was heard twice, or that the broker kept, is not a second press
		}
		ref, value, ok, err := s.fields.Read(key, f)
		if err != nil && len(u.Faults) < maxFaults {
			u.Faults = append(u.Faults, hub.Fault{Key: s.key, Topic: m.Topic, Reason: err.Error()})
		} else if ok {
			u.Readings = append(u.Readings, hub.Reported{Key: s.key, Ref: ref, Value: value})
		}
	}
}

// nothing says of an event that it has not happened.
func nothing(f jsontext.Value) bool {
	n, ok := f.Number()
	return ok && n == 0
}

// announce tells the hub of the sensor.
func (s *sensor) announce(u *hub.Update) {
	d := devices.Device{
		Manufacturer: s.brand, Model: s.model, Convention: Name, Components: s.fields.Components(), Via: s.ears.best().key,
		Identifiers: []string{s.key},
	}
	a := hub.Announced{Key: s.key, Sources: []broker.Message{s.source()}}
	if s.radio() {
		d.Name = s.identity.Name()
		d.Manufacturer, d.Model = s.identity.Maker()
		a.Silence = rtldata.Silence(&s.fields)
	} else {
		a.Silence = silence[s.kind]
		d.Name = s.name()
	}
	if s.mac != "" {
		d.Connections = []devices.Connection{{Kind: "bluetooth", Value: s.mac}}
	}
	if s.ears.best().listens() {
		for _, c := range d.Components {
			for i := range c.Properties {
				c.Properties[i].Settable = false
			}
		}
	}
	a.Device = d
	u.Devices = append(u.Devices, a)
}

// name is the sensor's model and the end of its address.
func (s *sensor) name() string {
	id := strings.TrimPrefix(s.key, "ble/")
	if s.mac != "" {
		id = strings.ToUpper(strings.ReplaceAll(s.mac[len(s.mac)-5:], ":", ""))
	}
	name := s.model
	if !strings.HasPrefix(strings.ToLower(name), strings.ToLower(s.brand)) { // else the model says it: Aranet4 of Aranet
		name = s.brand + " " + s.model
	}
	return strings.TrimSpace(strings.TrimSpace(name) + " " + jsontext.Clip(id, 8))
}

// silence is the longest time for which a well Bluetooth device of a type keeps silent: they advertise every few seconds, and gateways scan
// every minute. Of types that are not here it is not known, since they speak when something happens, or are switched off.
var silence = map[string]time.Duration{
	"THB": time.Hour, "THBX": time.Hour, "AIR": time.Hour, "TRACK": 15 * time.Minute, "BATT": 3 * time.Hour, "PLANT": 6 * time.Hour,
}

// source is a message by which the sensor announces itself again: all its fields as they were first heard.
func (s *sensor) source() broker.Message {
	module := "/BTtoMQTT/"
	facts := [][2]string{{keptSensor, s.key}, {"mac", s.mac}, {"brand", s.brand}, {"model", s.model}, {"type", s.kind}}
	for i, key := range hinting {
		facts = append(facts, [2]string{key, s.hints[i]})
	}
	if s.radio() {
		module = "/RTL_433toMQTT/"
		facts = [][2]string{{keptSensor, s.key}, {"model", s.identity.Model}, {"channel", s.identity.Channel}, {"id", s.identity.ID}}
	}
	var b strings.Builder
	for _, x := range facts {
		if x[1] == "" {
			continue
		}
		b.WriteString("," + jsontext.Quote(x[0]) + ":" + jsontext.Quote(x[1]))
	}
	s.fields.Samples(&b)
	rest := s.key[len("ble/"):]
	return broker.Message{Topic: s.ears.best().prefix + module + rest, Payload: []byte("{" + b.String()[1:] + "}"), Retain: true}
}

// topics are those in which gateways speak of the sensor.
func (s *sensor) topics() []string {
	var out []string
	for _, e := range s.ears.list {
		switch {
		case s.radio():
			out = append(out, e.gateway.prefix+"/RTL_433toMQTT/"+s.key[len("rtl/"):])
		case s.mac != "":
			out = append(out, e.gateway.prefix+"/BTtoMQTT/"+strings.ToUpper(strings.ReplaceAll(s.mac, ":", "")))
		default:
			out = append(out, e.gateway.prefix+"/BTtoMQTT/"+s.key[len("ble/"):])
		}
	}
	return slices.DeleteFunc(out, func(t string) bool { return broker.ValidTopic(t) != nil })
}
