package tasmota

import (
	"fmt"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// hear takes a message of a device that is known.
func (c *Convention) hear(d *device, m broker.Message, p *parsed, u *hub.Update) {
	if len(m.Payload) == 0 {
		return // a kept message is taken away, or a command is echoed
	}
	if p.label == "LWT" {
		d.will(m, u)
		return
	}
	if p.doc == nil {
		d.word(m, p, u)
		return
	}
	d.foreign = false
	r := report{d: d, m: m, label: p.label, u: u, replayed: m.Retain}
	if p.status() {
		if !d.announced && d.introduce(p.doc) {
			d.keep(m)
			if c.bind(d, nil); d.rebuild() {
				u.Devices = append(u.Devices, d.announce())
			}
		}
		if i := p.doc.get(0, "StatusLOG"); i > 0 {
			if d.announced && d.pace.read(p.doc, i) {
				d.keep(m)
				u.Devices = append(u.Devices[:0], d.announce())
			}
		} else {
			d.asking.open = false
		}
	} else if p.label == "INFO1" && !d.announced && d.introduce(p.doc) {
		r.learnt = true
		r.settle()
	}
	r.read(func() { r.content(p) })
	if r.learnt {
		u.Devices = u.Devices[:0]
		d.teach(m)
		u.Devices = append(u.Devices, d.announce())
		if d.full {
			u.Faults = append(u.Faults, hub.Fault{
				Key: d.key, Topic: m.Topic, Reason: fmt.Sprintf("%d messages taught something new about the device; nothing more is learnt", len(d.taught)),
			})
		}
	}
	d.live(m, p, u)
}

// content reads what a JSON message says.
func (r *report) content(p *parsed) {
	doc := p.doc
	switch {
	case p.status():
		if i := doc.get(0, "StatusPRM"); i > 0 {
			r.restarted(doc, i)
		}
		if i := doc.get(0, "StatusSNS"); i > 0 && doc[i].kind == object {
			r.telemetry(doc, i)
		}
		if i := doc.get(0, "StatusSTS"); i > 0 && doc[i].kind == object {
			r.state(doc, i)
		}
	case p.label == "SENSOR":
		r.telemetry(doc, 0)
	case p.label == "STATE", doc.get(0, "Wifi") > 0:
		r.state(doc, 0)
	case p.label == "UPTIME":
		r.vitals(doc, 0)
	case strings.HasPrefix(p.label, "INFO"):
		i := doc.get(0, "Info3")
		r.restarted(doc, i)
	case strings.HasPrefix(p.label, "BUTTON") && doc.get(0, "Action") > 0,
		strings.HasPrefix(p.label, "SWITCH") && (doc.get(0, "STATE") > 0 || doc.get(0, "TRIG") > 0):
		r.action(doc, 0, p.label)
	default:
		r.result(doc)
	}
}

// result reads the answer to a command. Some drivers send telemetry where answers are: then it has a time, or it is what a
// radio bridge received.
func (r *report) result(doc document) {
	if r.refused(doc) {
		return
	}
	if doc.get(0, "TelePeriod") > 0 && r.d.pace.said && !r.m.Retain { // it was changed: what it says in its status is kept
		r.u.Ask = append(r.u.Ask[:0], r.d.topics.ask("3"))
	}
	measured := doc.get(0, "Time") > 0
	for at := 1; at < int(doc[0].end) && !measured; at = int(doc[at].end) {
		_, event := eventKeys[doc[at].key]
		measured = !event && doc[at].kind == object && radio(doc[at].key)
	}
	if measured {
		r.telemetry(doc, 0)
		return
	}
	r.switched(doc)
	r.states(doc, 0)
	for at := 1; at < int(doc[0].end); at = int(doc[at].end) {
		if parts, event := eventKeys[doc[at].key]; event && doc[at].kind != object {
			r.occurrence(doc, at, parts)
		}
	}
}

// state reads STATE.
func (r *report) state(doc document, top int) {
	if d := r.d; d.traits.see(doc, top, d.announced) && !d.full {
		if !d.announced {
			d.imagine()
		}
		r.learnt = true
		r.settle()
	}
	r.states(doc, top)
	r.vitals(doc, top)
}

// word takes a message that is no JSON: the state of a relay, the position of a shutter.
func (d *device) word(m broker.Message, p *parsed, u *hub.Update) {
	r := report{d: d, m: m, label: p.label, u: u, replayed: m.Retain}
	said := strings.TrimSpace(clip(string(m.Payload), 100))
	name, n, ok := numbered(p.label)
	switch {
	case !ok:
	case name == "POWER":
		r.power(max(n, 1), said, nil)
	case name == "SHUTTER" && n > 0:
		f := field{key: p.label, kind: text, text: said, end: 1}
		r.cover(document{f}, 0, n)
	case name == "STATE" || name == "SENSOR" || name == "RESULT" || name == "STATUS":
		if !d.foreign {
			d.foreign = true
			r.failed("expected a JSON object, got %q", clip(said, 40))
		}
		return
	}
	d.live(m, p, u)
}

// will takes LWT.
func (d *device) will(m broker.Message, u *hub.Update) {
	said := string(m.Payload)
	switch {
	case said == d.offline && d.sleeper && d.presence == devices.Asleep: // it has said more before
	case said == d.offline && d.sleeper:
		d.presence, d.why = devices.Asleep, "it is in deep sleep between its reports, and LWT says "+clip(said, 40)
	case said == d.offline:
		d.presence, d.why = devices.Offline, "it is not connected: LWT says "+clip(said, 40)
	case said == d.online:
		d.presence, d.why = devices.Online, "it is connected: LWT says "+clip(said, 40)
		if !m.Retain {
			u.Ask = append(u.Ask, d.question()...)
		}
	default:
		return
	}
	d.reach(u)
}

// live notes a sign of life: who reports is there, whatever the will of an earlier connection said. A device that is going to
// sleep says so last.
func (d *device) live(m broker.Message, p *parsed, u *hub.Update) {
	if m.Retain {
		return
	}
	if i := p.sleep(); i > 0 {
		d.presence, d.why = devices.Asleep, "it is in deep sleep"
		if until := p.doc[p.doc.get(i, "Time")].text; until != "" && p.doc[i].kind == object {
			d.why += " until " + clip(clean(until), 40) + " of its own clock"
		}
		if !d.sleeper {
			d.sleeper = true
			u.Devices = append(u.Devices[:0], d.announce())
		}
		d.reach(u)
		return
	}
	if d.presence != devices.Online {
		d.presence, d.why = devices.Online, "it reports"
		d.reach(u)
	}
	if (p.label == "INFO3" || p.label == "STATE") && d.asking.again() {
		u.Ask = append(u.Ask, d.ask()...)
	}
}

// sleep finds what a device says before it goes to sleep.
func (p *parsed) sleep() int {
	if p.doc == nil || p.label != "DEEPSLEEP" && p.label != "RESULT" {
		return 0
	}
	return p.doc.get(0, "DeepSleep")
}

// reach tells the hub what is known of the device's presence.
func (d *device) reach(u *hub.Update) {
	if d.presence == "" {
		return
	}
	u.Reaches = append(u.Reaches, hub.Reached{Key: d.key, Reach: devices.Reach{Presence: d.presence, Why: d.why}})
}
