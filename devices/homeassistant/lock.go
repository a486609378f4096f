package homeassistant

import "home.arpa/homehub/devices"

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
}
