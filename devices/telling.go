package devices

import (
	"cmp"
	"slices"
	"strings"
)

// Telling lists the properties that people look at daily, the most telling first: what a device that is steered does now, then what it
// measures, then how it is set. A plug begins with on and power, a thermostat with the two temperatures, a cover with its state and
// position. Whoever has little room shows the first ones.
//
// Left out are settings (a light's transition is one) and diagnostics, hidden components, updates, what cannot be read, what says how the device itself is (its battery, its
// voltage, how warm a plug is inside), and long JSON.
func (d Device) Telling() []Ref {
	type ranked struct {
		ref  Ref
		rank [3]int
	}
	var found []ranked
	for _, c := range d.Components {
		if c.Category != "" || c.Hidden || c.Kind == Update {
			continue
		}
		for _, p := range c.Properties {
			if p.Readable && p.Datatype != JSON && p.ID != Transition && !c.healthOnly(p) {
				found = append(found, ranked{Ref{c.ID, p.ID}, c.rank(p)})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b ranked) int { return slices.Compare(a.rank[:], b.rank[:]) })
	refs := make([]Ref, len(found))
	for i, f := range found {
		refs[i] = f.ref
	}
	return refs
}

// Those who lead come first: a ceiling fan with a lamp is a fan.
var steered = []Kind{Climate, WaterHeater, Fan, Light, Cover, Valve, Lock, Alarm, Humidifier, Vacuum, LawnMower, Appliance, Siren, Switch}

// leading are the properties of steered components in the order in which they say what the device does.
var leading = []string{"phase", "remaining", State, On, CurrentTemperature, TargetTemperature, TargetLow, TargetHigh, TargetHumidity, Mode, Action, CurrentHumidity, Brightness, Speed, Position, Tilt, ColorTemperature, ColorHS}

// measured are device classes, or the IDs of properties without one, by how much they say.
var measured = []string{
	"phase", "remaining", "remaining-time", "motion", "occupancy", "presence", "door", "window", "opening", "garage_door", "smoke", "gas",
	"carbon_monoxide", "moisture", "carbon_dioxide", "temperature", "humidity", "illuminance", "pressure", "atmospheric_pressure", "power", "lock", "energy", "pm25",
}

// settings are kinds whose value was chosen by people, and says less than what is measured.
var settings = []Kind{Number, Select, Text, Button, Scene}

// selfTold are the device classes of what a device says about itself and its supply.
var selfTold = []string{"battery", "signal_strength", "voltage", "current", "frequency", "power_factor", "apparent_power", "reactive_power"}

// healthOnly says whether a property tells about the device and not about the house.
func (c Component) healthOnly(p Property) bool {
	class := cmp.Or(p.Class, p.ID)
	inside := class == "temperature" && c.Kind != Climate && c.Kind != WaterHeater && c.Kind != Humidifier && slices.Contains(steered, c.Kind)
	return inside || slices.Contains(selfTold, class)
}

// rank orders properties: by what the component is for, by its kind, by what the property says. Components that steer measure, too:
// the power of a plug stands beside that of a meter.
func (c Component) rank(p Property) [3]int {
	if i := slices.Index(steered, c.Kind); i >= 0 && (p.Class == "" || slices.Contains(leading, p.ID)) {
		return [3]int{0, i, place(leading, p.ID)}
	}
	if slices.Contains(settings, c.Kind) {
		return [3]int{2, 0, 0}
	}
	at := place(measured, cmp.Or(p.Class, p.ID))
	if at == len(measured) || p.Class == "enum" || p.Class == "duration" { // classes that say nothing: the component's name may
		at = place(measured, strings.ReplaceAll(c.ID, "_", "-"))
	}
	total := 0 // of several values of a class the one that is named after it comes first: energy before energy today
	if p.Class != "" && p.ID != p.Class {
		total = 1
	}
	return [3]int{1, at, total}
}

// place is where an item stands in a list; behind all when it is not there.
func place(list []string, item string) int {
	if i := slices.Index(list, item); i >= 0 {
		return i
	}
	return len(list)
}
