package physics_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"home.arpa/homehub/simulator/physics"
)

var monday = time.Date(2026, time.November, 2, 7, 0, 0, 0, time.UTC)

func chance() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// place is a thing in a room, for tests that let time pass.
type place struct {
	thing physics.Thing
	parts []physics.Part
	s     physics.Surroundings
}

func put(thing physics.Thing, room *physics.Room, at time.Time) *place {
	if room == nil {
		room = physics.NewRoom(physics.Living, 20, physics.NewWeather(at, chance()), chance())
	}
	return &place{thing, thing.Parts(), physics.Surroundings{
		Now: at, Dt: 500 * time.Millisecond, Weather: physics.NewWeather(at, chance()), Room: room, Home: 1, Awake: 1,
	}}
}

// pass lets time pass; each is called after every step.
func (p *place) pass(d time.Duration, each func()) {
	for ; d > 0; d -= p.s.Dt {
		p.s.Now = p.s.Now.Add(p.s.Dt)
		p.thing.Step(&p.s)
		if each != nil {
			each()
		}
	}
}

func (p *place) property(t *testing.T, part, id string) *physics.Property {
	t.Helper()
	found := physics.Find(p.parts, part, id)
	if found == nil {
		t.Fatalf("there is no %s/%s", part, id)
	}
	return found
}

func (p *place) read(t *testing.T, part, id string) physics.Value {
	t.Helper()
	return p.property(t, part, id).Read()
}

func (p *place) write(t *testing.T, part, id string, v physics.Value) {
	t.Helper()
	property := p.property(t, part, id)
	if why := property.Check(v); why != "" {
		t.Fatalf("%s/%s refuses %v: %s", part, id, v, why)
	}
	property.Write(v)
}

func (p *place) want(t *testing.T, part, id string, want physics.Value) {
	t.Helper()
	if got := p.read(t, part, id); got != want {
		t.Errorf("%s/%s is %v, want %v", part, id, got, want)
	}
}

func TestALampFadesThroughWhatLiesBetween(t *testing.T) {
	p := put(physics.NewLamp(physics.LampOptions{Brightness: true, Temperature: true}, chance()), nil, monday)
	p.write(t, "light", "brightness", 100.0)
	p.want(t, "light", "on", true)
	var seen []float64
	p.pass(1500*time.Millisecond, func() { seen = append(seen, p.read(t, "light", "brightness").(float64)) })
	if len(seen) != 3 || !(seen[0] > 1 && seen[0] < seen[1] && seen[1] < 100 && seen[2] == 100) {
		t.Errorf("on the way to 100 it was %v", seen)
	}
	if goal := p.property(t, "light", "brightness").Goal(); goal != 100.0 {
		t.Errorf("its goal is %v", goal)
	}
}

func TestALampAtZeroIsOffAndComesBackAsBright(t *testing.T) {
	p := put(physics.NewLamp(physics.LampOptions{Brightness: true}, chance()), nil, monday)
	p.write(t, "light", "brightness", 40.0)
	p.pass(2*time.Second, nil)
	p.write(t, "light", "brightness", 0.0)
	p.want(t, "light", "on", false)
	p.want(t, "light", "brightness", 0.0)
	p.write(t, "light", "on", true)
	p.want(t, "light", "brightness", 40.0)
}

func TestALampHasTheModeThatWasSetLast(t *testing.T) {
	lamp := physics.NewLamp(physics.LampOptions{Brightness: true, Temperature: true, Color: true}, chance())
	p := put(lamp, nil, monday)
	p.write(t, "light", "color", physics.Color{H: 120, S: 50})
	if lamp.Mode() != physics.ColorMode {
		t.Errorf("after a color the mode is %s", lamp.Mode())
	}
	p.write(t, "light", "color-temperature", 4000.0)
	p.pass(2*time.Second, nil)
	p.want(t, "light", "color-temperature", 4000.0)
	if lamp.Mode() != physics.WhiteMode {
		t.Errorf("after a color temperature the mode is %s", lamp.Mode())
	}
}

func TestPeopleSwitchALampInTheDark(t *testing.T) {
	for _, c := range []struct {
		name  string
		habit bool
		hour  int
		want  bool
	}{
		{"a lamp with the habit in the dark goes on", true, 22, true},
		{"a lamp with the habit by day stays off", true, 12, false},
		{"a lamp without the habit stays off", false, 22, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := time.Date(2026, time.November, 2, c.hour, 0, 0, 0, time.UTC)
			p := put(physics.NewLamp(physics.LampOptions{Habit: c.habit}, chance()), nil, at)
			p.pass(time.Second, nil)
			p.s.Room.Awake = 1
			p.pass(5*time.Second, nil)
			p.want(t, "light", "on", c.want)
			p.s.Room.Awake = 0
			p.pass(2*time.Minute, nil)
			p.want(t, "light", "on", false)
		})
	}
}

