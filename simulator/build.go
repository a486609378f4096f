package simulator

import (
	"fmt"
	"slices"
	"time"

	"home.arpa/homehub/simulator/physics"
)

// firstDay is the day of seed 1: in autumn, when mornings are dark and heating is on. Each further seed is 13 days later,
// within the year.
var firstDay = time.Date(2026, time.November, 2, 7, 0, 0, 0, time.UTC)

// startOfDay is when the model time of a seed begins: seven in the morning, when the house wakes up.
func startOfDay(seed uint64) time.Time { return firstDay.AddDate(0, 0, int((seed+364)%365*13%365)) }

// build puts the house into a world and returns its devices in the house's order.
func build(h House, start time.Time, seed uint64) (*physics.World, []*device, error) {
	world := physics.NewWorld(start, seed)
	type place struct {
		room  *physics.Room
		floor int
	}
	places := map[string]place{}
	for _, r := range h.Rooms {
		area := r.Area
		if area == 0 {
			area = 15
		}
		places[r.Name] = place{world.AddRoom(r.Name, r.Floor, r.Use, area), r.Floor}
	}
	for _, p := range h.People {
		world.AddPerson(p.Name, p.Floor, p.Role)
	}
	var devices []*device
	for _, spec := range h.Devices {
		at := places[spec.Room]
		id := spec.ID()
		thing, err := newThing(spec, at.room, world, id)
		if err != nil {
			return nil, nil, fmt.Errorf("building device %q: %w", spec.Name, err)
		}
		world.AddThing(thing, at.room, at.floor)
		d := &device{spec: spec, id: id, thing: thing, parts: thing.Parts()}
		if l := findLanguage(spec.Speaks); l.voice != nil {
			d.voice = l.voice(d) // which may add parts of its own
		}
		d.watch(start, world.Chance("reports of "+id))
		devices = append(devices, d)
	}
	return world, devices, nil
}

// connectAll gives the devices their lines, which it returns: each one of its own, and those behind a bridge the bridge's.
func (s *Simulator) connectAll(h House) []*line {
	var list []*line
	bridges := map[string]*line{}
	for _, d := range s.devices {
		l := findLanguage(d.spec.Speaks)
		switch {
		case l.bridge == nil:
			d.line = newLine(d.id, d, s, d)
			list = append(list, d.line)
		case bridges[l.name] != nil:
			d.line = bridges[l.name]
		default:
			var behind []*device
			for _, other := range s.devices {
				if other.spec.Speaks == l.name {
					behind = append(behind, other)
				}
			}
			b := l.bridge(h, behind)
			d.line = newLine(b.name(), b, s, behind...)
			bridges[l.name] = d.line
			list = append(list, d.line)
		}
	}
	return list
}

func newThing(spec DeviceSpec, room *physics.Room, world *physics.World, id string) (physics.Thing, error) {
	chance := world.Chance("device " + id)
	switch spec.Kind {
	case KindLight:
		return physics.NewLamp(physics.LampOptions{
			Brightness:  len(spec.Can) > 0, // what has a color can be dimmed
			Temperature: slices.Contains(spec.Can, "temperature"),
			Color:       slices.Contains(spec.Can, "color"),
			Habit:       spec.ByHand,
		}, chance), nil
	case KindThermostat:
		return physics.NewThermostat(room, chance), nil
	case KindWashingMachine:
		return physics.NewWashingMachine(chance), nil
	case KindDishwasher:
		return physics.NewDishwasher(chance), nil
	case KindPlug:
		if spec.Outlets > 1 {
			return physics.NewStrip(spec.Load, spec.Outlets, chance)
		}
		return physics.NewPlug(spec.Load, chance)
	case KindClimate:
		return physics.NewAirSensor(room, chance), nil
	case KindMotion:
		return physics.NewMotion(chance), nil
	case KindContact:
		if spec.Opening == "window" {
			return physics.NewWindow(chance), nil
		}
		return physics.NewDoor(chance), nil
	case KindCover:
		return physics.NewCover(spec.Travel, chance), nil
	case KindLock:
		return physics.NewLock(spec.Jam, chance), nil
	case KindFan:
		return physics.NewFan(room.Use == physics.Bathroom), nil
	case KindRemote:
		return physics.NewRemote(chance), nil
	}
	return nil, fmt.Errorf("there is no kind %q", spec.Kind)
}
