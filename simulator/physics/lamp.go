package physics

import (
	"math"
	"math/rand/v2"
	"time"
)

// LampOptions says what a lamp can do.
type LampOptions struct {
	Brightness, Temperature, Color bool
	// Habit: people switch it on when they come into the dark room, and off when the last has left.
	Habit bool
}

// The color modes of a lamp.
const (
	WhiteMode = "color_temp"
	ColorMode = "hs"
)

// Lamp is a light. Brightness and color temperature fade; on and off are immediate.
type Lamp struct {
	options LampOptions
	rnd     *rand.Rand

	on                 bool
	level, levelGoal   float64 // percent
	last               float64 // the last level that was not 0
	kelvin, kelvinGoal float64
	color              Color
	mode               string
	fade               time.Duration // how long the present fade still takes
	next               time.Duration // how long the next one is to take

	crowd   int           // people in the room at the last step
	reacts  time.Duration // until the hand is at the switch; 0: nobody is about to
	emptied time.Duration // since the last person left; negative: nothing to switch off
}

// Fades take this long when nobody says otherwise.
const usualFade = 1500 * time.Millisecond

// The range of color temperatures in kelvin.
const (
	Warmest = 2200
	Coldest = 6500
)

// NewLamp returns a lamp that is off.
func NewLamp(o LampOptions, rnd *rand.Rand) *Lamp {
	level := float64(50 + 5*rnd.IntN(11))
	return &Lamp{
		options: o, rnd: rnd, level: level, levelGoal: level, last: level, kelvin: 2700, kelvinGoal: 2700,
		color: Color{H: float64(10 * rnd.IntN(36)), S: 80}, mode: WhiteMode, next: usualFade, emptied: -1,
	}
}

// Fade sets how long the fade takes that the writes that follow begin, until UsualFade.
func (l *Lamp) Fade(d time.Duration) { l.next = min(max(d, 0), time.Hour) }

// UsualFade ends what Fade began.
func (l *Lamp) UsualFade() { l.next = usualFade }

// Preset sets the brightness to which the lamp will come on, in percent above 0, without switching it on.
func (l *Lamp) Preset(level float64) {
	if level = clamp(level, 0, 100); level == 0 {
		return
	}
	l.last, l.levelGoal = level, level
	l.begin()
}

// Whiten has a lamp that can shine in colors shine white.
func (l *Lamp) Whiten() { l.mode = WhiteMode }

// Mode is WhiteMode or ColorMode.
func (l *Lamp) Mode() string { return l.mode }

// Step fades, and lets people be people.
func (l *Lamp) Step(s *Surroundings) {
	if l.fade > 0 {
		share := 1.0
		if s.Dt < l.fade {
			share = float64(s.Dt) / float64(l.fade)
		}
		l.level += (l.levelGoal - l.level) * share
		l.kelvin += (l.kelvinGoal - l.kelvin) * share
		l.fade = max(0, l.fade-s.Dt)
	}
	if l.options.Habit {
		l.habit(s)
	}
	if l.on {
		s.Room.LampLux += 3 * l.level
	}
}

func (l *Lamp) habit(s *Surroundings) {
	crowd := s.Room.Awake
	switch {
	case crowd > 0 && l.crowd == 0:
		l.emptied = -1
		if s.Room.Dark(s.Weather) && !l.on {
			l.reacts = time.Second + time.Duration(l.rnd.IntN(2000))*time.Millisecond
		}
	case crowd == 0 && l.crowd > 0:
		l.emptied, l.reacts = 0, 0
	}
	l.crowd = crowd
	if l.reacts > 0 {
		if l.reacts -= s.Dt; l.reacts <= 0 {
			l.reacts, l.on = 0, true
		}
	}
	if l.emptied >= 0 {
		if l.emptied += s.Dt; l.emptied > 90*time.Second {
			l.emptied, l.on = -1, false
		}
	}
}

func (l *Lamp) switchOn(on bool) {
	l.reacts = 0
	if on && !l.on && l.levelGoal == 0 {
		l.level, l.levelGoal = l.last, l.last
	}
	l.on = on
	if !on {
		l.emptied = -1
	}
}

func (l *Lamp) dim(level float64) {
	l.reacts = 0
	if level == 0 {
		l.on, l.level, l.levelGoal = false, 0, 0
		return
	}
	if !l.on {
		l.on, l.level = true, math.Min(1, level)
	}
	l.last, l.levelGoal = level, level
	l.begin()
}

func (l *Lamp) begin() {
	l.fade = l.next
	if l.fade == 0 {
		l.level, l.kelvin = l.levelGoal, l.kelvinGoal
	}
}

// Parts returns one part, light.
func (l *Lamp) Parts() []Part {
	p := []Property{{
		ID: "on", Name: "On", Type: Bool, Every: time.Minute,
		Read:  func() Value { return l.on },
		Write: func(v Value) { l.switchOn(v.(bool)) },
	}}
	if l.options.Brightness {
		p = append(p, Property{
			ID: "brightness", Name: "Brightness", Type: Float, Unit: "%", Max: 100, Delta: 0.3, Every: time.Minute,
			Read:  func() Value { return l.level },
			Goal:  func() Value { return l.levelGoal },
			Write: func(v Value) { l.dim(v.(float64)) },
		})
	}
	if l.options.Temperature {
		p = append(p, Property{
			ID: "color-temperature", Name: "Color temperature", Type: Int, Unit: "K", Min: Warmest, Max: Coldest, Delta: 10,
			Every: time.Minute,
			Read:  func() Value { return round(l.kelvin, 0) },
			Goal:  func() Value { return l.kelvinGoal },
			Write: func(v Value) {
				l.mode, l.kelvinGoal = WhiteMode, v.(float64)
				l.begin()
			},
		})
	}
	if l.options.Color {
		p = append(p, Property{
			ID: "color", Name: "Color", Type: Hue, Every: time.Minute,
			Read:  func() Value { return l.color },
			Write: func(v Value) { l.mode, l.color = ColorMode, v.(Color) },
		})
	}
	return []Part{{ID: "light", Kind: "light", Name: "Light", Properties: p}}
}
