package physics

import (
	"math"
	"math/rand/v2"
	"time"
)

// The states of a cover. Between closed and open, without moving, it is stopped.
const (
	CoverOpen    = "open"
	CoverOpening = "opening"
	CoverClosed  = "closed"
	CoverClosing = "closing"
	CoverStopped = "stopped"
)

// Cover is a roller shutter.
type Cover struct {
	travel         time.Duration // from closed to open
	rnd            *rand.Rand
	position, goal float64 // 0 closed, 100 open
	day            time.Time
	opens          time.Duration // after midnight
	opened, shut   bool          // today, by the household
}

// NewCover returns a cover that is closed and takes the given time to open wholly (0: 20 s). The household opens it in the
// morning and closes it when it gets dark.
func NewCover(travel time.Duration, rnd *rand.Rand) *Cover {
	if travel <= 0 {
		travel = 20 * time.Second
	}
	return &Cover{travel: travel, rnd: rnd}
}

// Step moves on.
func (c *Cover) Step(s *Surroundings) {
	time0 := s.Now.Sub(midnight(s.Now))
	if day := midnight(s.Now); day != c.day {
		c.day, c.opens = day, 7*time.Hour+minutes(c.rnd, 2, 45)
		c.opened, c.shut = time0 > c.opens, false
	}
	switch {
	case !c.opened && time0 >= c.opens:
		c.opened, c.goal = true, 100
	case c.opened && !c.shut && time0 > 12*time.Hour && s.Weather.Dark():
		c.shut, c.goal = true, 0
	}
	way := 100 * s.Dt.Seconds() / c.travel.Seconds()
	if math.Abs(c.goal-c.position) <= way {
		c.position = c.goal
	} else {
		c.position += math.Copysign(way, c.goal-c.position)
	}
}

// halt stops where it is, to the percent.
func (c *Cover) halt() {
	c.position = math.Round(c.position)
	c.goal = c.position
}

func (c *Cover) state() string {
	switch {
	case c.goal > c.position:
		return CoverOpening
	case c.goal < c.position:
		return CoverClosing
	case c.position == 0:
		return CoverClosed
	case c.position == 100:
		return CoverOpen
	}
	return CoverStopped
}

func (c *Cover) aim() string {
	switch c.goal {
	case 0:
		return CoverClosed
	case 100:
		return CoverOpen
	}
	return CoverStopped
}

// Parts returns cover.
func (c *Cover) Parts() []Part {
	return []Part{{ID: "cover", Kind: "cover", Name: "Cover", Properties: []Property{
		{
			ID: "state", Name: "State", Type: Enum, Every: 2 * time.Minute,
			Choices: []string{CoverOpen, CoverOpening, CoverClosed, CoverClosing, CoverStopped},
			Orders:  []string{CoverOpen, CoverClosed, CoverStopped},
			Read:    func() Value { return c.state() },
			Goal:    func() Value { return c.aim() },
			Write: func(v Value) {
				switch v {
				case CoverOpen:
					c.goal = 100
				case CoverClosed:
					c.goal = 0
				default:
					c.halt()
				}
			},
		},
		{
			ID: "position", Name: "Position", Type: Int, Unit: "%", Max: 100, Delta: 1, Least: time.Second, Every: 2 * time.Minute,
			Read:  func() Value { return round(c.position, 0) },
			Goal:  func() Value { return round(c.goal, 0) },
			Write: func(v Value) { c.goal = v.(float64) },
		},
		{
			ID: "stop", Name: "Stop", Type: Bool, Momentary: true,
			Write: func(v Value) {
				if v.(bool) {
					c.halt()
				}
			},
		},
	}}}
}

// The states of a lock.
const (
	Locked    = "locked"
	Locking   = "locking"
	Unlocked  = "unlocked"
	Unlocking = "unlocking"
	Jammed    = "jammed"
)

// Lock is a door lock with a motor.
type Lock struct {
	jam     float64
	rnd     *rand.Rand
	state   string
	goal    string
	turning time.Duration // until it has turned
	away    time.Duration // since the door was used last
	night   bool
	battery battery
}

