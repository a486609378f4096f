package web_test

import (
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// sampleHouse is a house of varied devices in varied states, for the browser and for the eye.
func sampleHouse(now time.Time) []hub.View {
	b := func(v bool) devices.Value { return devices.BoolValue(v) }
	e, t := devices.EnumValue, devices.TextValue
	living, kitchen, bedroom, bath, hall, study, garden := "Living room", "Kitchen", "Bedroom", "Bathroom", "Hall", "Study", "Garden"
	modes := []string{"off", "heat", "auto"}

	house := []hub.View{
		device(now, "living-room-lamp", "Floor lamp", living, light(1500, 0, true), on(b(true), num(62), num(2700), color(32, 54))...),
		device(now, "living-room-ceiling", "Ceiling light", living, light(2200, 6500, false), on(b(false), num(80), num(4000))...),
		device(now, "living-room-thermostat", "Thermostat", living, []devices.Component{climate(modes)},
			at("climate/action", e("heating")), at("climate/current-temperature", num(20.7)), at("climate/current-humidity", num(47)), at("climate/mode", e("heat")), at("climate/target-temperature", num(21.5))),
		device(now, "living-room-blind", "West blind", living, []devices.Component{cover()}, at("cover/state", e("open")), at("cover/position", num(64))),
		device(now, "living-room-air", "Air quality", living, sensors("carbon_dioxide", "ppm", "temperature", "°C", "humidity", "%"),
			at("carbon-dioxide/carbon_dioxide", num(742)), at("temperature/temperature", num(21.2)), at("humidity/humidity", num(46))),
		device(now, "living-room-window", "Balcony door", living, contact("door"), at("door/door", b(false))),
		device(now, "tv-plug", "TV corner", living, plug(), at("switch/on", b(true)), at("power/power", num(87.3)), at("energy/energy", num(142.61)), at("voltage/voltage", num(231.2))),

		device(now, "kitchen-light", "Worktop light", kitchen, light(0, 0, false), on(b(true), num(100))...),
		device(now, "washing-machine", "Washing machine", kitchen, washer(), at("washer/phase", e("spinning")), at("washer/programme", e("cotton_40")),
			at("washer/progress", num(71)), at("washer/remaining", num(1680)), at("washer/on", b(true)), at("power/power", num(418))),
		device(now, "fridge-temp", "Fridge", kitchen, sensors("temperature", "°C"), at("temperature/temperature", num(4.6))),
		device(now, "kitchen-smoke", "Smoke alarm", kitchen, contact("smoke"), at("smoke/smoke", b(false))),
		device(now, "dishwasher-leak", "Under the sink", kitchen, contact("moisture"), at("moisture/moisture", b(true))),
		device(now, "coffee", "Coffee machine", kitchen, coffee(), at("switch/on", b(false)), at("strength/option", e("strong"))),

		device(now, "bedroom-lamp", "Bedside lamp", bedroom, light(2200, 6500, false), on(b(false), num(15), num(2200))...),
		device(now, "bedroom-fan", "Ceiling fan", bedroom, fan(), at("fan/on", b(true)), at("fan/speed", num(40)), at("fan/oscillating", b(false)), at("fan/direction", e("forward"))),
		device(now, "bedroom-climate", "Air conditioner", bedroom, []devices.Component{climate([]string{"off", "cool", "heat", "dry", "fan_only"})},
			at("climate/action", e("cooling")), at("climate/current-temperature", num(24.9)), at("climate/mode", e("cool")), at("climate/target-temperature", num(23))),
		device(now, "bedroom-sensor", "Bedroom", bedroom, sensors("temperature", "°C", "humidity", "%", "battery", "%"),
			at("temperature/temperature", num(19.4)), at("humidity/humidity", num(52)), at("battery/battery", num(9))),
		device(now, "bedroom-window", "Window", bedroom, contact("window"), at("window/window", b(true))),

		device(now, "bath-heater", "Towel radiator", bath, plug(), at("switch/on", b(false)), at("power/power", num(0)), at("energy/energy", num(38.2))),
		device(now, "bath-sensor", "Bathroom", bath, sensors("humidity", "%", "temperature", "°C"), at("temperature/temperature", num(22.8)), at("humidity/humidity", num(71))),

		device(now, "front-door", "Front door", hall, lock(), at("lock/state", e("locked")), at("battery/battery", num(78))),
		device(now, "hall-motion", "Hall motion", hall, motion(), at("motion/occupancy", b(true)), at("illuminance/illuminance", num(38))),
		device(now, "doorbell", "Doorbell", hall, []devices.Component{{ID: "chime", Kind: devices.Button, Name: "Chime", Properties: []devices.Property{{ID: "press", Datatype: devices.Bool, Settable: true, Momentary: true}}}}),
		device(now, "hall-relay", "Two-way relay", hall, relays(), at("relay-1/on", b(true)), at("relay-2/on", b(false))),

		device(now, "desk-strip", "Desk strip", study, light(0, 0, true), on(b(true), num(38), color(264, 82))...),
		device(now, "speaker", "Speaker", study, speaker(), at("volume/value", num(24)), at("preset/option", e("jazz_radio")), at("message/text", t(""))),

		device(now, "garden-gate", "Garden gate", garden, []devices.Component{cover()}, at("cover/state", e("closed")), at("cover/position", num(0))),
		device(now, "weather", "Weather", garden, sensors("temperature", "°C", "pressure", "hPa", "wind_speed", "m/s"),
			at("temperature/temperature", num(-2.4)), at("pressure/pressure", num(1013)), at("wind-speed/wind_speed", num(5.2))),
	}
	for i := range house {
		v := &house[i]
		switch v.ID {
		case "garden-gate":
			v.Reach = devices.Reach{Presence: devices.Offline, Since: now.Add(-3 * time.Hour), Why: "keep alive of 60 s passed without a sign of life"}
		case "bath-sensor":
			v.Reach = devices.Reach{Presence: devices.Asleep, Since: now.Add(-20 * time.Minute), Why: "it said that it sleeps"}
		case "weather":
			v.Faults, v.LastFaults = 2, []hub.FaultNote{{Topic: "weather/rain", Reason: "rain is no number: \"n/a\"", At: now.Add(-time.Hour), Count: 2, Sample: "n/a"}}
		case "living-room-ceiling":
			v.Pending = []devices.Command{{ID: "p1", Device: v.ID, Ref: devices.Ref{Component: "light", Property: "on"}, Value: b(true), Status: devices.Sent, Origin: "dashboard", Created: now, SentAt: now, Deadline: now.Add(time.Hour)}}
		case "living-room-blind":
			v.Pending = []devices.Command{{ID: "p2", Device: v.ID, Ref: devices.Ref{Component: "cover", Property: "position"}, Value: num(20), Status: devices.Sent, Origin: "dashboard", Created: now, SentAt: now, Deadline: now.Add(time.Hour)}}
		}
	}
	return house
}

type reported struct {
	ref string
	v   devices.Value
}

func at(ref string, v devices.Value) reported { return reported{ref, v} }

// on names the values of a light: on, brightness, colour temperature, colour, as many as there are.
func on(values ...devices.Value) []reported {
	var all []reported
	for i, v := range values {
		ref := []string{"light/on", "light/brightness", "light/color-temperature"}[min(i, 2)]
		if v.Datatype() == devices.Color {
			ref = "light/color"
		}
		all = append(all, reported{ref, v})
	}
	return all
}

func num(f float64) devices.Value {
	v, err := devices.FloatValue(f)
	if err != nil {
		panic(err)
	}
	return v
}

func color(hue, saturation float64) devices.Value {
	v, err := devices.ColorValue(hue, saturation)
	if err != nil {
		panic(err)
	}
	return v
}

func device(now time.Time, id, name, room string, components []devices.Component, values ...reported) hub.View {
	v := hub.View{
		Device: devices.Device{ID: id, Name: name, Room: room, Manufacturer: "Acme", Model: "Model " + id[:1], Firmware: "1.4.2", Convention: "homie", Components: components},
		Reach:  devices.Reach{Presence: devices.Online, Since: now.Add(-5 * time.Hour), Why: "it connected"},
		Joined: now.Add(-90 * 24 * time.Hour), LastSeen: now.Add(-40 * time.Second), Reported: map[string]devices.Reading{},
	}
	for _, r := range values {
		v.Reported[r.ref] = devices.Reading{Value: r.v, Heard: now.Add(-40 * time.Second)}
	}
	v.Sort()
	return v
}

func bound(f float64) *float64 { return &f }

func boolean(id string) devices.Property {
	return devices.Property{ID: id, Datatype: devices.Bool, Readable: true, Settable: true}
}

func percent(id string) devices.Property {
	return devices.Property{ID: id, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Readable: true, Settable: true}
}

func enum(id string, choices ...string) devices.Property {
	return devices.Property{ID: id, Datatype: devices.Enum, Choices: choices, Readable: true, Settable: true}
}

func light(warm, cold float64, colored bool) []devices.Component {
	p := []devices.Property{boolean(devices.On), percent(devices.Brightness)}
	if warm > 0 {
		cold = max(cold, 6500)
		p = append(p, devices.Property{ID: devices.ColorTemperature, Datatype: devices.Float, Unit: "K", Min: &warm, Max: &cold, Readable: true, Settable: true})
	}
	if colored {
		p = append(p, devices.Property{ID: devices.ColorHS, Datatype: devices.Color, Readable: true, Settable: true})
	}
	return []devices.Component{{ID: "light", Kind: devices.Light, Properties: p}}
}

func climate(modes []string) devices.Component {
	read := func(id, unit string) devices.Property {
		return devices.Property{ID: id, Datatype: devices.Float, Unit: unit, Readable: true}
	}
	return devices.Component{ID: "climate", Kind: devices.Climate, Properties: []devices.Property{
		{ID: devices.Action, Datatype: devices.Enum, Readable: true},
		enum(devices.Mode, modes...), read(devices.CurrentTemperature, "°C"), read(devices.CurrentHumidity, "%"),
		{ID: devices.TargetTemperature, Datatype: devices.Float, Unit: "°C", Min: bound(5), Max: bound(30), Step: 0.5, Readable: true, Settable: true},
		enum(devices.Preset, "comfort", "eco", "away"),
	}}
}

func cover() devices.Component {
	state := enum(devices.State, "open", "opening", "closed", "closing", "stopped")
	state.Wanted = []string{"open", "closed"}
	return devices.Component{ID: "cover", Kind: devices.Cover, Properties: []devices.Property{
		state, percent(devices.Position),
		{ID: devices.Stop, Datatype: devices.Bool, Settable: true, Momentary: true},
	}}
}

func lock() []devices.Component {
	state := enum(devices.State, "locked", "unlocked", "locking", "unlocking", "jammed")
	state.Wanted = []string{"locked", "unlocked"}
	return append([]devices.Component{{ID: "lock", Kind: devices.Lock, Properties: []devices.Property{state}}}, sensors("battery", "%")...)
}

func fan() []devices.Component {
	return []devices.Component{{ID: "fan", Kind: devices.Fan, Properties: []devices.Property{
		boolean(devices.On), percent(devices.Speed), boolean(devices.Oscillating),
		enum(devices.Direction, "forward", "reverse"),
	}}}
}

// sensors are components of one reading each, given as class and unit in turn.
func sensors(classesAndUnits ...string) []devices.Component {
	var all []devices.Component
	for i := 0; i < len(classesAndUnits); i += 2 {
		class := classesAndUnits[i]
		c := devices.Component{ID: devices.Slug(class), Kind: devices.Sensor, Properties: []devices.Property{
			{ID: class, Datatype: devices.Float, Unit: classesAndUnits[i+1], Class: class, Readable: true},
		}}
		if class == "battery" {
			c.Category = "diagnostic"
		}
		all = append(all, c)
	}
	return all
}

func contact(class string) []devices.Component {
	return []devices.Component{{ID: class, Kind: devices.BinarySensor, Properties: []devices.Property{{ID: class, Class: class, Datatype: devices.Bool, Readable: true}}}}
}

func motion() []devices.Component {
	return append([]devices.Component{{ID: "motion", Kind: devices.BinarySensor, Properties: []devices.Property{{ID: "occupancy", Class: "occupancy", Datatype: devices.Bool, Readable: true}}}},
		sensors("illuminance", "lx")...)
}

func plug() []devices.Component {
	return append([]devices.Component{{ID: "switch", Kind: devices.Switch, Properties: []devices.Property{boolean(devices.On)}}}, sensors("power", "W", "energy", "kWh", "voltage", "V")...)
}

func relays() []devices.Component {
	return []devices.Component{
		{ID: "relay-1", Kind: devices.Switch, Name: "Porch", Properties: []devices.Property{boolean(devices.On)}},
		{ID: "relay-2", Kind: devices.Switch, Name: "Stairs", Properties: []devices.Property{boolean(devices.On)}},
	}
}

func washer() []devices.Component {
	read := func(id string, t devices.Datatype, unit string) devices.Property {
		return devices.Property{ID: id, Datatype: t, Unit: unit, Readable: true}
	}
	return append([]devices.Component{{ID: "washer", Kind: devices.Appliance, Properties: []devices.Property{
		boolean(devices.On), read("phase", devices.Enum, ""),
		enum("programme", "cotton_40", "cotton_60", "wool"), read("progress", devices.Float, "%"), read("remaining", devices.Float, "s"),
	}}}, sensors("power", "W")...)
}

func coffee() []devices.Component {
	return []devices.Component{
		{ID: "switch", Kind: devices.Switch, Properties: []devices.Property{boolean(devices.On)}},
		{ID: "strength", Kind: devices.Select, Name: "Strength", Properties: []devices.Property{enum("option", "mild", "normal", "strong")}},
	}
}

func speaker() []devices.Component {
	return []devices.Component{
		{ID: "volume", Kind: devices.Number, Name: "Volume", Properties: []devices.Property{percent("value")}},
		{ID: "preset", Kind: devices.Select, Name: "Station", Properties: []devices.Property{enum("option", "news", "jazz_radio", "classic")}},
		{ID: "message", Kind: devices.Text, Name: "Say", Properties: []devices.Property{{ID: "text", Datatype: devices.String, Readable: true, Settable: true}}},
	}
}
