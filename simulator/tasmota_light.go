package simulator

import (
	"fmt"
	"math"

	"home.arpa/homehub/simulator/physics"
)

// The subtypes of lights by their channels, as discovery counts them.
const (
	subtypeRelay   = 0 // no light for the firmware, but a relay
	subtypeDimmer  = 1
	subtypeWarm    = 2 // cold and warm white
	subtypeRGB     = 3
	subtypeRGBW    = 4
	subtypeRGBWarm = 5 // colors, cold and warm white
)

// The range of color temperatures in mired.
const (
	coldMired = 153
	warmMired = 500
)

// tasmotaLight is a light of Tasmota. It tells at once where it is going, never what lies between.
type tasmotaLight struct {
	voice                              *tasmotaVoice
	lamp                               *physics.Lamp
	subtype                            int
	on, brightness, temperature, color *physics.Property
	scheme, speed                      int
	asked                              int // the color temperature that it was told last, in mired; 0: none
	fade                               bool
}

func newTasmotaLight(v *tasmotaVoice) *tasmotaLight {
	find := func(id string) *physics.Property { return v.device.find("light", id) }
	l := &tasmotaLight{
		voice: v, on: find("on"), brightness: find("brightness"), temperature: find("color-temperature"), color: find("color"),
		speed: 1, fade: true,
	}
	l.lamp, _ = v.device.thing.(*physics.Lamp)
	switch {
	case l.color != nil && l.temperature != nil:
		l.subtype = subtypeRGBWarm
	case l.color != nil && v.spec.Light == "rgbw":
		l.subtype = subtypeRGBW
	case l.color != nil:
		l.subtype = subtypeRGB
	case l.temperature != nil:
		l.subtype = subtypeWarm
	case l.brightness != nil:
		l.subtype = subtypeDimmer
	}
	return l
}

// white says whether the light shines white.
func (l *tasmotaLight) isWhite() bool {
	return l.subtype < subtypeRGB || l.subtype > subtypeRGB && l.lamp.Mode() == physics.WhiteMode
}

// level is the brightness, 0 to 100.
func (l *tasmotaLight) level() int { return int(math.Round(aim(l.brightness).(float64))) }

// mired is the color temperature. The firmware takes all that it knows, whatever the lamp can do, and says what it was told.
func (l *tasmotaLight) mired() int {
	switch {
	case l.temperature == nil:
		return coldMired
	case l.asked != 0 && kelvinOf(float64(l.asked)) == aim(l.temperature):
		return l.asked
	}
	return int(min(max(math.Round(1e6/aim(l.temperature).(float64)), coldMired), warmMired))
}

// channels are the light's channels, 0 to 255.
func (l *tasmotaLight) channels() []float64 {
	level := float64(l.level()) / 100 * 255
	var out []float64
	if l.subtype >= subtypeRGB {
		if l.isWhite() {
			out = append(out, 0, 0, 0)
		} else {
			r, g, b := rgbOf(l.color.Read().(physics.Color))
			out = append(out, r*level, g*level, b*level)
		}
	}
	white := 0.0
	if l.isWhite() {
		white = level
	}
	switch l.subtype {
	case subtypeDimmer, subtypeRGBW:
		out = append(out, white)
	case subtypeWarm, subtypeRGBWarm:
		warm := float64(l.mired()-coldMired) / (warmMired - coldMired)
		out = append(out, white*(1-warm), white*warm)
	}
	for i := range out {
		out[i] = math.Round(out[i])
	}
	return out
}

// state adds how the light is; all says that it is for telemetry.
func (l *tasmotaLight) state(o *ordered, all bool) {
	o.with("POWER", l.voice.word(l.on.Read().(bool)))
	if l.subtype == subtypeRelay {
		return
	}
	o.with("Dimmer", l.level())
	if l.subtype > subtypeDimmer {
		l.shades(o)
	}
	if !all {
		return
	}
	if l.subtype >= subtypeRGB {
		o.with("Scheme", l.scheme)
	}
	o.with("Fade", onOrOff(l.fade), "Speed", l.speed, "LedTable", "ON")
}

func (l *tasmotaLight) shades(o *ordered) {
	channels := l.channels()
	text := ""
	var percent []int
	for i, c := range channels {
		if l.voice.options[17] {
			if i > 0 {
				text += ","
			}
			text += fixed(c, 0)
		} else {
			text += fmt.Sprintf("%02X", int(c))
		}
		percent = append(percent, int(math.Round(c/2.55)))
	}
	o.with("Color", text)
	white := 0
	if l.isWhite() {
		white = l.level()
	}
	if l.subtype >= subtypeRGB {
		c := l.color.Read().(physics.Color)
		o.with("HSBColor", fmt.Sprintf("%.0f,%.0f,%d", c.H, c.S, l.level()-white))
	}
	if l.subtype == subtypeWarm || l.subtype >= subtypeRGBW {
		o.with("White", white)
	}
	if l.temperature != nil {
		o.with("CT", l.mired())
	}
	o.with("Channel", percent)
}
