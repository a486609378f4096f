package shelly

import (
	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

// updateID is the component of a device's firmware.
const updateID = "update"

// firmware builds the device's firmware: which it has, which there is, and how it is replaced.
func (b *build) firmware() {
	c := b.component(updateID, devices.Update, "Firmware", "config")
	version := b.units[b.self].device.Firmware
	c.Properties = append(c.Properties,
		devices.Property{ID: devices.Installed, Datatype: devices.String, Readable: true},
		devices.Property{ID: devices.InProgress, Datatype: devices.Bool, Readable: true},
		devices.Property{ID: devices.Progress, Datatype: devices.Float, Unit: "%", Readable: true},
	)
	b.add(c, "available_updates", devices.Property{ID: devices.Latest, Datatype: devices.String}, func(v jsontext.Value) (devices.Value, string) {
		if v.Kind() != jsontext.Object {
			return devices.Value{}, "an object"
		}
		if latest := jsontext.Clip(v.Get("stable").Get("version").Text(), 60); latest != "" {
			return devices.TextValue(latest), ""
		}
		if version == "" {
			return devices.Value{}, ""
		}
		return devices.TextValue(version), "" // there is no other
	})
	b.act(c, devices.Install, "", "Shelly.Update", map[string]any{"stage": "stable"})
}

// tellVersion reports the firmware when it is another than before: it is in no status.
func (d *modern) tellVersion(u *hub.Update) {
	device, told := d.told[d.key]
	ref := devices.Ref{Component: updateID, Property: devices.Installed}
	if !told || device.Firmware == d.version || device.Property(ref) == nil {
		return
	}
	d.version = device.Firmware
	if d.version != "" {
		u.Readings = append(u.Readings, hub.Reported{Key: d.key, Ref: ref, Value: devices.TextValue(d.version)})
	}
}

// updating takes the events of an update.
func (d *modern) updating(m broker.Message, event jsontext.Value, u *hub.Update) {
	device := d.told[d.key]
	report := func(property string, v devices.Value) {
		ref := devices.Ref{Component: updateID, Property: property}
		if device.Property(ref) != nil {
			u.Readings = append(u.Readings, hub.Reported{Key: d.key, Ref: ref, Value: v})
		}
	}
	switch event.Get("event").Text() {
	case "ota_begin":
		report(devices.InProgress, devices.BoolValue(true))
	case "ota_progress":
		report(devices.InProgress, devices.BoolValue(true))
		if percent, ok := event.Get("progress_percent").Number(); ok && percent >= 0 && percent <= 100 {
			if v, err := devices.FloatValue(percent); err == nil {
				report(devices.Progress, v)
			}
		}
	case "ota_success":
		report(devices.InProgress, devices.BoolValue(false))
	case "ota_error":
		report(devices.InProgress, devices.BoolValue(false))
		u.Faults = append(u.Faults, hub.Fault{
			Key: d.key, Topic: m.Topic, Reason: "the update failed: " + jsontext.Clip(event.Get("msg").Text(), 200),
		})
	}
}
