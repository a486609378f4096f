package physics

import (
	"math/rand/v2"
	"time"
)

// Thermostat is a radiator valve with a sensor of its own.
type Thermostat struct {
	mode    string
	target  float64
	valve   float64 // 0-1
	reading float64 // °C, follows the room
	humid   float64
	wanted  float64 // what the programme wanted last
	noise   drift
	battery battery
}

// The modes of a thermostat and what it does. In auto it keeps 21 °C from 6 to 22 o'clock and 17 °C at night; a target set
// by hand holds until the programme changes next.
const (
	ModeOff       = "off"
	ModeHeat      = "heat"
	ModeAuto      = "auto"
	ActionOff     = "off"
	ActionIdle    = "idle"
	ActionHeating = "heating"
)

// NewThermostat returns a thermostat that follows its programme, in a room of the given temperature.
func NewThermostat(room *Room, rnd *rand.Rand) *Thermostat {
	return &Thermostat{
		mode: ModeAuto, target: 21, wanted: 21, reading: room.Temperature, humid: room.Humidity,
		noise: newDrift(rnd, 0.02, time.Minute), battery: newBattery(rnd),
	}
}

// Step reads the room's temperature, turns the valve and warms the room.
func (t *Thermostat) Step(s *Surroundings) {
	t.battery.step(s.Dt)
	follow := clamp(s.Dt.Seconds()/60, 0, 1) // the sensor sits in a case
	t.reading += (s.Room.Temperature - t.reading) * follow
	t.humid += (s.Room.Humidity - t.humid) * follow
	t.noise.step(s.Dt)

	if t.mode == ModeAuto {
		if w := programme(s.Now); w != t.wanted {
			t.wanted, t.target = w, w
		}
	}
	switch {
	case t.mode == ModeOff, s.Room.Open(): // a valve that feels an open window shuts
		t.valve = 0
	default:
		t.valve = clamp((t.target-t.reading+0.1)/0.8, 0, 1)
	}
	s.Room.Controlled = true
	s.Room.Heating += t.valve * 75 * s.Room.Area
}

func programme(now time.Time) float64 {
	if h := now.Hour(); h >= 6 && h < 22 {
		return 21
	}
	return 17
}

func (t *Thermostat) action() string {
	switch {
	case t.mode == ModeOff:
		return ActionOff
	case t.valve > 0.05:
		return ActionHeating
	}
	return ActionIdle
}

// Parts returns climate, valve and battery.
func (t *Thermostat) Parts() []Part {
	return []Part{
		{ID: "climate", Kind: "climate", Name: "Thermostat", Properties: []Property{
			{
				ID: "mode", Name: "Mode", Type: Enum, Choices: []string{ModeOff, ModeHeat, ModeAuto}, Every: 2 * time.Minute,
				Read: func() Value { return t.mode },
				Write: func(v Value) {
					t.mode, t.wanted = v.(string), 0 // auto takes up its programme again
				},
			},
			{
				ID: "target-temperature", Name: "Target temperature", Type: Float, Unit: "°C", Class: "temperature",
				Min: 5, Max: 30, Step: 0.5, Every: 2 * time.Minute,
				Read:  func() Value { return t.target },
				Write: func(v Value) { t.target = round(v.(float64)*2, 0) / 2 },
			},
			{
				ID: "current-temperature", Name: "Current temperature", Type: Float, Unit: "°C", Class: "temperature",
				Delta: 0.05, Least: 4 * time.Second, Every: 10 * time.Second,
				Read: func() Value { return round(t.reading+t.noise.value, 2) },
			},
			{
				ID: "current-humidity", Name: "Current humidity", Type: Float, Unit: "%", Class: "humidity",
				Delta: 0.5, Least: 4 * time.Second, Every: 30 * time.Second,
				Read: func() Value { return round(t.humid, 1) },
			},
			{
				ID: "action", Name: "Action", Type: Enum, Choices: []string{ActionOff, ActionIdle, ActionHeating},
				Every: 2 * time.Minute,
				Read:  func() Value { return t.action() },
			},
		}},
		{ID: "valve", Kind: "sensor", Name: "Valve", Properties: []Property{{
			ID: "valve", Name: "Valve opening", Type: Int, Unit: "%", Max: 100, Delta: 2, Least: 10 * time.Second, Every: time.Minute,
			Read: func() Value { return round(t.valve*100, 0) },
		}}},
		t.battery.part(),
	}
}
