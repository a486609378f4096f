package physics

import (
	"math/rand/v2"
	"time"
)

// Role is how somebody spends the day.
type Role string

// The roles.
const (
	Worker Role = "worker" // leaves in the morning, comes back in the evening
	Homely Role = "home"   // works in the office at home
	Child  Role = "child"  // is at school until the early afternoon
)

// Roles are all roles.
var Roles = []Role{Worker, Homely, Child}

// person is somebody who lives on a floor of the house.
type person struct {
	role  Role
	rnd   *rand.Rand
	rooms map[Use]*Room

	day   time.Time
	slots []slot
	room  *Room // where the person is; nil: away
	hops  []hop // the way to where the person is going
	stay  time.Duration
	trip  *Room // a short visit to another room
	left  time.Duration
}

// slot is a part of the day: from a time on, somebody is where something is done.
type slot struct {
	from  time.Duration // after midnight
	use   Use           // empty: away
	bed   bool
	steam bool
}

// hop is one stay on a way: in a room (nil: out of the house), for a time, after going through the house's door or not.
type hop struct {
	room *Room
	stay time.Duration
	door bool
}

// plan makes the slots of a day. At weekends nobody leaves.
func (p *person) plan(day time.Time) {
	at := func(hour, minute, spread float64) time.Duration {
		return time.Duration(hour*60+minute)*time.Minute + minutes(p.rnd, -spread, spread)
	}
	away := Use("")
	if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
		away = Living
	}
	switch p.role {
	case Worker:
		p.slots = []slot{
			{from: at(6, 32, 10), use: Bathroom, steam: true},
			{from: at(6, 56, 4), use: Kitchen},
			{from: at(7, 42, 8), use: away},
			{from: at(17, 10, 25), use: Living},
			{from: at(17, 50, 10), use: Kitchen, steam: true},
			{from: at(18, 40, 10), use: Living},
			{from: at(22, 25, 20), use: Bathroom},
			{from: at(22, 55, 8), use: Bedroom, bed: true},
		}
	case Child:
		p.slots = []slot{
			{from: at(6, 54, 4), use: Bathroom},
			{from: at(7, 8, 4), use: Kitchen},
			{from: at(7, 33, 5), use: away},
			{from: at(13, 40, 10), use: Nursery},
			{from: at(15, 30, 15), use: Living},
			{from: at(16, 30, 15), use: Nursery},
			{from: at(18, 20, 5), use: Kitchen},
			{from: at(18, 50, 5), use: Living},
			{from: at(19, 50, 10), use: Bathroom},
			{from: at(20, 15, 5), use: Nursery, bed: true},
		}
	default:
		p.slots = []slot{
			{from: at(6, 58, 3), use: Bathroom, steam: true},
			{from: at(7, 16, 4), use: Kitchen},
			{from: at(8, 5, 10), use: Office},
			{from: at(10, 15, 15), use: Kitchen},
			{from: at(10, 35, 4), use: Office},
			{from: at(12, 15, 10), use: Kitchen, steam: true},
			{from: at(13, 5, 10), use: Office},
			{from: at(17, 0, 20), use: Living},
			{from: at(18, 20, 5), use: Kitchen},
			{from: at(18, 45, 10), use: Living},
			{from: at(22, 35, 20), use: Bathroom},
			{from: at(23, 0, 5), use: Bedroom, bed: true},
		}
	}
}

// now is the slot of a time of day. Before the first, people are in bed.
func (p *person) now(sinceMidnight time.Duration) slot {
	current := p.slots[len(p.slots)-1]
	for _, s := range p.slots {
		if s.from <= sinceMidnight {
			current = s
		} else {
			break
		}
	}
	if sinceMidnight < p.slots[0].from {
		current = p.slots[len(p.slots)-1]
	}
	return current
}

// in is the room for a use, or one that will do.
func (p *person) in(use Use) *Room {
	for _, u := range []Use{use, Bedroom, Living, Kitchen, Hall, Office} {
		if r := p.rooms[u]; r != nil {
			return r
		}
	}
	for _, u := range Uses {
		if r := p.rooms[u]; r != nil && u != Garden {
			return r
		}
	}
	return nil
}

// step moves the person and leaves the marks in the rooms. It says whether the person is in the house, and awake.
func (p *person) step(now time.Time, dt time.Duration) (home, awake bool) {
	day := midnight(now)
	begins := p.day.IsZero()
	if day != p.day {
		p.day = day
		p.plan(day)
	}
	s := p.now(now.Sub(day))
	var goal *Room
	if s.use != "" {
		goal = p.in(s.use)
	}
	if begins {
		p.room = goal
	}
	moved := false
	if p.trip != nil {
		if p.left -= dt; p.left <= 0 || goal == nil || s.bed {
			p.trip = nil
		} else {
			goal = p.trip
		}
	} else if goal != nil && p.room == goal && !s.bed && p.rnd.Float64() < dt.Minutes()/6 {
		p.trip, p.left = p.in([]Use{Kitchen, Bathroom, Living, Nursery, Office, Hall}[p.rnd.IntN(6)]), minutes(p.rnd, 0.7, 4)
	}
	switch {
	case len(p.hops) > 0:
		if p.stay -= dt; p.stay <= 0 {
			p.hop()
			moved = true
		}
	case p.room != goal:
		p.set(goal)
		p.hop()
		moved = true
	}
	if p.room == nil {
		return false, false
	}
	awake = !s.bed || p.room != goal || len(p.hops) > 0
	p.room.People++
	if awake {
		p.room.Awake++
		p.room.Moved = p.room.Moved || moved || p.rnd.Float64() < dt.Seconds()/25
		p.room.Steam = p.room.Steam || s.steam && p.trip == nil && p.room == goal
	}
	return true, awake
}

// set plans the way to a room, or out of the house.
func (p *person) set(goal *Room) {
	hall := p.rooms[Hall]
	seconds := func(from, to int) time.Duration { return time.Duration(from+p.rnd.IntN(to-from)) * time.Second }
	switch {
	case hall == nil:
		p.hops = []hop{{room: goal, door: goal == nil || p.room == nil}}
	case goal == nil:
		p.hops = []hop{{hall, seconds(12, 30), false}, {room: nil, door: true}}
	case p.room == nil:
		p.hops = []hop{{hall, seconds(10, 25), true}, {room: goal}}
	case goal == hall || p.room == hall:
		p.hops = []hop{{room: goal}}
	default:
		p.hops = []hop{{hall, seconds(4, 9), false}, {room: goal}}
	}
}

// hop takes the next hop.
func (p *person) hop() {
	h := p.hops[0]
	p.hops = p.hops[1:]
	if h.door {
		door := p.rooms[Hall]
		if door == nil {
			door = p.in(Living)
		}
		if door != nil {
			door.DoorUsed, door.Moved = true, true
		}
	}
	p.room, p.stay = h.room, h.stay
}
