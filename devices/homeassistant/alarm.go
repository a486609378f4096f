package homeassistant

import (
	"slices"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

var alarmStates = []string{
	"disarmed", "armed_home", "armed_away", "armed_night", "armed_vacation", "armed_custom_bypass", "pending", "arming", "disarming", "triggered",
}

// alarm is a panel that arms and disarms. What wants a code is refused: there is nobody to ask for it.
func (b *builder) alarm() {
	b.kind = devices.Alarm
	p := devices.Property{ID: devices.State, Datatype: devices.Enum, Choices: alarmStates}
	p.Readable = b.readsChoice("state_topic", "value_template", devices.State, alarmStates)
	can := b.features("arm_home", "arm_away", "arm_night", "arm_vacation", "arm_custom_bypass", "trigger")
	free := func(key string) bool { return !b.has("code") || b.has(key) && !b.yes(key) }
	payloads, coded := map[string]string{}, map[string]bool{}
	for _, way := range []struct{ state, feature, key, payload, code string }{
		{"disarmed", "", "payload_disarm", "DISARM", "code_disarm_required"},
		{"armed_home", "arm_home", "payload_arm_home", "ARM_HOME", "code_arm_required"},
		{"armed_away", "arm_away", "payload_arm_away", "ARM_AWAY", "code_arm_required"},
		{"armed_night", "arm_night", "payload_arm_night", "ARM_NIGHT", "code_arm_required"},
		{"armed_vacation", "arm_vacation", "payload_arm_vacation", "ARM_VACATION", "code_arm_required"},
		{"armed_custom_bypass", "arm_custom_bypass", "payload_arm_custom_bypass", "ARM_CUSTOM_BYPASS", "code_arm_required"},
		{"triggered", "trigger", "payload_trigger", "TRIGGER", "code_trigger_required"},
	} {
		if way.feature == "" || slices.Contains(can, way.feature) {
			p.Wanted = append(p.Wanted, way.state)
			payloads[way.state], coded[way.state] = b.text(way.key, way.payload), !free(way.code)
		}
	}
	if o := b.hears("command_topic", "command_template"); o != nil {
		p.Settable = true
		b.writers[devices.State] = func(v devices.Value) ([]broker.Message, error) {
			if coded[v.Text()] {
				return nil, errCode
			}
			payload := payloads[v.Text()]
			return one(o.send(payload, template.Of(payload), "action", payload, "code", nil))
		}
	}
	b.property(p)
}
