package physics

import (
	"math/rand/v2"
	"time"
)

// AirSensor measures temperature and humidity; in the garden it is a small weather station with pressure and light.
type AirSensor struct {
	outside                                bool
	temperature, humidity, pressure, light float64
	noise                                  drift
	battery                                battery
}

// NewAirSensor returns a sensor for the room.
func NewAirSensor(room *Room, rnd *rand.Rand) *AirSensor {
	return &AirSensor{
		outside: room.Use == Garden, temperature: room.Temperature, humidity: room.Humidity, pressure: 1013,
		noise: newDrift(rnd, 0.03, 2*time.Minute), battery: newBattery(rnd),
	}
}

// Step lets the sensor follow the air.
func (a *AirSensor) Step(s *Surroundings) {
	a.battery.step(s.Dt)
	a.noise.step(s.Dt)
	follow := clamp(s.Dt.Seconds()/30, 0, 1)
	a.temperature += (s.Room.Temperature - a.temperature) * follow
	a.humidity += (s.Room.Humidity - a.humidity) * follow
	a.pressure, a.light = s.Weather.Pressure, s.Weather.Lux
}

// Parts returns air and battery, outside with pressure and illuminance in air.
func (a *AirSensor) Parts() []Part {
	air := Part{ID: "air", Kind: "sensor", Name: "Air", Properties: []Property{
		{
			ID: "temperature", Name: "Temperature", Type: Float, Unit: "°C", Class: "temperature",
			Delta: 0.05, Least: 4 * time.Second, Every: 10 * time.Second,
			Read: func() Value { return round(a.temperature+a.noise.value, 2) },
		},
		{
			ID: "humidity", Name: "Humidity", Type: Float, Unit: "%", Class: "humidity",
			Delta: 0.3, Least: 4 * time.Second, Every: 15 * time.Second,
			Read: func() Value { return round(a.humidity, 1) },
		},
	}}
	if a.outside {
		air.Properties = append(air.Properties, Property{
			ID: "pressure", Name: "Air pressure", Type: Float, Unit: "hPa", Class: "atmospheric_pressure",
			Delta: 0.2, Least: 20 * time.Second, Every: time.Minute,
			Read: func() Value { return round(a.pressure, 1) },
		}, Property{
			ID: "illuminance", Name: "Illuminance", Type: Int, Unit: "lx", Class: "illuminance",
			Delta: 100, Least: 10 * time.Second, Every: 30 * time.Second,
			Read: func() Value { return round(a.light, 0) },
		})
	}
	return []Part{air, a.battery.part()}
}

// Motion is a motion sensor; it reports occupancy until nobody has moved for half a minute, or for as long as it is told.
type Motion struct {
	occupied bool
	hold     time.Duration
	quiet    time.Duration
	lux      float64
	battery  battery
}

// NewMotion returns a motion sensor that sees nobody.
func NewMotion(rnd *rand.Rand) *Motion {
	return &Motion{hold: 30 * time.Second, battery: newBattery(rnd)}
}

// Hold is how long nobody must have moved until it reports that the room is empty.
func (m *Motion) Hold() time.Duration { return m.hold }

// SetHold sets it; a negative time is taken for 0.
func (m *Motion) SetHold(d time.Duration) { m.hold = max(d, 0) }

// Step looks for movement.
func (m *Motion) Step(s *Surroundings) {
	m.battery.step(s.Dt)
	m.lux = s.Room.Lux(s.Weather)
	m.quiet += s.Dt
	switch {
	case s.Room.Moved:
		m.occupied, m.quiet = true, 0
	case m.quiet > m.hold:
		m.occupied = false
	}
}

// Parts returns motion, illuminance and battery.
func (m *Motion) Parts() []Part {
	return []Part{
		{ID: "motion", Kind: "binary_sensor", Name: "Motion", Properties: []Property{{
			ID: "occupancy", Name: "Occupancy", Type: Bool, Class: "occupancy", Every: time.Minute,
			Read: func() Value { return m.occupied },
		}}},
		{ID: "illuminance", Kind: "sensor", Name: "Illuminance", Properties: []Property{{
			ID: "illuminance", Name: "Illuminance", Type: Int, Unit: "lx", Class: "illuminance",
			Delta: 10, Least: 5 * time.Second, Every: 30 * time.Second,
			Read: func() Value { return round(m.lux, 0) },
		}}},
		m.battery.part(),
	}
}

// Contact says whether a door or a window is open.
type Contact struct {
	window  bool
	rnd     *rand.Rand
	open    bool
	left    time.Duration // until it closes
	day     time.Time
	airings []time.Duration // after midnight
	battery battery
}

// NewWindow returns the contact of a window, which is opened for some minutes in the morning, at noon and in the evening
// when somebody is at home.
func NewWindow(rnd *rand.Rand) *Contact {
	return &Contact{window: true, rnd: rnd, battery: newBattery(rnd)}
}

// NewDoor returns the contact of the door through which people come and go.
func NewDoor(rnd *rand.Rand) *Contact { return &Contact{rnd: rnd, battery: newBattery(rnd)} }

// Step opens and closes.
func (c *Contact) Step(s *Surroundings) {
	c.battery.step(s.Dt)
	if c.left > 0 {
		if c.left -= s.Dt; c.left <= 0 {
			c.open = false
		}
	}
	if c.window {
		c.air(s)
		s.Room.Airing = s.Room.Airing || c.open
	} else if s.Room.DoorUsed {
		c.open, c.left = true, 6*time.Second+time.Duration(c.rnd.IntN(5000))*time.Millisecond
	}
}

func (c *Contact) air(s *Surroundings) {
	time0 := s.Now.Sub(midnight(s.Now))
	if day := midnight(s.Now); day != c.day {
		c.day = day
		c.airings = []time.Duration{
			7*time.Hour + minutes(c.rnd, 8, 60), 12*time.Hour + minutes(c.rnd, 0, 90), 19*time.Hour + minutes(c.rnd, 0, 120),
		}
		for len(c.airings) > 0 && c.airings[0] < time0 {
			c.airings = c.airings[1:]
		}
	}
	if len(c.airings) > 0 && time0 >= c.airings[0] {
		c.airings = c.airings[1:]
		if s.Awake > 0 {
			c.open, c.left = true, minutes(c.rnd, 4, 11)
		}
	}
}

// Parts returns contact (true is open) and battery.
func (c *Contact) Parts() []Part {
	class, name := "door", "Door"
	if c.window {
		class, name = "window", "Window"
	}
	return []Part{
		{ID: "contact", Kind: "binary_sensor", Name: name, Properties: []Property{{
			ID: class, Name: name, Type: Bool, Class: class, Every: 2 * time.Minute,
			Read: func() Value { return c.open },
		}}},
		c.battery.part(),
	}
}
