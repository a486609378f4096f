package hub

import (
	"time"

	"home.arpa/homehub/devices"
)

const (
	// lookAround is how often the devices' silence is judged.
	lookAround = 15 * time.Second
	// keepRhythm is how often at most what a device has shown of its habits is kept for its own sake. It is kept with every other
	// change of the device's record, too, and at the end.
	keepRhythm = 24 * time.Hour
)

// listenFor looks which devices have been silent for too long. One that was there in the hub's last life and has not been heard since is
// missed like any other.
func (h *Hub) listenFor(now time.Time) {
	for _, e := range h.byID {
		switch e.twin.Reach().Presence {
		case devices.Online, devices.Asleep, devices.Unknown:
			h.settle(now, e)
		}
		if s := &e.signs; s.keptAt.IsZero() {
			s.keptAt = now
		} else if learnt := s.kept == 0 && s.cadence.Limit() > 0; learnt || now.Sub(s.keptAt) >= keepRhythm {
			if e.worthKeeping() && h.habitual(e) {
				h.keepHabits(now, e)
			}
		}
	}
}

// worthKeeping says whether a device's habits are others than those that the store knows: its limit is another by a quarter or, as long as it
// has none, it has been watched for a quarter longer.
func (e *entry) worthKeeping() bool {
	limit, kept := e.signs.cadence.Limit(), e.signs.kept
	if limit == 0 && kept == 0 {
		return e.signs.cadence.Watched() > e.signs.keptWatch*5/4+time.Hour
	}
	return limit > kept+kept/4 || limit < kept-kept/4
}

func (h *Hub) keepHabits(now time.Time, e *entry) {
	e.signs.keepAs(now)
	h.recorder.device(e.record(), nil)
}

// keepAs notes that the store knows the habits.
func (s *signs) keepAs(now time.Time) {
	s.kept, s.keptWatch, s.keptAt = s.cadence.Limit(), s.cadence.Watched(), now
}

// keepAllHabits keeps what is worth it when the hub stops.
func (h *Hub) keepAllHabits(now time.Time) {
	for _, e := range h.byID {
		if e.worthKeeping() && h.habitual(e) {
			h.keepHabits(now, e)
		}
	}
}

// deafen notes that the hub hears nothing from now on: the silence until it listens again is its own.
func (h *Hub) deafen() {
	h.listening = time.Time{}
	for _, e := range h.byID {
		e.signs.cadence.Paused()
	}
}
