package physics

import (
	"math"
	"math/rand/v2"
	"time"
)

// The phases of a machine, in the order of a programme; not every programme has all.
const (
	PhaseIdle  = "idle"
	PhaseFill  = "fill"
	PhaseWash  = "wash"
	PhaseRinse = "rinse"
	PhaseSpin  = "spin"
	PhaseDry   = "dry"
	PhaseDone  = "done"
)

// phase is one part of a programme, with the power that it draws. In the first share of its time the water is heated
// with extra power.
type phase struct {
	name  string
	lasts time.Duration
	power float64 // W
	heat  float64 // W
	share float64
}

// makes says what one make of machine can do: its programmes in the order of the dial.
type makes struct {
	id, name   string
	names      []string
	programmes map[string][]phase
}

var washing = makes{"washer", "Washing machine", []string{"cotton", "synthetics", "wool", "quick"}, map[string][]phase{
	"cotton":     {{PhaseFill, 4 * time.Minute, 25, 0, 0}, {PhaseWash, 55 * time.Minute, 160, 1850, 0.35}, {PhaseRinse, 25 * time.Minute, 140, 0, 0}, {PhaseSpin, 9 * time.Minute, 420, 0, 0}},
	"synthetics": {{PhaseFill, 4 * time.Minute, 25, 0, 0}, {PhaseWash, 35 * time.Minute, 150, 1800, 0.3}, {PhaseRinse, 20 * time.Minute, 130, 0, 0}, {PhaseSpin, 6 * time.Minute, 380, 0, 0}},
	"wool":       {{PhaseFill, 3 * time.Minute, 25, 0, 0}, {PhaseWash, 20 * time.Minute, 70, 1200, 0.2}, {PhaseRinse, 12 * time.Minute, 70, 0, 0}, {PhaseSpin, 3 * time.Minute, 200, 0, 0}},
	"quick":      {{PhaseFill, 2 * time.Minute, 25, 0, 0}, {PhaseWash, 12 * time.Minute, 150, 1800, 0.4}, {PhaseRinse, 8 * time.Minute, 130, 0, 0}, {PhaseSpin, 4 * time.Minute, 400, 0, 0}},
}}

var dishes = makes{"dishwasher", "Dishwasher", []string{"eco", "intensive", "quick"}, map[string][]phase{
	"eco":       {{PhaseFill, 3 * time.Minute, 15, 0, 0}, {PhaseWash, 90 * time.Minute, 60, 1900, 0.15}, {PhaseRinse, 40 * time.Minute, 55, 1900, 0.2}, {PhaseDry, 60 * time.Minute, 6, 0, 0}},
	"intensive": {{PhaseFill, 3 * time.Minute, 15, 0, 0}, {PhaseWash, 60 * time.Minute, 75, 1950, 0.4}, {PhaseRinse, 30 * time.Minute, 60, 1950, 0.3}, {PhaseDry, 30 * time.Minute, 6, 0, 0}},
	"quick":     {{PhaseFill, 2 * time.Minute, 15, 0, 0}, {PhaseWash, 18 * time.Minute, 75, 1900, 0.5}, {PhaseRinse, 8 * time.Minute, 60, 1900, 0.4}, {PhaseDry, 2 * time.Minute, 6, 0, 0}},
}}

// Machine is a washing machine or a dishwasher.
type Machine struct {
	makes
	rnd *rand.Rand

	programme string
	at        int // index of the phase, -1 when none runs
	spent     time.Duration
	done      bool
	power     float64
	energy    float64 // kWh
	day       time.Time
	starts    time.Duration // after midnight; when the household starts it by itself, 0: not today
}

// NewWashingMachine returns an idle washing machine.
func NewWashingMachine(rnd *rand.Rand) *Machine { return newMachine(washing, rnd) }

// NewDishwasher returns an idle dishwasher.
func NewDishwasher(rnd *rand.Rand) *Machine { return newMachine(dishes, rnd) }

func newMachine(m makes, rnd *rand.Rand) *Machine {
	return &Machine{
		makes: m, rnd: rnd, programme: m.names[0], at: -1, energy: 100 + 300*rnd.Float64(),
	}
}

