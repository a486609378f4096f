package hub

import (
	"fmt"
	"math/rand/v2"
	"time"

	"home.arpa/homehub/devices"
)

// endedCommands remembers the newest commands that have ended.
type endedCommands struct {
	byID  map[string]devices.Command
	order []string
}

func (r *endedCommands) add(c devices.Command) {
	if r.byID == nil {
		r.byID = map[string]devices.Command{}
	}
	r.byID[c.ID] = c
	r.order = append(r.order, c.ID)
	if len(r.order) > recentCommands {
		delete(r.byID, r.order[0])
		r.order = r.order[1:]
	}
}

func (r *endedCommands) get(id string) (devices.Command, bool) {
	c, ok := r.byID[id]
	return c, ok
}

func (r *endedCommands) each(visit func(devices.Command)) {
	for _, id := range r.order {
		visit(r.byID[id])
	}
}

// idMaker makes IDs of commands that sort by the time of their making: milliseconds, a number, and four random digits
// because a clock may be set back between two lives of the program.
type idMaker struct {
	milli int64
	count uint16
}

func (m *idMaker) next(now time.Time) string {
	if milli := now.UnixMilli(); milli > m.milli {
		m.milli, m.count = milli, 0
	} else if m.count++; m.count == 0 {
		m.milli++
	}
	return fmt.Sprintf("%012x%04x%04x", m.milli, m.count, rand.IntN(1<<16))
}
