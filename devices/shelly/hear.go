package shelly

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/address"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

// online takes <prefix>/online, a device's birth and its will.
func (c *Convention) online(m broker.Message, f *frame, u *hub.Update) {
	there := string(m.Payload) == "true"
	d := c.prefixes[f.prefix]
	if d == nil {
		if there {
			c.suspect(f.prefix, u)
		}
		return
	}
	switch {
	case there && m.Retain: // it was there once
		c.want(d, u)
	case there:
		d.reach(u, devices.Online, "%s says true", m.Topic)
		if d.asked, d.since = 0, 0; d.rhythm.sleeps && d.docs[docConfig].Topic != "" {
			return // it is awake for two seconds, and says how it is by itself
		}
		d.asked = 1
		u.Ask = append(u.Ask, c.questions(d.prefix, askAll)...)
	case d.rhythm.sleeps:
		d.reach(u, devices.Asleep, "it sleeps between its reports")
	default:
		d.reach(u, devices.Offline, "%s says false", m.Topic)
	}
}

// suspect asks whoever is under a prefix whether it is a Shelly.
func (c *Convention) suspect(prefix string, u *hub.Update) {
	n, known := c.suspects[prefix]
	if c.knownClassic(prefix) || n >= maxAsked || !known && len(c.suspects) >= maxSuspects {
		return
	}
	c.suspects[strings.Clone(prefix)] = n + 1
	u.Ask = append(u.Ask, c.questions(prefix, askInfo)...)
	if strings.HasPrefix(prefix, classicPrefix) { // it may be one of the first generation
		for _, word := range []string{"announce", "update"} {
			u.Ask = append(u.Ask, broker.Message{Topic: prefix + "/command", Payload: []byte(word)})
		}
	}
}

// want asks for the descriptions that are missing, a few times.
func (c *Convention) want(d *modern, u *hub.Update) {
	missing := 0
	if d.docs[docInfo].Topic == "" {
		missing |= askInfo
	}
	if d.docs[docConfig].Topic == "" {
		missing |= askConfig
	}
	if d.docs[docStatus].Topic == "" {
		missing |= askStatus
	}
	if !d.noPages && !d.paged() {
		missing |= askComponents
	}
	if missing == 0 || d.asked >= maxAsked || d.asked > 0 && d.since < 5 {
		return
	}
	d.asked++
	d.since = 0
	u.Ask = append(u.Ask, c.questions(d.prefix, missing)...)
}

// notification takes <prefix>/events/rpc.
func (c *Convention) notification(m broker.Message, f *frame, u *hub.Update) {
	if f.bad != nil {
		c.unreadable(m, c.prefixes[f.prefix], f.bad, u)
		return
	}
	v := f.doc
	id, method, params := v.Get("src").Text(), v.Get("method").Text(), v.Get("params")
	if id == "" || params.Kind() != jsontext.Object {
		c.unreadable(m, c.prefixes[f.prefix], fmt.Errorf("it has no src or no params"), u)
		return
	}
	switch method {
	case "NotifyStatus", "NotifyFullStatus", "NotifyEvent":
	default:
		return
	}
	d := c.prefixes[f.prefix]
	if d == nil || d.id != id {
		if d = c.meet(f.prefix, id); d == nil {
			return
		}
	}
	c.awake(m, d, u)
	d.rhythm.note(params.Get("sys"))
	if method == "NotifyEvent" {
		c.events(m, d, params, u)
		return
	}
	if d.more(params) {
		d.keepExtra(m)
	}
	firstTime := c.settle(d, u)
	if len(d.told) > 0 {
		if firstTime {
			d.replay(m, u)
		}
		for status := range params.Children() {
			d.report(m, status.Key(), status, u)
		}
	}
	c.want(d, u)
}

// replay reports what was heard before the device was announced.
func (d *modern) replay(m broker.Message, u *hub.Update) {
	for _, old := range d.extra {
		if string(old.Payload) == string(m.Payload) {
			continue
		}
		for key, status := range told(old.Topic, old.Payload) {
			d.report(old, key, status, u)
		}
	}
}

// awake notes that a device spoke.
func (c *Convention) awake(m broker.Message, d *modern, u *hub.Update) {
	d.heard++
	d.since++
	if !m.Retain && d.said != devices.Online {
		d.reach(u, devices.Online, "it spoke")
	}
}

// more says whether a notification tells of something that the device is not known to have.
func (d *modern) more(params jsontext.Value) bool {
	for status := range params.Children() {
		if status.Kind() == jsontext.Object && d.moreOf(status.Key(), status) {
			return true
		}
	}
	return false
}

func (d *modern) moreOf(key string, status jsontext.Value) bool {
	p := d.parts[key]
	if p == nil {
		_, id, _ := splitKey(key)
		return isComponent(key) && len(d.parts) < maxParts && !(id >= firstAdded && d.paged())
	}
	for _, lack := range p.lacks {
		if lack.in(status).Is() {
			return true
		}
	}
	return false
}

