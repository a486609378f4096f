package physics

import (
	"math"
	"math/rand/v2"
	"time"
)

// Weather is the air and the light outside, in middle Europe.
type Weather struct {
	// Temperature is in °C, Humidity in percent, Pressure in hPa, Sun in W/m² on level ground, Lux in lx.
	Temperature, Humidity, Pressure, Sun, Lux float64

	warmth, cloud, pressure drift
}

// NewWeather returns the weather at a moment of the year.
func NewWeather(now time.Time, rnd *rand.Rand) *Weather {
	w := &Weather{
		warmth:   newDrift(rnd, 2.5, 30*time.Hour),
		cloud:    newDrift(rnd, 0.25, 2*time.Hour),
		pressure: newDrift(rnd, 8, 40*time.Hour),
	}
	w.Step(now, time.Second)
	return w
}

// Step lets time pass until now.
func (w *Weather) Step(now time.Time, dt time.Duration) {
	hour := now.Sub(midnight(now)).Hours()
	season := math.Cos(2 * math.Pi * (float64(now.YearDay()) - 200) / 365) // 1 in mid July
	clear := clamp(0.6+w.cloud.step(dt), 0.1, 1)                           // the share of the sun that comes through

	height := sunHeight(now.YearDay(), hour)
	w.Sun = 950 * math.Max(0, height) * clear
	// Twilight: a little light is there until the sun is 6 degrees below the horizon.
	w.Lux = w.Sun*115 + 400*clamp((height+0.1)/0.1, 0, 1)

	swing := (2.5 + 2*season) * (0.4 + clear)
	w.Temperature = 9.5 + 9*season + swing*math.Cos(2*math.Pi*(hour-15)/24) + w.warmth.step(dt)
	w.Humidity = clamp(78-10*season-4*swing*math.Cos(2*math.Pi*(hour-15)/24)+15*(0.6-clear), 25, 100)
	w.Pressure = 1013 + w.pressure.step(dt)
}

// Dark says whether people switch on the light.
func (w *Weather) Dark() bool { return w.Lux < 1500 }

// sunHeight is the sine of the sun's elevation at 51° north.
func sunHeight(day int, hour float64) float64 {
	const latitude = 51 * math.Pi / 180
	tilt := -23.44 * math.Pi / 180 * math.Cos(2*math.Pi*float64(day+10)/365)
	return math.Sin(latitude)*math.Sin(tilt) + math.Cos(latitude)*math.Cos(tilt)*math.Cos(2*math.Pi*(hour-12.5)/24)
}