func TestAThermostatWarmsAndLetsCool(t *testing.T) {
	weather := physics.NewWeather(monday, chance())
	for _, c := range []struct {
		mode     string
		target   float64
		low, top float64
		action   string
	}{
		{physics.ModeHeat, 24, 23.4, 24.3, physics.ActionHeating},
		{physics.ModeHeat, 15, 14.4, 15.6, physics.ActionHeating},
		{physics.ModeAuto, 21, 20.4, 21.3, physics.ActionHeating},
		{physics.ModeOff, 24, 5, 13, physics.ActionOff},
	} {
		t.Run(fmt.Sprintf("%s at %v", c.mode, c.target), func(t *testing.T) {
			room := physics.NewRoom(physics.Living, 20, weather, chance())
			room.Temperature = 19
			p := put(physics.NewThermostat(room, chance()), room, monday)
			p.write(t, "climate", "mode", c.mode)
			p.write(t, "climate", "target-temperature", c.target)
			p.pass(14*time.Hour, func() { room.Step(weather, room.Temperature, p.s.Dt) })
			if got := p.read(t, "climate", "current-temperature").(float64); got < c.low || got > c.top {
				t.Errorf("after 14 hours it is %v °C, want %v to %v", got, c.low, c.top)
			}
			p.want(t, "climate", "action", c.action)
		})
	}
}

func TestAThermostatOnItsProgrammeSetsBackAtNight(t *testing.T) {
	p := put(physics.NewThermostat(physics.NewRoom(physics.Living, 20, physics.NewWeather(monday, chance()), chance()), chance()),
		nil, time.Date(2026, time.November, 2, 21, 59, 59, 0, time.UTC))
	p.write(t, "climate", "target-temperature", 23.0)
	p.want(t, "climate", "target-temperature", 23.0)
	p.pass(2*time.Second, nil)
	p.want(t, "climate", "target-temperature", 17.0)
}

func TestAnOpenWindowCoolsTheRoomAndShutsTheValve(t *testing.T) {
	weather := physics.NewWeather(monday, chance())
	room := physics.NewRoom(physics.Kitchen, 16, weather, chance())
	room.Temperature = 21
	p := put(physics.NewThermostat(room, chance()), room, monday)
	p.write(t, "climate", "target-temperature", 25.0)
	p.pass(10*time.Minute, func() {
		room.Airing = true
		room.Step(weather, room.Temperature, p.s.Dt)
	})
	if room.Temperature > 19.5 {
		t.Errorf("after ten minutes the room still has %.1f °C", room.Temperature)
	}
	p.want(t, "valve", "valve", 0.0)
}

func TestAWashingMachineGoesThroughItsPhases(t *testing.T) {
	evening := time.Date(2026, time.November, 2, 18, 0, 0, 0, time.UTC) // it is not started by the household then
	p := put(physics.NewWashingMachine(chance()), nil, evening)
	p.write(t, "washer", "programme", "quick")
	p.write(t, "washer", "start", true)
	p.want(t, "washer", "remaining", 26.0*60)
	var phases []string
	most := 0.0
	p.pass(27*time.Minute, func() {
		if ph := p.read(t, "washer", "phase").(string); len(phases) == 0 || phases[len(phases)-1] != ph {
			phases = append(phases, ph)
		}
		most = math.Max(most, p.read(t, "washer", "power").(float64))
		if running := p.read(t, "washer", "running"); running != p.read(t, "washer", "door-locked") {
			t.Fatalf("running is %v, but the door's lock is not", running)
		}
	})
	if got := fmt.Sprint(phases); got != "[fill wash rinse spin done]" {
		t.Errorf("the phases were %s", got)
	}
	if most < 1800 {
		t.Errorf("the most that it drew was %v W: it cannot have heated", most)
	}
	p.want(t, "washer", "running", false)
	p.want(t, "washer", "remaining", 0.0)
}

func TestARunningMachineKeepsItsProgrammeUntilItIsStopped(t *testing.T) {
	p := put(physics.NewDishwasher(chance()), nil, time.Date(2026, time.November, 2, 18, 0, 0, 0, time.UTC))
	p.write(t, "dishwasher", "running", true)
	p.write(t, "dishwasher", "programme", "quick")
	p.want(t, "dishwasher", "programme", "eco")
	p.write(t, "dishwasher", "running", false)
	p.want(t, "dishwasher", "phase", "idle")
	p.write(t, "dishwasher", "programme", "quick")
	p.want(t, "dishwasher", "programme", "quick")
}

