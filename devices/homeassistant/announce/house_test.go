package announce_test

import (
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// rw, ro and act are a property that is read and set, that is read, and that is done.
func rw(id string, t devices.Datatype, change ...func(*devices.Property)) devices.Property {
	return property(devices.Property{ID: id, Datatype: t, Readable: true, Settable: true}, change)
}

func ro(id string, t devices.Datatype, change ...func(*devices.Property)) devices.Property {
	return property(devices.Property{ID: id, Datatype: t, Readable: true}, change)
}

func act(id string) devices.Property {
	return devices.Property{ID: id, Datatype: devices.Bool, Settable: true, Momentary: true}
}

func property(p devices.Property, change []func(*devices.Property)) devices.Property {
	for _, f := range change {
		f(&p)
	}
	return p
}

func class(class, unit string) func(*devices.Property) {
	return func(p *devices.Property) { p.Class, p.Unit = class, unit }
}

func span(low, high, step float64, unit string) func(*devices.Property) {
	return func(p *devices.Property) { p.Min, p.Max, p.Step, p.Unit = &low, &high, step, unit }
}

func choices(s ...string) func(*devices.Property) {
	return func(p *devices.Property) { p.Choices = s }
}

func told(s ...string) func(*devices.Property) {
	return func(p *devices.Property) { p.Wanted = s }
}

func named(name string) func(*devices.Property) {
	return func(p *devices.Property) { p.Name = name }
}

func momentary(p *devices.Property) { p.Momentary = true }

func percent(step float64) func(*devices.Property) { return span(0, 100, step, "%") }

// everything is a device with a component of every kind, and of some kinds in several shapes.
func everything() hub.View {
	const (
		truth = devices.Bool
		whole = devices.Int
		float = devices.Float
		enum  = devices.Enum
		text  = devices.String
	)
	moving := choices("open", "opening", "closed", "closing", "stopped")
	d := devices.Device{
		ID: "everything", Name: "Everything", Room: "Büro", Manufacturer: "Acme", Model: "E-1", Firmware: "1.2", Via: "gateway", Convention: "tasmota",
		Connections: []devices.Connection{{Kind: "mac", Value: "00:11:22:33:44:55"}},
		Components: []devices.Component{
			{ID: "alarm", Kind: devices.Alarm, Name: "Alarm", Properties: []devices.Property{
				rw("state", enum, choices("disarmed", "armed_home", "armed_away", "pending", "triggered"), told("disarmed", "armed_home", "armed_away")),
			}},
			{ID: "blind", Kind: devices.Cover, Name: "Blind", Properties: []devices.Property{
				rw("position", float, percent(1)), rw("state", enum, moving, told("open", "closed"), class("blind", "")), act("stop"), rw("tilt", float, percent(1)),
			}},
			{ID: "boiler", Kind: devices.WaterHeater, Name: "Boiler", Properties: []devices.Property{
				ro("current-temperature", float, class("temperature", "°C")), rw("mode", enum, choices("off", "eco", "performance")), rw("on", truth),
				rw("target-temperature", float, span(30, 65, 1, "°C")),
			}},
			{ID: "bulb", Kind: devices.Light, Name: "Bulb", Properties: []devices.Property{rw("brightness", float, percent(1))}},
			{ID: "clock", Kind: devices.Other, Category: "config", Properties: []devices.Property{
				rw("days", devices.JSON), rw("greeting", text), rw("mood", devices.Color), ro("note", text), ro("plan", devices.JSON), ro("started", text, class("timestamp", "")),
				rw("timeout", whole, span(0, 600, 10, "s"), named("Time-out")), rw("loose", float), rw("silent", truth),
			}},
			{ID: "door", Kind: devices.Lock, Name: "Door", Properties: []devices.Property{
				act("open"), rw("state", enum, choices("locked", "unlocked", "jammed"), told("locked", "unlocked")),
			}},
			{ID: "dryer", Kind: devices.Humidifier, Name: "Dryer", Properties: []devices.Property{
				ro("action", enum, choices("off", "drying", "idle")), ro("current-humidity", float, class("humidity", "%")), rw("mode", enum, choices("auto", "laundry")),
				rw("on", truth), rw("target-humidity", float, span(35, 85, 5, "%")),
			}},
			{ID: "fan", Kind: devices.Fan, Name: "Fan", Properties: []devices.Property{
				rw("direction", enum, choices("forward", "reverse")), rw("on", truth), rw("oscillating", truth), rw("preset", enum, choices("breeze", "sleep")),
				rw("speed", float, percent(100.0/3)),
			}},
			{ID: "faucet", Kind: devices.Valve, Name: "Faucet", Properties: []devices.Property{
				rw("state", enum, moving, told("open", "closed"), class("water", "")), act("stop"),
			}},
			{ID: "firmware", Kind: devices.Update, Category: "config", Properties: []devices.Property{
				act("install"), ro("installed-version", text), ro("latest-version", text), ro("in-progress", truth),
			}},
			{ID: "garage", Kind: devices.Cover, Name: "Garage", Properties: []devices.Property{
				rw("state", enum, choices("open", "closed"), class("garage", "")),
			}},
			{ID: "gas", Kind: devices.Valve, Name: "Gas", Properties: []devices.Property{
				rw("position", float, percent(1)), rw("state", enum, moving, told("open", "closed")), act("stop"),
			}},
			{ID: "heating", Kind: devices.Climate, Name: "Heating", Properties: []devices.Property{
				ro("action", enum, choices("heating", "idle", "defrosting")), ro("attributes", devices.JSON), ro("current-humidity", float, class("humidity", "%")),
				ro("current-temperature", float, class("temperature", "°C")), rw("fan-mode", enum, choices("low", "high")),
				rw("mode", enum, choices("off", "heat", "cool", "boost")), rw("preset", enum, choices("none", "eco")), rw("swing-mode", enum, choices("on", "off")),
				rw("target-humidity", float, percent(1)), rw("target-temperature", float, span(5, 30, 0.5, "°C")),
				rw("target-temperature-high", float, span(5, 30, 0.5, "°C")), rw("target-temperature-low", float, span(5, 30, 0.5, "°C")),
			}},
			{ID: "knob", Kind: devices.EventSource, Name: "Knob", Properties: []devices.Property{
				ro("event", enum, choices("single", "double"), momentary, class("button", "")), ro("ring", truth, momentary),
			}},
			{ID: "lamp", Kind: devices.Light, Properties: []devices.Property{
				rw("brightness", float, percent(100.0/254)), rw("color", devices.Color), rw("color-temperature", whole, span(2000, 6535, 0, "K")),
				rw("effect", enum, choices("none", "party")), rw("on", truth), rw("transition", float, span(0, 20, 0.5, "s"), class("duration", "s")), rw("white", float, percent(1)),
			}},
			{ID: "meter", Kind: devices.Sensor, Properties: []devices.Property{
				ro("energy", float, class("energy", "kWh")), ro("link-quality", whole), ro("odd", float, class("temperature", "furlong")), ro("power", float, class("power", "W")),
				ro("yesterday", float, class("energy", "kWh")),
			}},
			{ID: "motion", Kind: devices.BinarySensor, Properties: []devices.Property{ro("occupancy", truth, class("occupancy", ""))}},
			{ID: "mower", Kind: devices.LawnMower, Name: "Mower", Properties: []devices.Property{
				rw("state", enum, choices("mowing", "docked", "paused", "returning"), told("mowing", "docked", "paused")),
			}},
			{ID: "party", Kind: devices.Scene, Name: "Party", Properties: []devices.Property{act("activate")}},
			{ID: "phone", Kind: devices.Tracker, Name: "Phone", Properties: []devices.Property{
				ro("accuracy", float, class("distance", "m")), ro("latitude", float, class("", "°")), ro("longitude", float, class("", "°")), ro("place", text),
			}},
			{ID: "plug", Kind: devices.Switch, Name: "Plug", Properties: []devices.Property{
				rw("on", truth, class("outlet", "")), ro("power", float, class("power", "W")),
			}},
			{ID: "power", Kind: devices.Sensor, Hidden: true, Properties: []devices.Property{ro("power", float, class("power", "W"))}},
			{ID: "programme", Kind: devices.Select, Category: "config", Properties: []devices.Property{rw("option", enum, choices("cotton 40°", "wool"))}},
			{ID: "reset", Kind: devices.Button, Category: "config", Properties: []devices.Property{property(act("press"), []func(*devices.Property){class("restart", "")})}},
			{ID: "robot", Kind: devices.Vacuum, Name: "Robot", Properties: []devices.Property{
				ro("battery", float, class("battery", "%")), rw("fan-speed", enum, choices("low", "high")), act("locate"),
				rw("state", enum, choices("cleaning", "docked", "paused", "error"), told("cleaning", "docked", "paused")), act("stop"),
			}},
			{ID: "siren", Kind: devices.Siren, Name: "Siren", Properties: []devices.Property{
				rw("duration", float, span(0, 60, 1, "s")), rw("on", truth), rw("tone", enum, choices("fire", "burglar")), rw("volume", float, percent(1)),
			}},
			{ID: "speaker", Kind: devices.Text, Name: "Speaker", Properties: []devices.Property{{ID: "value", Datatype: text, Settable: true, Momentary: true}}},
			{ID: "washer", Kind: devices.Appliance, Name: "Everything washer", Properties: []devices.Property{
				ro("phase", enum, choices("idle", "spin")), rw("speed", whole, span(400, 1600, 200, "rpm")),
			}},
		},
	}
	return hub.View{Device: d, Conventions: []string{"tasmota"}, Reported: map[string]devices.Reading{}}
}
