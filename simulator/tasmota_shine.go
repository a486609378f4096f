package simulator

import (
	"math"
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator/physics"
)

// answer is what every command to a light says: how the light is now.
func (l *tasmotaLight) answer(command string) []broker.Message {
	l.voice.said[l.on] = l.on.Read()
	o := new(ordered)
	l.state(o, false)
	return []broker.Message{l.voice.result(command, o)}
}

// shine sets the brightness, in percent, and switches the light on or off with it, unless SetOption20 keeps that apart.
func (l *tasmotaLight) shine(level float64) {
	if l.voice.options[20] && !l.on.Read().(bool) {
		l.lamp.Preset(level)
		return
	}
	l.brightness.Write(level)
}

// wake switches the light on after something else than its brightness was set.
func (l *tasmotaLight) wake() {
	if !l.voice.options[20] && !l.on.Read().(bool) {
		l.on.Write(true)
	}
}

func (l *tasmotaLight) dimmer(o tasmotaOrder) []broker.Message {
	n, ok := o.number()
	switch o.text {
	case "+":
		n, ok = l.level()+10, true
	case "-":
		n, ok = max(l.level()-10, 1), true
	}
	if !ok || o.index > 3 {
		return l.voice.answer("Dimmer", l.level())
	}
	l.shine(float64(min(max(n, 0), 100)))
	return l.answer("DIMMER")
}

// paint shines in a color. Without a level the brightness stays.
func (l *tasmotaLight) paint(c physics.Color, level float64) {
	l.scheme = 0
	l.color.Write(c)
	if level >= 0 {
		l.shine(level)
	} else {
		l.wake()
	}
}

// colors takes Color: channels in hexadecimal or decimal, which say the brightness as well, or with Color2 only the color.
func (l *tasmotaLight) colors(o tasmotaOrder) []broker.Message {
	if l.subtype == subtypeDimmer {
		return l.voice.unknown()
	}
	list, ok := colorList(strings.TrimSuffix(o.text, "="))
	if !ok || len(list) > len(l.channels()) {
		shown := new(ordered)
		l.shades(shown)
		return []broker.Message{l.voice.result("COLOR", shown)}
	}
	for len(list) < len(l.channels()) {
		list = append(list, 0)
	}
	level := slices.Max(list) / 2.55
	if o.index == 2 {
		level = -1
	}
	whites := list
	if l.subtype >= subtypeRGB {
		whites = list[3:]
	}
	if l.subtype >= subtypeRGB && (len(whites) == 0 || slices.Max(list[:3]) >= slices.Max(whites)) {
		l.paint(colorOf(list[0], list[1], list[2]), level)
		return l.answer("COLOR")
	}
	sum := 0.0
	for _, w := range whites {
		sum += w
	}
	if len(whites) == 2 && sum > 0 {
		l.warm(coldMired + (warmMired-coldMired)*whites[1]/sum)
	}
	l.lamp.Whiten()
	l.shine(math.Min(sum/2.55, 100))
	return l.answer("COLOR")
}

// hsb takes HSBColor: all three numbers, or with a number behind the command one of them.
func (l *tasmotaLight) hsb(o tasmotaOrder) []broker.Message {
	if l.subtype < subtypeRGB {
		return l.voice.unknown()
	}
	c, level := l.color.Read().(physics.Color), -1.0
	numbers, ok := numberList(o.text, 360)
	switch {
	case !ok:
		return l.answer("HSBCOLOR")
	case len(numbers) == 3:
		c, level = physics.Color{H: math.Mod(numbers[0], 360), S: min(numbers[1], 100)}, min(numbers[2], 100)
	case o.index == 2:
		c.S = min(numbers[0], 100)
	case o.index == 3:
		level = min(numbers[0], 100)
	default:
		c.H = math.Mod(numbers[0], 360)
	}
	l.paint(c, level)
	return l.answer("HSBCOLOR")
}

// warm sets the color temperature, in mired, as near as the lamp comes to it.
func (l *tasmotaLight) warm(mired float64) {
	l.asked = int(math.Round(mired))
	l.temperature.Write(kelvinOf(float64(l.asked)))
}

func (l *tasmotaLight) ct(o tasmotaOrder) []broker.Message {
	n, ok := o.number()
	switch {
	case l.temperature == nil:
		return l.voice.unknown()
	case o.text == "+":
		n, ok = min(l.mired()+34, warmMired), true
	case o.text == "-":
		n, ok = max(l.mired()-34, coldMired), true
	}
	if !ok || n < coldMired || n > warmMired {
		return l.voice.answer("CT", l.mired())
	}
	l.warm(float64(n))
	l.wake()
	return l.answer("CT")
}

func (l *tasmotaLight) white(o tasmotaOrder) []broker.Message {
	n, ok := o.number()
	switch {
	case l.subtype != subtypeWarm && l.subtype < subtypeRGBW:
		return l.voice.unknown()
	case !ok || n < 0 || n > 100:
		return l.answer("WHITE")
	}
	l.lamp.Whiten()
	l.shine(float64(n))
	return l.answer("WHITE")
}

// channel sets one of the channels, in percent.
func (l *tasmotaLight) channel(o tasmotaOrder) []broker.Message {
	n, ok := o.number()
	list := l.channels()
	i := max(o.index, 1) - 1
	switch {
	case i >= len(list):
		return l.voice.unknown()
	case !ok || n < 0 || n > 100:
		return l.voice.answer(o.indexed("Channel"), int(math.Round(list[i]/2.55)))
	case l.subtype == subtypeDimmer:
		l.shine(float64(n))
		return l.answer("CHANNEL")
	}
	list[i] = float64(n) * 2.55
	var text []string
	for _, c := range list {
		text = append(text, fixed(c, 0))
	}
	return l.colors(tasmotaOrder{text: strings.Join(text, ","), index: 1})
}

// schemes takes the number of an effect. It is only remembered.
func (l *tasmotaLight) schemes(o tasmotaOrder) []broker.Message {
	if n, ok := o.number(); ok && n >= 0 && n <= 4 && l.subtype >= subtypeRGB {
		l.scheme = n
		l.wake()
	}
	return l.voice.answer("Scheme", l.scheme)
}

func (l *tasmotaLight) fades(o tasmotaOrder) []broker.Message {
	if to := l.voice.wish(o.text, l.fade); to != nil {
		l.fade = *to
	}
	return l.voice.answer("Fade", onOrOff(l.fade))
}

func (l *tasmotaLight) speeds(o tasmotaOrder) []broker.Message {
	if n, ok := o.number(); ok && n >= 1 && n <= 40 {
		l.speed = n
	}
	return l.voice.answer("Speed", l.speed)
}