func TestAPlugCountsWhatItsLoadDraws(t *testing.T) {
	plug, err := physics.NewPlug("computer", chance())
	if err != nil {
		t.Fatal(err)
	}
	p := put(plug, nil, monday)
	p.s.Room.Awake = 1
	before := p.read(t, "meter", "energy").(float64)
	p.pass(time.Hour, nil)
	if used := p.read(t, "meter", "energy").(float64) - before; math.Abs(used-0.085) > 0.005 {
		t.Errorf("85 W for an hour made %v kWh", used)
	}
	p.write(t, "switch", "on", false)
	p.pass(time.Second, nil)
	p.want(t, "meter", "power", 0.0)
	if _, err := physics.NewPlug("rocket", chance()); err == nil {
		t.Error("a rocket can be plugged in")
	}
}

func TestMotionIsSeenUntilHalfAMinuteHasBeenQuiet(t *testing.T) {
	p := put(physics.NewMotion(chance()), nil, monday)
	p.want(t, "motion", "occupancy", false)
	p.s.Room.Moved = true
	p.pass(time.Second, nil)
	p.want(t, "motion", "occupancy", true)
	p.s.Room.Moved = false
	p.pass(30*time.Second, nil)
	p.want(t, "motion", "occupancy", true)
	p.pass(time.Second, nil)
	p.want(t, "motion", "occupancy", false)
}

func TestADoorOpensForSecondsAndAWindowForMinutes(t *testing.T) {
	door := put(physics.NewDoor(chance()), nil, monday)
	door.s.Room.DoorUsed = true
	door.pass(500*time.Millisecond, nil)
	door.want(t, "contact", "door", true)
	door.s.Room.DoorUsed = false
	door.pass(15*time.Second, nil)
	door.want(t, "contact", "door", false)

	window, open := put(physics.NewWindow(chance()), nil, monday), time.Duration(0)
	window.pass(3*time.Hour, func() {
		if window.read(t, "contact", "window") == true {
			open += window.s.Dt
		}
	})
	if open < 3*time.Minute || open > 12*time.Minute {
		t.Errorf("in the morning the window was open for %s", open)
	}
}

func TestACoverMovesWithTimeAndStops(t *testing.T) {
	noon := monday.Add(5 * time.Hour) // no habit interferes
	p := put(physics.NewCover(20*time.Second, chance()), nil, noon)
	p.pass(time.Second, nil)
	p.want(t, "cover", "state", physics.CoverClosed)
	p.write(t, "cover", "state", physics.CoverOpen)
	p.want(t, "cover", "state", physics.CoverOpening)
	p.pass(10*time.Second, nil)
	p.want(t, "cover", "position", 50.0)
	p.write(t, "cover", "stop", true)
	p.want(t, "cover", "state", physics.CoverStopped)
	p.pass(5*time.Second, nil)
	p.want(t, "cover", "position", 50.0)
	p.write(t, "cover", "position", 20.0)
	p.want(t, "cover", "state", physics.CoverClosing)
	p.pass(6*time.Second, nil)
	p.want(t, "cover", "position", 20.0)
	p.write(t, "cover", "position", 100.0)
	p.pass(16*time.Second, nil)
	p.want(t, "cover", "state", physics.CoverOpen)
}

func TestALockTakesItsTimeAndMayJam(t *testing.T) {
	for _, c := range []struct {
		jam  float64
		want string
	}{{0, physics.Unlocked}, {1, physics.Jammed}} {
		p := put(physics.NewLock(c.jam, chance()), nil, monday)
		p.pass(time.Minute, nil)
		p.write(t, "lock", "state", physics.Unlocked)
		p.want(t, "lock", "state", physics.Unlocking)
		p.pass(2*time.Second, nil)
		p.want(t, "lock", "state", c.want)
	}
}

func TestAFanHasFourSpeeds(t *testing.T) {
	p := put(physics.NewFan(false), nil, monday)
	p.write(t, "fan", "speed", 60.0)
	p.want(t, "fan", "speed", 50.0)
	p.want(t, "fan", "on", true)
	p.write(t, "fan", "speed", 0.0)
	p.want(t, "fan", "on", false)
	p.write(t, "fan", "on", true)
	p.want(t, "fan", "speed", 25.0)
	p.write(t, "fan", "oscillating", true)
	p.want(t, "fan", "oscillating", true)
}

func TestAnExhaustFanDriesTheBathroom(t *testing.T) {
	weather := physics.NewWeather(monday, chance())
	room := physics.NewRoom(physics.Bathroom, 9, weather, chance())
	p := put(physics.NewFan(true), room, monday)
	ran := false
	p.pass(time.Hour, func() {
		room.Steam = p.s.Now.Sub(monday) < 15*time.Minute
		room.Step(weather, room.Temperature, p.s.Dt)
		ran = ran || p.read(t, "fan", "on") == true
	})
	if !ran || p.read(t, "fan", "on") == true || room.Humidity > 60 {
		t.Errorf("it ran: %v; after an hour it runs: %v, at %.0f %%", ran, p.read(t, "fan", "on"), room.Humidity)
	}
}

