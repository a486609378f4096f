package tasmota

import (
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// maxSent is how many commands of one device are remembered by their name.
const maxSent = 64

// note remembers what a command sets, so that the device's answer can be told from those to others.
func (d *device) note(messages []broker.Message, ref devices.Ref) {
	if d.sent == nil || len(d.sent) >= maxSent {
		d.sent = map[string]devices.Ref{}
	}
	for _, m := range messages {
		name := strings.ToUpper(m.Topic[strings.LastIndexByte(m.Topic, '/')+1:])
		if name == "BACKLOG" {
			name, _, _ = strings.Cut(strings.ToUpper(string(m.Payload)), " ")
		}
		d.sent[name] = ref
	}
}

// refused takes the answers of a device that does not know a command, or not what is said behind it: {"Command":"Unknown"},
// with the command as "Input" in newer firmware, and {"Dimmer":"Error"}. It says whether there was one. Answers to others
// than the hub refuse nothing.
func (r *report) refused(doc document) bool {
	d := r.d
	if r.m.Retain || len(d.sent) == 0 {
		return false
	}
	for at := 1; at < int(doc[0].end); at = int(doc[at].end) {
		f := &doc[at]
		if f.kind != text || f.text != "Unknown" && f.text != "Error" {
			continue
		}
		name := strings.ToUpper(f.key)
		if name == "COMMAND" {
			said := doc.textAt("Input")
			name, _, _ = strings.Cut(strings.ToUpper(said), " ")
			if said == "" {
				name = ""
			}
		}
		ref, mine := d.sent[name]
		if !mine && name != "" {
			continue
		}
		reason := "the device does not know this command"
		if f.text == "Error" {
			reason = "the device says that this is an error"
		}
		if name == "" {
			clear(d.sent)
		} else {
			delete(d.sent, name)
		}
		r.u.Refusals = append(r.u.Refusals, hub.Refusal{Key: d.key, Ref: ref, Reason: reason})
		return true
	}
	return false
}
