package physics

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// World is a whole house at one moment of model time.
type World struct {
	// Now is the model time.
	Now time.Time
	// Weather is the weather over the house.
	Weather *Weather

	seed   uint64
	rooms  []*Room
	floors map[int]*floor
	things []placed
}

type floor struct {
	rooms       map[Use]*Room
	people      []*person
	home, awake int
}

type placed struct {
	thing Thing
	room  *Room
	floor *floor
}

// NewWorld returns an empty lot under the sky of a moment. The seed decides all that chance decides.
func NewWorld(now time.Time, seed uint64) *World {
	w := &World{Now: now, seed: seed, floors: map[int]*floor{}}
	w.Weather = NewWeather(now, w.Chance("weather"))
	return w
}

// Chance returns the stream of chance of whatever has the name: the same for the same seed and name.
func (w *World) Chance(name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

func (w *World) floor(number int) *floor {
	f := w.floors[number]
	if f == nil {
		f = &floor{rooms: map[Use]*Room{}}
		w.floors[number] = f
	}
	return f
}

// AddRoom builds a room on a floor. Area is in m². Of several rooms of one use people use the first.
func (w *World) AddRoom(name string, floor int, use Use, area float64) *Room {
	r := NewRoom(use, area, w.Weather, w.Chance("room "+name))
	w.rooms = append(w.rooms, r)
	if f := w.floor(floor); f.rooms[use] == nil {
		f.rooms[use] = r
	}
	return r
}

// AddPerson lets somebody move in on a floor.
func (w *World) AddPerson(name string, floor int, role Role) {
	f := w.floor(floor)
	f.people = append(f.people, &person{role: role, rnd: w.Chance("person " + name), rooms: f.rooms})
}

// AddThing places a thing in a room.
func (w *World) AddThing(t Thing, r *Room, floor int) {
	w.things = append(w.things, placed{t, r, w.floor(floor)})
}

// Step lets dt pass: first the weather, then the people, then the things, then the air of the rooms.
func (w *World) Step(dt time.Duration) {
	w.Now = w.Now.Add(dt)
	w.Weather.Step(w.Now, dt)
	inside, warmth := 0.0, 0.0
	for _, r := range w.rooms {
		r.People, r.Awake, r.Moved, r.DoorUsed, r.Steam = 0, 0, false, false, false
		if r.Use != Garden {
			inside, warmth = inside+1, warmth+r.Temperature
		}
	}
	for _, f := range w.floors { // each floor has its own chance and its own rooms, so that their order does not matter
		f.home, f.awake = 0, 0
		for _, p := range f.people {
			home, awake := p.step(w.Now, dt)
			if home {
				f.home++
			}
			if awake {
				f.awake++
			}
		}
	}
	s := Surroundings{Now: w.Now, Dt: dt, Weather: w.Weather}
	for _, p := range w.things {
		s.Room, s.Home, s.Awake = p.room, p.floor.home, p.floor.awake
		p.thing.Step(&s)
	}
	for _, r := range w.rooms {
		r.Step(w.Weather, warmth/max(inside, 1), dt)
	}
}
