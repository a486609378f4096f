package simulator

import (
	"slices"
	"strings"
	"time"
)

// TasmotaSpec is how a device with Tasmota is set up. Its zero value is as it comes from the factory.
type TasmotaSpec struct {
	// Topic is the device's own part of its topics; empty means tasmota_ and the end of its network address. FullTopic says
	// how topics are made of it, %prefix% and others; empty means %prefix%/%topic%/. Prefixes are those of commands, answers
	// and telemetry; none means cmnd, stat, tele.
	Topic     string   `yaml:"topic"`
	FullTopic string   `yaml:"full_topic"`
	Prefixes  []string `yaml:"prefixes"`
	// States are the words for off, on, toggle and hold; none means OFF, ON, TOGGLE, HOLD.
	States []string `yaml:"states"`
	// Options are the SetOptions that are on, beside 30 of a light that cannot be dimmed: 4 (answers by the command's name), 8 (Fahrenheit), 17 (colors in decimal), 19 (no announcement, as in builds without it), 20 (what
	// sets a light does not switch it on), 24 (mmHg), 30 (a relay is a light), 139 (inHg).
	Options []int `yaml:"options"`
	// Sensor is the chip of a climate sensor: DS18B20, SI7021, BME280; empty means SI7021, in a garden BME280.
	Sensor string `yaml:"sensor"`
	// Light is a light's kind: rgbw for one with a white channel beside its colors; empty means what its abilities tell.
	Light string `yaml:"light"`
	// Telemetry is the time between two reports, 10s to 1h; 0 means five minutes.
	Telemetry time.Duration `yaml:"telemetry"`
}

var tasmotaLanguage = language{
	name: Tasmota, title: "Tasmota", topics: []string{"tasmota/discovery/#", "cmnd/#", "stat/#", "tele/#"},
	kinds: []string{KindLight, KindPlug, KindClimate, KindMotion, KindContact, KindCover, KindFan, KindRemote},
	keys:  []string{"tasmota", "outlets", "sleeps"},
	check: func(d DeviceSpec, fault func(format string, args ...any)) {
		if d.Tasmota != nil {
			d.Tasmota.check(d, fault)
		}
	},
	voice: func(d *device) voice { return newTasmota(d) },
}

func (s *TasmotaSpec) check(d DeviceSpec, fault func(format string, args ...any)) {
	if full := s.FullTopic; full != "" && (!strings.Contains(full, "%topic%") || !strings.Contains(full, "%prefix%") || strings.ContainsAny(full, "+#")) {
		fault("full_topic has %%prefix%% and %%topic%% in it, and no wildcards: %q", full)
	}
	if strings.ContainsAny(s.Topic, "+#") || len(s.Topic) > 60 {
		fault("topic is a part of a topic name of at most 60 characters: %q", s.Topic)
	}
	if n := len(s.Prefixes); n != 0 && n != 3 || slices.ContainsFunc(s.Prefixes, func(p string) bool { return p == "" || strings.ContainsAny(p, "+#/") }) {
		fault("prefixes are three words, of commands, answers and telemetry: %q", s.Prefixes)
	}
	if n := len(s.States); n != 0 && n != 4 {
		fault("states are four words, for off, on, toggle and hold: %q", s.States)
	}
	for _, o := range s.Options {
		if !slices.Contains(tasmotaOptions, o) {
			fault("options are of %v, not %d", tasmotaOptions, o)
		}
	}
	if !slices.Contains([]string{"", chipDS18B20, chipSI7021, chipBME280}, s.Sensor) || s.Sensor != "" && d.Kind != KindClimate {
		fault("sensor is DS18B20, SI7021 or BME280, for a climate sensor, not %q", s.Sensor)
	}
	if s.Light != "" && (s.Light != "rgbw" || !slices.Contains(d.Can, "color") || slices.Contains(d.Can, "temperature")) {
		fault("light is rgbw, for a light that can color and not temperature, not %q", s.Light)
	}
	if s.Telemetry != 0 && (s.Telemetry < 10*time.Second || s.Telemetry > time.Hour) {
		fault("telemetry is 10s to 1h, not %s", s.Telemetry)
	}
}

// tasmotaOptions are the SetOptions that are understood.
var tasmotaOptions = []int{4, 8, 17, 19, 20, 24, 30, 139}
