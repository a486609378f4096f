package zigbee2mqtt

import (
	"bytes"
	"fmt"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// failure is a command that could not be carried out, as the bridge's log tells it.
type failure struct{ property, name, reason string }

// readLogging finds, in a message of the log, that setting a property failed: "Publish 'set' 'state' to 'Lamp' failed: '…'" or
// "No converter available for 'state' on 'Lamp': (…)". Failed gets are left out: they are for devices that sleep.
func readLogging(payload []byte) *failure {
	if !bytes.Contains(payload, []byte(`"error"`)) ||
		!bytes.Contains(payload, []byte("Publish 'set' '")) && !bytes.Contains(payload, []byte("No converter available for '")) {
		return nil
	}
	v, ok := parse(payload)
	if !ok || !v.get("level").is("error") {
		return nil
	}
	message := v.get("message").String()
	if _, rest, ok := strings.Cut(message, "No converter available for '"); ok {
		property, rest, ok2 := strings.Cut(rest, "' on '")
		name, _, ok3 := strings.Cut(rest, "': (")
		if !ok2 || !ok3 {
			return nil
		}
		return &failure{property, name, "Zigbee2MQTT does not know how to set it"}
	}
	_, rest, ok := strings.Cut(message, "Publish 'set' '")
	property, rest, ok2 := strings.Cut(rest, "' to '")
	name, reason, ok3 := strings.Cut(rest, "' failed: ")
	if !ok || !ok2 || !ok3 {
		return nil
	}
	if len(reason) > maxText {
		reason = strings.ToValidUTF8(reason[:maxText], "")
	}
	return &failure{property, name, strings.Trim(reason, "'")}
}

// complain refuses the command that failed, if it was the hub's; else it is a fault.
func (c *Convention) complain(m broker.Message, base string, f *failure, u *hub.Update) {
	t := c.topics[base+"/"+f.name]
	if t == nil || !t.announced || m.Retain {
		return
	}
	if ref, ok := t.told(f.property); ok {
		u.Refusals = append(u.Refusals, hub.Refusal{Key: t.key, Ref: ref, Reason: f.reason})
		return
	}
	u.Faults = append(u.Faults, hub.Fault{Key: t.key, Topic: m.Topic, Reason: fmt.Sprintf("setting %.60s failed: %s", f.property, f.reason)})
}

// told finds the property that the hub set last under a key, and forgets that it did. The log names keys without their
// endpoint: state for state_l1.
func (t *thing) told(key string) (devices.Ref, bool) {
	var newest devices.Ref
	for ref, at := range t.sent {
		o := t.outlets[ref]
		if o.key == key || o.endpoint != "" && o.key == key+"_"+o.endpoint {
			if newest == (devices.Ref{}) || at > t.sent[newest] {
				newest = ref
			}
		}
	}
	delete(t.sent, newest)
	return newest, newest != devices.Ref{}
}
