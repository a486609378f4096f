package tasmota

import (
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// suspect looks whether a message of an unknown device can be one of Tasmota's, and if so remembers its topics.
func (c *Convention) suspect(m broker.Message, p *parsed) *device {
	switch p.label {
	case "LWT":
		if said := string(m.Payload); said != "Online" && said != "Offline" {
			return nil
		}
	case "STATE", "SENSOR", "INFO1":
		if !p.strong() {
			return nil
		}
	default:
		if !p.status() {
			return nil
		}
	}
	b, ok := guess(p.base)
	from := b.tele
	if strings.HasPrefix(p.label, "STATUS") {
		from = b.stat
	}
	if !ok || p.base != from || len(c.devices) >= maxDevices {
		return nil
	}
	if len(c.suspects) >= maxSuspects {
		c.unbind(c.suspects[0])
	}
	d := &device{topics: b, setup: newSetup()}
	d.key = strings.TrimSuffix(b.tele, "/")
	d.setup.topic = b.name()
	c.suspects = append(c.suspects, d)
	c.bind(d, []branches{b})
	return d
}

// strong says whether the content, too, is what the firmware sends in such a topic.
func (p *parsed) strong() bool {
	if p.doc == nil {
		return false
	}
	switch p.label {
	case "STATE":
		return p.doc.get(0, "Wifi") > 0 && p.doc.get(0, "Uptime") > 0
	case "INFO1":
		return p.doc.get(p.doc.get(0, "Info1"), "Version") > 0
	}
	for _, heard := range []string{"ZbReceived", "LwReceived", "LwDecoded"} { // of radio bridges, without a time
		if i := p.doc.get(0, heard); i > 0 && p.doc[i].kind == object && i+1 < int(p.doc[i].end) && p.doc[i+1].kind == object {
			return true
		}
	}
	return p.doc[p.doc.get(0, "Time")].kind == text
}

// status says whether it is an answer to STATUS.
func (p *parsed) status() bool {
	if p.doc == nil || !strings.HasPrefix(p.label, "STATUS") {
		return false
	}
	for _, key := range []string{"Status", "StatusPRM", "StatusFWR", "StatusLOG", "StatusNET", "StatusSNS", "StatusSTS"} {
		if i := p.doc.get(0, key); i > 0 && p.doc[i].kind == object {
			return true
		}
	}
	return false
}

// consider takes a message of a device that is not sure yet. It is sure when it has answered STATUS 0, or when it goes on
// reporting as this firmware does without answering.
func (c *Convention) consider(d *device, m broker.Message, p *parsed, u *hub.Update) {
	switch {
	case p.label == "LWT":
		switch string(m.Payload) {
		case "Offline":
			d.presence, d.why = devices.Offline, "it is not connected: LWT says Offline"
		case "Online":
			d.presence, d.why = devices.Online, "it is connected: LWT says Online"
			if !m.Retain { // else the greeting asks it
				c.wonder(d, u)
			}
		}
		return
	case p.doc == nil || len(m.Payload) > maxSaid:
		return
	case p.status():
		d.introduce(p.doc)
		d.keep(m)
		d.answered = d.answered || p.doc.get(0, "StatusSTS") > 0
		if !d.introduced || d.mac == "" || !d.answered {
			if !m.Retain && d.wondered == 0 { // somebody else asked it something
				c.wonder(d, u)
			}
			return
		}
	case p.strong():
		d.introduce(p.doc)
		i := slices.IndexFunc(d.taught, func(s broker.Message) bool { return s.Topic == m.Topic })
		if i < 0 {
			d.teach(m)
			if !m.Retain {
				c.wonder(d, u)
			}
			return
		}
		d.taught = []broker.Message{d.taught[i], kept(m)}
	default:
		return
	}
	c.found(d, m, u)
}

// wonder asks a device that is not sure yet what it is.
func (c *Convention) wonder(d *device, u *hub.Update) {
	if d.wondered++; d.wondered <= 8 {
		u.Ask = append(u.Ask, d.topics.ask("0"))
	}
}

// found makes a device of one that was not sure.
func (c *Convention) found(d *device, m broker.Message, u *hub.Update) {
	if known := c.byMAC[d.mac]; d.mac != "" && known != nil && known != d {
		if known.announced || known.presence == devices.Online && known.topics == d.topics {
			c.unbind(d) // it is known by its announcement
			return
		}
		delete(c.devices, known.key) // its topic was changed: the device stays the same
		c.unbind(known)
		d.key, d.sensors, d.extras = known.key, known.sensors, known.extras
		d.taught = nil
	}
	if len(c.devices) >= maxDevices || c.devices[d.key] != nil {
		c.unbind(d)
		return
	}
	d.founding = slices.Concat(d.said, d.taught)
	if d.answered && d.introduced && d.mac != "" {
		d.founding = d.said
		c.byMAC[d.mac] = d
	}
	d.said, d.taught, d.full = nil, nil, false
	c.suspects = slices.DeleteFunc(c.suspects, func(s *device) bool { return s == d })
	c.devices[d.key] = d
	d.beside.fahrenheit = d.options.fahrenheit
	d.rebuild()
	var readings []hub.Reported
	for _, s := range d.founding { // what it said meanwhile
		if base, label, ok := split(s.Topic); ok {
			p := &parsed{base: base, label: label}
			p.doc, _ = readJSON(s.Payload)
			if p.doc == nil {
				continue
			}
			one := hub.Update{}
			r := report{d: d, m: s, label: label, u: &one, replayed: m.Retain}
			r.read(func() { r.content(p) })
			readings = append(readings, one.Readings...)
			u.Faults = append(u.Faults, one.Faults...)
		}
	}
	d.rebuild()
	u.Readings = slices.DeleteFunc(readings, func(r hub.Reported) bool {
		p := d.built.Property(r.Ref)
		return p == nil || p.Datatype != r.Datatype() || p.Momentary
	})
	if d.presence == "" && !m.Retain {
		d.presence, d.why = devices.Online, "it reports"
	}
	u.Devices = append(u.Devices, d.announce())
	d.reach(u)
	if !d.answered {
		u.Ask = append(u.Ask, d.question()...)
	}
}
