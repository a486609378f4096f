package wled

import "fmt"

// named are the names of the effects that all versions of the firmware have under the same number (kno.wled.ge, Effects); those above,
// and those that are empty here, differ between versions and builds and go by their number.
var named = []string{
	"Solid", "Blink", "Breathe", "Wipe", "Wipe Random", "Random Colors", "Sweep", "Dynamic", "Colorloop", "Rainbow", "Scan",
	"Scan Dual", "Fade", "Theater", "Theater Rainbow", "Running", "Saw", "Twinkle", "Dissolve", "Dissolve Rnd", "Sparkle",
	"Sparkle Dark", "Sparkle+", "Strobe", "Strobe Rainbow", "Strobe Mega", "Blink Rainbow", "Android", "Chase", "Chase Random",
	"Chase Rainbow", "Chase Flash", "Chase Flash Rnd", "Rainbow Runner", "Colorful", "Traffic Light", "Sweep Random", "Chase 2",
	"Aurora", "Stream", "Scanner", "Lighthouse", "Fireworks", "Rain", "Tetrix", "Fire Flicker", "Gradient", "Loading", "", "Fairy",
	"Two Dots", "Fairytwinkle", "Running Dual", "", "Chase 3", "Tri Wipe", "Tri Fade", "Lightning", "ICU", "Multi Comet",
	"Scanner Dual", "Stream 2", "Oscillate", "Pride 2015", "Juggle", "Palette", "Fire 2012", "Colorwaves", "Bpm", "Fill Noise",
	"Noise 1", "Noise 2", "Noise 3", "Noise 4", "Colortwinkles", "Lake", "Meteor", "Meteor Smooth", "Railway", "Ripple",
	"Twinklefox", "Twinklecat", "Halloween Eyes", "Solid Pattern", "Solid Pattern Tri", "Spots", "Spots Fade", "Glitter", "Candle",
	"Fireworks Starburst", "Fireworks 1D", "Bouncing Balls", "Sinelon", "Sinelon Dual", "Sinelon Rainbow", "Popcorn", "Drip",
	"Plasma", "Percent", "Ripple Rainbow", "Heartbeat", "Pacifica", "Candle Multi", "Solid Glitter", "Sunrise", "Phased",
	"Twinkleup", "Noise Pal", "Sine", "Phased Noise", "Flow", "Chunchun", "Dancing Shadows", "Washing Machine", "", "Blends",
	"TV Simulator", "Dynamic Smooth",
}

// effects are the names of all effects, by their number.
var effects = func() []string {
	list := make([]string, 256)
	for i := range list {
		if list[i] = fmt.Sprintf("Effect %d", i); i < len(named) && named[i] != "" {
			list[i] = named[i]
		}
	}
	return list
}()
