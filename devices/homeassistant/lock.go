package homeassistant

import (
	"errors"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// errCode is why what wants a code is not told anything: the hub would have to ask people for it each time, and must not keep it.
var errCode = errors.New("it wants a code with each command, which the hub cannot give: use the device's own panel or app")

func wantsCode(devices.Value) ([]broker.Message, error) { return nil, errCode }

func (b *builder) lock() {
	b.kind = devices.Lock
	state := devices.Property{
		ID: devices.State, Datatype: devices.Enum,
		Choices: []string{"locked", "unlocked", "locking", "unlocking", "jammed"}, Wanted: []string{"locked", "unlocked"},
	}
	state.Readable = b.readsNamed("value_template", map[string]string{
		"locked": b.text("state_locked", "LOCKED"), "unlocked": b.text("state_unlocked", "UNLOCKED"),
		"locking": b.text("state_locking", "LOCKING"), "unlocking": b.text("state_unlocking", "UNLOCKING"),
		"jammed": b.text("state_jammed", "JAMMED"),
	}, state.Choices)
	o := b.hears("command_topic", "command_template")
	if o != nil {
		state.Settable = true
		payloads := map[string]string{"locked": b.text("payload_lock", "LOCK"), "unlocked": b.text("payload_unlock", "UNLOCK")}
		b.writers[devices.State] = o.sendText(func(v devices.Value) string { return payloads[v.Text()] })
	}
	b.property(state)
	if b.has("payload_open") {
		b.act(devices.Open, o, b.text("payload_open", "OPEN"))
	}
	if b.has("code_format") {
		for property := range b.writers {
			b.writers[property] = wantsCode
		}
	}
}