// Step goes on with the programme. The household starts the machine on three days out of four, between 7:05 and 10:05.
func (m *Machine) Step(s *Surroundings) {
	if day := midnight(s.Now); day != m.day {
		first := m.day.IsZero()
		m.day, m.starts = day, 7*time.Hour+minutes(m.rnd, 5, 185)
		if m.rnd.IntN(4) == 0 || first && s.Now.Sub(day) > m.starts {
			m.starts = 0
		}
	}
	if m.starts > 0 && s.Now.Sub(m.day) >= m.starts {
		m.starts = 0
		if !m.running() {
			m.programme = m.names[m.rnd.IntN(len(m.names))]
			m.start()
		}
	}
	m.power = 0.6
	if m.running() {
		p := m.programmes[m.programme][m.at]
		m.power = p.power * (1 + 0.04*m.rnd.NormFloat64())
		if m.spent < time.Duration(p.share*float64(p.lasts)) {
			m.power += p.heat
		}
		if m.spent += s.Dt; m.spent >= p.lasts {
			m.at, m.spent = m.at+1, m.spent-p.lasts
			if m.at == len(m.programmes[m.programme]) {
				m.at, m.done = -1, true
			}
		}
	}
	m.power = math.Max(0, m.power)
	m.energy += m.power / 1000 * s.Dt.Hours()
}

func (m *Machine) running() bool { return m.at >= 0 }

func (m *Machine) start() {
	if !m.running() {
		m.at, m.spent, m.done = 0, 0, false
	}
}

func (m *Machine) stop() {
	m.at, m.spent, m.done = -1, 0, false
}

func (m *Machine) phase() string {
	switch {
	case m.running():
		return m.programmes[m.programme][m.at].name
	case m.done:
		return PhaseDone
	}
	return PhaseIdle
}

// remaining is what the running programme still takes.
func (m *Machine) remaining() time.Duration {
	if !m.running() {
		return 0
	}
	left := -m.spent
	for _, p := range m.programmes[m.programme][m.at:] {
		left += p.lasts
	}
	return left
}

func (m *Machine) phases() []string {
	list := []string{PhaseIdle}
	for _, p := range m.programmes[m.names[0]] {
		list = append(list, p.name)
	}
	return append(list, PhaseDone)
}

// Parts returns one part, named after the make of machine.
func (m *Machine) Parts() []Part {
	return []Part{{ID: m.id, Kind: "appliance", Name: m.name, Properties: []Property{
		{
			ID: "programme", Name: "Programme", Type: Enum, Choices: m.names, Every: 10 * time.Minute,
			Read: func() Value { return m.programme },
			Write: func(v Value) {
				if !m.running() { // the dial does nothing while a programme runs
					m.programme, m.done = v.(string), false
				}
			},
		},
		{
			ID: "running", Name: "Running", Type: Bool, Class: "running", Every: 5 * time.Minute,
			Read: func() Value { return m.running() },
			Write: func(v Value) {
				if v.(bool) {
					m.start()
				} else if m.running() {
					m.stop()
				}
			},
		},
		{
			ID: "start", Name: "Start", Type: Bool, Momentary: true,
			Write: func(v Value) {
				if v.(bool) {
					m.start()
				}
			},
		},
		{
			ID: "phase", Name: "Phase", Type: Enum, Choices: m.phases(), Class: "enum", Every: 5 * time.Minute,
			Read: func() Value { return m.phase() },
		},
		{
			ID: "remaining", Name: "Remaining time", Type: Int, Unit: "s", Class: "duration", Delta: 60, Every: 5 * time.Minute,
			Read: func() Value { return round(m.remaining().Seconds()/60, 0) * 60 },
		},
		{
			ID: "door-locked", Name: "Door locked", Type: Bool, Every: 10 * time.Minute,
			Read: func() Value { return m.running() },
		},
		{
			ID: "power", Name: "Power", Type: Float, Unit: "W", Class: "power", Delta: 2, Least: 3 * time.Second, Every: 15 * time.Second,
			Read: func() Value { return round(m.power, 1) },
		},
		{
			ID: "energy", Name: "Energy", Type: Float, Unit: "kWh", Class: "energy", Delta: 0.01, Least: 10 * time.Second, Every: 10 * time.Minute,
			Read: func() Value { return round(m.energy, 3) },
		},
	}}}
}
