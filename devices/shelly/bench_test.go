package shelly_test

import (
	"testing"

	"home.arpa/homehub/devices/internal/house"
)

// benchmark hears one message again and again, in a house of the lines.
func benchmark(b *testing.B, lines []string, line string, readings int) {
	h := newHouse(b)
	h.Hear(lines...)
	m := house.Message(line)
	h.Take(m)
	house.Bench(b, h.C, m, readings)
}

// BenchmarkNotification is what a plug of the second generation says each minute, and when it is switched.
func BenchmarkNotification(b *testing.B) {
	benchmark(b, plug, notify(`"switch:0":{"id":0,"source":"mqtt","output":true,"apower":1850.5,"voltage":231.2,"current":8.01,`+
		`"aenergy":{"by_minute":[1.0,2.0,3.0],"minute_ts":1700000000,"total":12345.678}}`), 5)
}

// BenchmarkFullStatus is all that a plug can say.
func BenchmarkFullStatus(b *testing.B) { benchmark(b, plug, plugAnswer+plugStatus, 14) }

// BenchmarkPlain is a value of the first generation.
func BenchmarkPlain(b *testing.B) {
	benchmark(b, classicHouse, "shellies/shelly1pm-A4CF12F45412/relay/0/power 61.25", 1)
}

// BenchmarkForeign is a message that concerns no device.
func BenchmarkForeign(b *testing.B) { benchmark(b, plug, `other/thing {"a":1}`, 0) }
