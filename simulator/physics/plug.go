package physics

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Loads are what can be plugged in.
var Loads = []string{"television", "computer", "fridge", "freezer", "lights", "kettle"}

// Plug is a switched socket that measures what the load in it draws.
type Plug struct {
	load string
	rnd  *rand.Rand

	on      bool
	power   float64 // W
	energy  float64 // kWh
	voltage drift

	cycle   time.Duration // of a compressor: until it starts or stops
	cooling bool
	boil    time.Duration // of a kettle: until the water boils
}

// NewPlug returns a plug that is switched on, with one of Loads in it.
func NewPlug(load string, rnd *rand.Rand) (*Plug, error) {
	if !slices.Contains(Loads, load) {
		return nil, fmt.Errorf("a plug's load is one of %v, not %q", Loads, load)
	}
	return &Plug{
		load: load, rnd: rnd, on: load != "lights", energy: 20 + 400*rnd.Float64(), voltage: newDrift(rnd, 1.2, 10*time.Minute),
		cycle: minutes(rnd, 1, 20), cooling: rnd.IntN(2) == 0,
	}, nil
}

// Step lets the load draw its power.
func (p *Plug) Step(s *Surroundings) {
	p.voltage.step(s.Dt)
	draw := p.draw(s)
	p.power = 0
	if p.on && draw > 0 {
		p.power = math.Max(0, draw*(1+0.01*p.rnd.NormFloat64()))
	}
	p.energy += p.power / 1000 * s.Dt.Hours()
	s.Room.Heating += p.power
}

func (p *Plug) draw(s *Surroundings) float64 {
	switch p.load {
	case "television":
		if h := s.Now.Hour(); s.Room.Awake > 0 && (h >= 18 || h < 9) {
			return 95
		}
		return 0.5
	case "computer":
		if s.Room.Awake > 0 {
			return 85
		}
		return 3
	case "fridge", "freezer":
		if p.cycle -= s.Dt; p.cycle <= 0 {
			p.cooling = !p.cooling
			p.cycle = minutes(p.rnd, 18, 32)
			if p.cooling {
				p.cycle = minutes(p.rnd, 9, 16)
			}
		}
		switch {
		case p.cooling && p.load == "freezer":
			return 105
		case p.cooling:
			return 75
		}
		return 1.2
	case "kettle":
		if p.boil > 0 {
			p.boil -= s.Dt
			return 2050
		}
		if s.Room.Awake > 0 && p.rnd.Float64() < s.Dt.Minutes()/25 {
			p.boil = minutes(p.rnd, 2, 4)
		}
		return 0
	default: // lights
		return 14
	}
}

// Parts returns switch and meter.
func (p *Plug) Parts() []Part {
	return []Part{
		{ID: "switch", Kind: "switch", Name: "Switch", Properties: []Property{{
			ID: "on", Name: "On", Type: Bool, Every: 5 * time.Minute,
			Read:  func() Value { return p.on },
			Write: func(v Value) { p.on = v.(bool) },
		}}},
		{ID: "meter", Kind: "sensor", Name: "Meter", Properties: []Property{
			{
				ID: "power", Name: "Power", Type: Float, Unit: "W", Class: "power", Delta: 0.3, Least: 3 * time.Second, Every: 8 * time.Second,
				Read: func() Value { return round(p.power, 1) },
			},
			{
				ID: "energy", Name: "Energy", Type: Float, Unit: "kWh", Class: "energy", Delta: 0.01, Least: 10 * time.Second, Every: time.Minute,
				Read: func() Value { return round(p.energy, 3) },
			},
			{
				ID: "voltage", Name: "Voltage", Type: Float, Unit: "V", Class: "voltage", Delta: 0.3, Least: 5 * time.Second, Every: 8 * time.Second,
				Read: func() Value { return round(230+p.voltage.value, 1) },
			},
		}},
	}
}