// NewLock returns a locked lock that jams with the given chance, 0 to 1, whenever it turns. The household unlocks it to go
// through the door, and locks it when nobody is at home and at night.
func NewLock(jam float64, rnd *rand.Rand) *Lock {
	return &Lock{jam: jam, rnd: rnd, state: Locked, goal: Locked, night: true, battery: newBattery(rnd)}
}

// Step turns the key.
func (l *Lock) Step(s *Surroundings) {
	l.battery.step(s.Dt)
	l.away += s.Dt
	if s.Room.DoorUsed {
		l.away = 0
		l.order(Unlocked)
	}
	if l.away > 20*time.Second && s.Home == 0 && l.away < 40*time.Second {
		l.order(Locked) // the last to leave
	}
	if night := s.Now.Hour() >= 22 || s.Now.Hour() < 6; night != l.night {
		l.night = night
		if night {
			l.order(Locked)
		}
	}
	if l.turning > 0 {
		if l.turning -= s.Dt; l.turning <= 0 {
			l.turning, l.state = 0, l.goal
			if l.rnd.Float64() < l.jam {
				l.state = Jammed
			}
		}
	}
}

func (l *Lock) order(goal string) {
	if l.goal == goal && l.state != Jammed {
		return
	}
	l.goal, l.turning, l.state = goal, 1500*time.Millisecond, Locking
	if goal == Unlocked {
		l.state = Unlocking
	}
}

// Parts returns lock and battery.
func (l *Lock) Parts() []Part {
	return []Part{
		{ID: "lock", Kind: "lock", Name: "Lock", Properties: []Property{{
			ID: "state", Name: "State", Type: Enum, Every: 2 * time.Minute,
			Choices: []string{Locked, Locking, Unlocked, Unlocking, Jammed},
			Orders:  []string{Locked, Unlocked},
			Read:    func() Value { return l.state },
			Goal:    func() Value { return l.goal },
			Write:   func(v Value) { l.order(v.(string)) },
		}}},
		l.battery.part(),
	}
}

// Fan is a ventilator with four speeds.
type Fan struct {
	exhaust bool
	on      bool
	speed   float64 // percent, in quarters
	swings  bool
	humid   bool // the exhaust fan has seen the damp air
}

// NewFan returns a fan that is off; an exhaust fan blows the room's air out and starts by itself when the air is damp.
func NewFan(exhaust bool) *Fan { return &Fan{exhaust: exhaust, speed: 50} }

// Step blows.
func (f *Fan) Step(s *Surroundings) {
	if f.exhaust {
		switch {
		case s.Room.Humidity > 68 && !f.humid:
			f.humid, f.on, f.speed = true, true, 75
		case s.Room.Humidity < 60 && f.humid:
			f.humid, f.on = false, false
		}
		if f.on {
			s.Room.Airflow += f.speed // 100 m³/h at full speed
		}
	}
}

// Parts returns fan; an exhaust fan does not oscillate.
func (f *Fan) Parts() []Part {
	p := []Property{
		{
			ID: "on", Name: "On", Type: Bool, Every: 2 * time.Minute,
			Read: func() Value { return f.on },
			Write: func(v Value) {
				f.on = v.(bool)
				if f.on && f.speed == 0 {
					f.speed = 25
				}
			},
		},
		{
			ID: "speed", Name: "Speed", Type: Int, Unit: "%", Max: 100, Step: 25, Every: 2 * time.Minute,
			Read: func() Value { return f.speed },
			Write: func(v Value) {
				f.speed = math.Round(v.(float64)/25) * 25
				f.on = f.speed > 0
			},
		},
	}
	if !f.exhaust {
		p = append(p, Property{
			ID: "oscillating", Name: "Oscillating", Type: Bool, Every: 2 * time.Minute,
			Read:  func() Value { return f.swings },
			Write: func(v Value) { f.swings = v.(bool) },
		})
	}
	return []Part{{ID: "fan", Kind: "fan", Name: "Fan", Properties: p}}
}
