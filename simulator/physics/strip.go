package physics

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

// MaxOutlets is how many sockets a strip may have.
const MaxOutlets = 8

// Strip is a row of sockets, each with a switch and a meter of its own.
type Strip struct{ plugs []*Plug }

// NewStrip returns a strip of 1 to MaxOutlets sockets. The load is in the first; in the others are lights.
func NewStrip(load string, outlets int, rnd *rand.Rand) (*Strip, error) {
	if outlets < 1 || outlets > MaxOutlets {
		return nil, fmt.Errorf("a plug has 1 to %d outlets, not %d", MaxOutlets, outlets)
	}
	s := &Strip{}
	for range outlets {
		p, err := NewPlug(load, rnd)
		if err != nil {
			return nil, err
		}
		s.plugs = append(s.plugs, p)
		load = "lights"
	}
	return s, nil
}

// Step lets the loads draw their power. All sockets are on one line, so that they have one voltage.
func (s *Strip) Step(around *Surroundings) {
	for _, p := range s.plugs {
		p.Step(around)
		p.voltage.value = s.plugs[0].voltage.value
	}
}

// Parts returns switch and meter, then switch-2 and meter-2, and so on.
func (s *Strip) Parts() []Part {
	var out []Part
	for i, p := range s.plugs {
		for _, part := range p.Parts() {
			if i > 0 {
				part.ID, part.Name = part.ID+"-"+strconv.Itoa(i+1), part.Name+" "+strconv.Itoa(i+1)
			}
			out = append(out, part)
		}
	}
	return out
}
