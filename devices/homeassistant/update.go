package homeassistant

import (
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// update is the firmware's version, the newest one there is, and the act of installing it.
func (b *builder) update() {
	b.kind = devices.Update
	if b.category == "" {
		b.category = "diagnostic"
	}
	// A template for the version, beside a topic for the newest one, leaves no room for progress.
	said := b.text("value_template", "")
	moves := !b.has("latest_version_topic") || said == "" || strings.Contains(said, "in_progress") || strings.Contains(said, "update_percentage")
	state := b.reads("state_topic", "value_template", func(v template.Value, out *sink) error {
		if v.Kind() == template.String {
			if d := template.ReadText(v.Text()); d.JSON().Kind() == template.Dict {
				v = d.JSON()
			}
		}
		if v.Kind() != template.Dict {
			out.add(devices.Installed, devices.TextValue(v.Text()))
			return nil
		}
		return readUpdate(v, moves, out)
	})
	newest := b.readsText("latest_version_topic", "latest_version_template", devices.Latest)
	b.property(devices.Property{ID: devices.Installed, Datatype: devices.String, Readable: state})
	b.property(devices.Property{ID: devices.Latest, Datatype: devices.String, Readable: state || newest})
	b.property(devices.Property{ID: devices.InProgress, Datatype: devices.Bool, Readable: state && moves})
	b.property(devices.Property{ID: devices.Progress, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Readable: state && moves})
	if b.has("payload_install") || b.has("command_topic") {
		b.act(devices.Install, b.hears("command_topic", "command_template"), b.text("payload_install", "INSTALL"))
	}
}

// readUpdate takes what a state that is an object says; each part may be absent.
func readUpdate(v template.Value, moves bool, out *sink) error {
	if version := v.Get("installed_version"); known(version) {
		out.add(devices.Installed, devices.TextValue(version.Text()))
	}
	if version := v.Get("latest_version"); known(version) {
		out.add(devices.Latest, devices.TextValue(version.Text()))
	}
	if !moves {
		return nil
	}
	percent := v.Get("update_percentage")
	switch running := v.Get("in_progress"); running.Kind() {
	case template.Bool:
		out.add(devices.InProgress, devices.BoolValue(running.Truth()))
	case template.Int, template.Float: // once this was the percentage
		out.add(devices.InProgress, devices.BoolValue(true))
		percent = running
	}
	if known(percent) {
		f, ok := percent.Number()
		if !ok {
			return expected("a number at update_percentage", percent)
		}
		return out.float(devices.Progress, f)
	}
	return nil
}
