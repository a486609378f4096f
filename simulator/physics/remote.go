package physics

import (
	"math/rand/v2"
)

// The ways to press the button of a remote.
const (
	PressSingle = "single"
	PressDouble = "double"
	PressHold   = "hold"
)

// Remote is a button on the table of a room, which people press now and then. It has no state: a press is an event.
type Remote struct {
	rnd     *rand.Rand
	pressed string // how it was pressed last
	times   int
	battery battery
}

// NewRemote returns a remote that nobody has pressed yet.
func NewRemote(rnd *rand.Rand) *Remote {
	return &Remote{rnd: rnd, pressed: PressSingle, battery: newBattery(rnd)}
}

// Step lets somebody in the room press it, on average every twenty minutes.
func (r *Remote) Step(s *Surroundings) {
	r.battery.step(s.Dt)
	if s.Room.Awake == 0 || r.rnd.Float64() >= s.Dt.Minutes()/20 {
		return
	}
	switch n := r.rnd.IntN(10); {
	case n < 7:
		r.Press(PressSingle)
	case n < 9:
		r.Press(PressDouble)
	default:
		r.Press(PressHold)
	}
}

// Press presses it in one of the ways.
func (r *Remote) Press(how string) {
	r.pressed = how
	r.times++
}

// Parts returns remote and battery.
func (r *Remote) Parts() []Part {
	return []Part{
		{ID: "remote", Kind: "event", Name: "Remote", Properties: []Property{{
			ID: "action", Name: "Action", Type: Enum, Class: "button", Choices: []string{PressSingle, PressDouble, PressHold},
			Momentary: true,
			Read:      func() Value { return r.pressed },
			Times:     func() int { return r.times },
		}}},
		r.battery.part(),
	}
}