func TestCheckSaysWhyAValueCannotBeSet(t *testing.T) {
	write := func(physics.Value) {}
	for _, c := range []struct {
		property physics.Property
		value    physics.Value
		ok       bool
	}{
		{physics.Property{Type: physics.Bool, Write: write}, true, true},
		{physics.Property{Type: physics.Bool}, true, false},
		{physics.Property{Type: physics.Bool, Write: write}, 1.0, false},
		{physics.Property{Type: physics.Int, Max: 10, Write: write}, 10.0, true},
		{physics.Property{Type: physics.Int, Max: 10, Write: write}, 11.0, false},
		{physics.Property{Type: physics.Int, Max: 10, Write: write}, 1.5, false},
		{physics.Property{Type: physics.Float, Write: write}, 1e9, true},
		{physics.Property{Type: physics.Float, Write: write}, math.NaN(), false},
		{physics.Property{Type: physics.Float, Write: write}, math.Inf(1), false},
		{physics.Property{Type: physics.Enum, Choices: []string{"a", "b"}, Write: write}, "b", true},
		{physics.Property{Type: physics.Enum, Choices: []string{"a", "b"}, Orders: []string{"a"}, Write: write}, "b", false},
		{physics.Property{Type: physics.Hue, Write: write}, physics.Color{H: 360, S: 100}, true},
		{physics.Property{Type: physics.Hue, Write: write}, physics.Color{H: 361, S: 100}, false},
		{physics.Property{Type: physics.Hue, Write: write}, "red", false},
	} {
		if why := c.property.Check(c.value); (why == "") != c.ok {
			t.Errorf("a property of type %v and the value %v: %q", c.property.Type, c.value, why)
		}
	}
}

func TestTheWeatherHasDaysAndSeasons(t *testing.T) {
	mean := func(month time.Month) (temperature, noon, night float64) {
		at := time.Date(2026, month, 15, 0, 0, 0, 0, time.UTC)
		w := physics.NewWeather(at, chance())
		for i := range 20 * 24 * 6 {
			now := at.Add(time.Duration(i) * 10 * time.Minute)
			w.Step(now, 10*time.Minute)
			temperature += w.Temperature / (20 * 24 * 6)
			switch now.Hour() {
			case 12:
				noon = math.Max(noon, w.Sun)
			case 0:
				night = math.Max(night, w.Lux)
			}
		}
		return temperature, noon, night
	}
	summer, sun, night := mean(time.July)
	winter, low, _ := mean(time.January)
	if summer < 14 || summer > 24 || winter < -6 || winter > 6 {
		t.Errorf("July has %.1f °C and January %.1f", summer, winter)
	}
	if sun < 500 || low > 350 || low < 20 || night > 0 {
		t.Errorf("the sun at noon has %.0f W/m² in July and %.0f in January; midnight has %.0f lx", sun, low, night)
	}
}

func TestPeopleGoThroughTheirDay(t *testing.T) {
	w := physics.NewWorld(monday, 1)
	rooms := map[physics.Use]*physics.Room{}
	for _, use := range physics.Uses {
		rooms[use] = w.AddRoom(string(use), 0, use, 15)
	}
	w.AddPerson("Anna", 0, physics.Worker)
	w.AddPerson("Mia", 0, physics.Child)
	people := func() (n int) {
		for _, r := range rooms {
			n += r.People
		}
		return n
	}
	used := 0
	counts := map[int]int{}
	for range 24 * 7200 {
		w.Step(500 * time.Millisecond)
		if rooms[physics.Hall].DoorUsed {
			used++
		}
		if w.Now.Minute() == 0 && w.Now.Second() == 0 && w.Now.Nanosecond() == 0 {
			counts[w.Now.Hour()] = people()
		}
		for use, r := range rooms {
			if r.Temperature < 10 && use != physics.Garden || r.Humidity < 0 || r.Humidity > 100 {
				t.Fatalf("at %s the %s has %.1f °C and %.0f %%", w.Now, use, r.Temperature, r.Humidity)
			}
		}
	}
	for hour, want := range map[int]int{10: 0, 15: 1, 19: 2, 2: 2} {
		if counts[hour] != want {
			t.Errorf("at %d o'clock %d people are in the house, want %d", hour, counts[hour], want)
		}
	}
	if used != 4 {
		t.Errorf("the door was used %d times by two people who leave and come back", used)
	}
	if rooms[physics.Bedroom].People != 0 { // at 7 in the morning
		t.Error("Anna is still in bed")
	}
}
