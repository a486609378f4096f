// Package physics is what happens in the pretend house: weather, rooms that warm and cool, people who walk through them,
// and the insides of devices that feel and change all this.
//
// Package simulator calls it, step by step, and lends the devices a voice. It knows nothing of MQTT, reads no clock,
// starts no goroutine and draws its chance from the generators that it is given: the same steps give the same house. It
// is not safe for concurrent use.
package physics

import (
	"math"
	"math/rand/v2"
	"time"
)

// Thing is the inside of one device.
type Thing interface {
	// Step lets time pass, at most a few seconds at once.
	Step(s *Surroundings)
	// Parts describes what can be read and set. It is the same at every call but for what Read returns.
	Parts() []Part
}

// Surroundings is what a thing feels in one step.
type Surroundings struct {
	// Now is the model time at the end of the step, in the house's own zone; Dt is how long the step is.
	Now time.Time
	Dt  time.Duration
	// Weather is the air and the light outside. Room is where the thing stands, never nil.
	Weather *Weather
	Room    *Room
	// Home counts the people who are in the house (on the thing's floor), Awake those of them who are not in bed.
	Home, Awake int
}

// Type is the type of a property's value.
type Type int

// The types: what Value holds for them is bool, float64 (Int and Float), string, Color.
const (
	Bool Type = iota
	Int
	Float
	Enum
	Hue
)

// Value is a bool, a float64, a string or a Color.
type Value any

// Color is a hue (0 ≤ H < 360, degrees) and a saturation (0-100, percent).
type Color struct{ H, S float64 }

// Part is one function of a thing: the relay of a plug, the meter of a plug.
type Part struct {
	// ID is a word of a-z, 0-9 and hyphens. Kind is light, switch, climate, cover, lock, fan, sensor, binary_sensor, event
	// or appliance.
	ID, Kind, Name string
	Properties     []Property
}

// Property is one value of a part, with how to read and set it and when a device would report it.
type Property struct {
	ID, Name string
	Type     Type
	// Unit is one of %, °C, K, W, kWh, V, lx, hPa, s. Class is Home Assistant's device class where there is one.
	Unit, Class string
	// Min and Max bound a number that can be set, Step is the distance of the numbers it can take (0: any).
	Min, Max, Step float64
	// Choices are the values of an Enum; Orders are those that can be set, where not all can.
	Choices, Orders []string
	// Momentary is an act, not a state: it is set to true and never read, or it is an event.
	Momentary bool
	// Times counts how often an event has happened; Read says then which event was the last. Nil for what is no event.
	Times func() int

	// Delta is the least change of a number that is reported (0: any), Least the shortest time between two reports of a
	// number, Every the longest time between two reports of anything (0: no limit).
	Delta        float64
	Least, Every time.Duration

	// Read returns the value now, rounded as the device rounds. Goal, where it is not nil, returns the value to which
	// the device is on its way. Write sets it; nil when it cannot be set. What Write gets has passed Check.
	Read  func() Value
	Goal  func() Value
	Write func(Value)
}

// Check says whether a value may be written, in words that end "… cannot be set": empty when it may.
func (p *Property) Check(v Value) string {
	if p.Write == nil {
		return "only to be read"
	}
	switch v := v.(type) {
	case bool:
		if p.Type == Bool {
			return ""
		}
	case float64:
		switch {
		case p.Type != Int && p.Type != Float:
		case math.IsNaN(v) || math.IsInf(v, 0) || p.Type == Int && v != math.Trunc(v):
			return "not a number that it takes"
		case p.Max > p.Min && (v < p.Min || v > p.Max):
			return "out of range"
		default:
			return ""
		}
	case string:
		if p.Type != Enum {
			break
		}
		choices := p.Choices
		if len(p.Orders) > 0 {
			choices = p.Orders
		}
		for _, c := range choices {
			if c == v {
				return ""
			}
		}
		return "not one of the choices"
	case Color:
		if p.Type == Hue {
			if v.H >= 0 && v.H <= 360 && v.S >= 0 && v.S <= 100 {
				return ""
			}
			return "out of range"
		}
	}
	return "of another type"
}

// Find returns the property, or nil.
func Find(parts []Part, part, property string) *Property {
	for i := range parts {
		if parts[i].ID != part {
			continue
		}
		for j := range parts[i].Properties {
			if parts[i].Properties[j].ID == property {
				return &parts[i].Properties[j]
			}
		}
	}
	return nil
}

// drift is chance with a memory: it wanders around 0 with the given spread and forgets within about the given time.
type drift struct {
	rnd    *rand.Rand
	spread float64
	memory time.Duration
	value  float64
}

func newDrift(rnd *rand.Rand, spread float64, memory time.Duration) drift {
	return drift{rnd, spread, memory, rnd.NormFloat64() * spread}
}

func (d *drift) step(dt time.Duration) float64 {
	keep := math.Exp(-dt.Seconds() / d.memory.Seconds())
	d.value = d.value*keep + d.spread*math.Sqrt(1-keep*keep)*d.rnd.NormFloat64()
	return d.value
}

// round rounds to a number of decimal places, and never returns -0.
func round(f float64, places int) float64 {
	p := math.Pow10(places)
	return math.Round(f*p)/p + 0
}

func clamp(f, low, high float64) float64 { return math.Max(low, math.Min(high, f)) }

// minutes is a random duration between two numbers of minutes.
func minutes(rnd *rand.Rand, from, to float64) time.Duration {
	return time.Duration((from + (to-from)*rnd.Float64()) * float64(time.Minute))
}

// midnight is the start of the day.
func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
}

// battery is a cell that empties over about two years.
type battery struct{ charge float64 }

func newBattery(rnd *rand.Rand) battery { return battery{60 + 40*rnd.Float64()} }

func (b *battery) step(dt time.Duration) {
	b.charge -= dt.Hours() * 100 / (2 * 365 * 24)
	if b.charge < 5 {
		b.charge = 100 // somebody put in a new one
	}
}

func (b *battery) part() Part {
	return Part{ID: "battery", Kind: "sensor", Name: "Battery", Properties: []Property{{
		ID: "battery", Name: "Battery", Type: Int, Unit: "%", Class: "battery", Max: 100, Delta: 1, Every: 30 * time.Minute,
		Read: func() Value { return round(b.charge, 0) },
	}}}
}