// report takes a component's status, or as much of it as changed.
func (d *modern) report(m broker.Message, key string, status jsontext.Value, u *hub.Update) {
	p := d.parts[key]
	if p == nil {
		return
	}
	for i := range p.binds {
		b := &p.binds[i]
		v := b.in(status)
		if !v.Is() {
			continue
		}
		value, expected := b.read(v)
		switch {
		case expected != "":
			u.Faults = append(u.Faults, hub.Fault{
				Key: b.key, Topic: m.Topic, Reason: fmt.Sprintf("%s: expected %s at %s, got %s", key, expected, b.path, v.Said()),
			})
		case !value.IsZero():
			b.said = value
			if u.Readings == nil {
				u.Readings = d.readings[:0]
			}
			u.Readings = append(u.Readings, hub.Reported{Key: b.key, Ref: b.Ref, Value: value, Replayed: m.Retain})
			if cap(u.Readings) <= maxReadings {
				d.readings = u.Readings
			}
		}
	}
}

// events takes a NotifyEvent: presses of buttons, and news about the device itself.
func (c *Convention) events(m broker.Message, d *modern, params jsontext.Value, u *hub.Update) {
	ask := 0
	for v := range params.Get("events").Children() {
		switch event := v.Get("event").Text(); event {
		case "config_changed":
			ask |= askConfig
		case "component_added", "component_removed":
			ask |= askComponents
		case "sleep":
			d.rhythm.sleeps = true
			d.reach(u, devices.Asleep, "it said that it goes to sleep")
		case "":
		default:
			if d.pressAdds(v) {
				d.keepExtra(m)
			}
		}
	}
	c.settle(d, u)
	if len(d.told) > 0 && !m.Retain {
		for v := range params.Get("events").Children() {
			d.pressed(v, u)
			if v.Get("component").Text() == "sys" {
				d.updating(m, v, u)
			}
		}
	}
	if ask != 0 {
		u.Ask = append(u.Ask, c.questions(d.prefix, ask)...)
	}
	if d.said != devices.Asleep {
		c.want(d, u)
	}
}

// eventIndex is which of a component's buttons an event is about.
func eventIndex(kind string, event jsontext.Value) string {
	if kind != "bthomedevice" {
		return ""
	}
	index, _ := event.Get("idx").Whole(65535)
	return strconv.Itoa(min(index, 15))
}

// pressAdds says whether a press comes from a button that was not known.
func (d *modern) pressAdds(event jsontext.Value) bool {
	key := event.Get("component").Text()
	kind, _, _ := splitKey(key)
	if name := pressed[event.Get("event").Text()]; kind != "bthomedevice" || !slices.Contains(bluetoothPresses, name) || d.parts[key] == nil {
		return false
	}
	_, known := d.parts[key].press[eventIndex(kind, event)]
	return !known
}

// pressed reports a press.
func (d *modern) pressed(event jsontext.Value, u *hub.Update) {
	key := event.Get("component").Text()
	p := d.parts[key]
	if p == nil {
		return
	}
	name := pressed[event.Get("event").Text()]
	kind, _, _ := splitKey(key)
	t := p.press[eventIndex(kind, event)]
	if !slices.Contains(t.choices, name) {
		return
	}
	if at := event.Get("ts"); at.Is() {
		mark := name + eventIndex(kind, event) + "@" + at.Said()
		if mark == p.last {
			return // it came twice
		}
		p.last = mark
	}
	u.Readings = append(u.Readings, hub.Reported{Key: t.key, Ref: t.Ref, Value: devices.EnumValue(name)})
}

// statusTopic takes <prefix>/status/<component>, which says the same as notifications, but not who speaks.
func (c *Convention) statusTopic(m broker.Message, f *frame, u *hub.Update) {
	d := c.prefixes[f.prefix]
	if d == nil {
		id := f.prefix[strings.LastIndexByte(f.prefix, '/')+1:]
		if family, serial, ok := strings.Cut(id, "-"); !ok || !strings.HasPrefix(strings.ToLower(family), "shelly") || address.MAC(serial) == "" {
			c.suspect(f.prefix, u)
			return
		}
		if d = c.meet(f.prefix, id); d == nil {
			return
		}
	}
	if f.bad != nil {
		c.unreadable(m, d, f.bad, u)
		return
	}
	c.awake(m, d, u)
	if len(d.told) == 0 && !slices.ContainsFunc(d.extra, func(old broker.Message) bool { return old.Topic == m.Topic }) {
		d.heard-- // it tells all of its components when it connects; only what comes again shows that it does not answer
	}
	status := f.doc
	if d.moreOf(f.component, status) {
		d.keepExtra(m)
	}
	if c.settle(d, u) {
		d.replay(m, u)
	}
	if len(d.told) > 0 {
		d.report(m, f.component, status, u)
	}
	c.want(d, u)
}

// unreadable reports a message that is none of what it should be, if it comes from a device.
func (c *Convention) unreadable(m broker.Message, d *modern, err error, u *hub.Update) {
	if d == nil {
		return
	}
	key := ""
	if len(d.told) > 0 {
		key = d.key
	}
	u.Faults = append(u.Faults, hub.Fault{Key: key, Topic: m.Topic, Reason: fmt.Sprintf("%v: %q", err, jsontext.Clip(string(m.Payload), 60))})
}
