package physics

import (
	"math"
	"math/rand/v2"
	"time"
)

// Use says what people do in a room.
type Use string

// The uses. A garden is outside.
const (
	Living   Use = "living"
	Kitchen  Use = "kitchen"
	Hall     Use = "hall"
	Bedroom  Use = "bedroom"
	Bathroom Use = "bathroom"
	Office   Use = "office"
	Nursery  Use = "nursery"
	Utility  Use = "utility"
	Garden   Use = "garden"
)

// Uses are all uses.
var Uses = []Use{Living, Kitchen, Hall, Bedroom, Bathroom, Office, Nursery, Utility, Garden}

// Room is a room with its air and its light, and with what people do in it at the moment.
type Room struct {
	Use Use
	// Area is in m².
	Area float64

	// Temperature is in °C, Humidity in percent.
	Temperature, Humidity float64

	// People counts who is in the room, Awake those who are not in bed. Moved is set in a step in which somebody moved.
	People, Awake int
	Moved         bool
	// DoorUsed is set in a step in which somebody goes through the house's door in this room.
	DoorUsed bool
	// Steam is set while somebody showers or cooks here.
	Steam bool

	// Heating is in W, Airing says that a window is open, Airflow is what fans blow out in m³/h, LampLux is the lamps'
	// light. Things add to them in their steps; the room's Step uses them up.
	Heating, Airflow, LampLux float64
	Airing                    bool
	// Controlled is set by a thermostat in its step. A room without one has a radiator with a plain valve at 20 °C.
	Controlled bool

	lampLux float64 // of the last step
	airing  bool
}

// NewRoom returns a room as it is in the morning.
func NewRoom(use Use, area float64, w *Weather, rnd *rand.Rand) *Room {
	r := &Room{Use: use, Area: area, Temperature: w.Temperature, Humidity: w.Humidity}
	if use != Garden {
		r.Temperature = 18.5 + 1.5*rnd.Float64()
		r.Humidity = 44 + 8*rnd.Float64()
	}
	return r
}

// Lux is the light in the room, of the windows and of the lamps.
func (r *Room) Lux(w *Weather) float64 {
	if r.Use == Garden {
		return w.Lux + r.lampLux
	}
	return w.Lux*0.02 + r.lampLux
}

// Dark says whether people want the light on.
func (r *Room) Dark(w *Weather) bool {
	if r.Use == Garden {
		return w.Lux < 100
	}
	return w.Dark()
}

// Open says whether a window was open in the last step.
func (r *Room) Open() bool { return r.airing }

// Per square metre: what warms the air, furniture and the walls' surface by one degree (Wh/K), and what gets lost (W/K)
// through walls, and through an open window.
const (
	heatCapacity = 18.0
	wallLoss     = 2.0
	windowLoss   = 14.0
	sharing      = 1.5 // with the rest of the house
)

// Step lets the room's air change after the things in it have had their steps. house is the mean temperature of the
// house's rooms.
func (r *Room) Step(w *Weather, house float64, dt time.Duration) {
	if r.Use == Garden {
		r.Temperature, r.Humidity = w.Temperature, w.Humidity
	} else {
		if !r.Controlled {
			r.Heating += clamp((20-r.Temperature)/1.2, 0, 1) * 75 * r.Area
		}
		loss := wallLoss
		if r.Airing {
			loss += windowLoss
		}
		loss += r.Airflow * 0.34 / r.Area // air holds 0.34 Wh/(m³K)
		power := loss*(w.Temperature-r.Temperature) + sharing*(house-r.Temperature) +
			(r.Heating+90*float64(r.People)+w.Sun*0.05*r.Area*0.4)/r.Area
		r.Temperature += power / heatCapacity * dt.Hours()

		// Air from outside holds less water once it is warm; people, showers and pots add to it.
		dry := clamp(w.Humidity*math.Exp(0.062*(w.Temperature-r.Temperature)), 20, 70)
		goal, hours := dry+6+3*float64(r.People), 1.5
		if r.Airing || r.Airflow > 0 {
			goal, hours = dry, 0.25
		}
		if r.Steam {
			goal, hours = 92, 0.15
		}
		r.Humidity += (goal - r.Humidity) * (1 - math.Exp(-dt.Hours()/hours))
	}
	r.lampLux, r.airing = r.LampLux, r.Airing
	r.Heating, r.Airflow, r.LampLux, r.Airing, r.Controlled = 0, 0, 0, false, false
}
