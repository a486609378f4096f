package tasmota_test

import (
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices/internal/house"
)

// benchmark hears one message again and again.
func benchmark(b *testing.B, topic, payload string, readings int) {
	h := newHouse(b)
	h.discover("")
	h.replay("tasmota/discovery/"+mac+"/sensors", plugSensors)
	m := broker.Message{Topic: topic, Payload: []byte(payload)}
	h.hearMessage(m)
	house.Bench(b, h.C, m, readings)
}

// BenchmarkState is what a plug reports of itself every five minutes.
func BenchmarkState(b *testing.B) { benchmark(b, "tele/hall/STATE", plugState, 6) }

// BenchmarkSensor is what a plug has measured.
func BenchmarkSensor(b *testing.B) { benchmark(b, "tele/hall/SENSOR", plugSensor, 10) }

// BenchmarkPower is the plain state of a relay.
func BenchmarkPower(b *testing.B) { benchmark(b, "stat/hall/POWER", "ON", 1) }

// BenchmarkForeign is a message that concerns no device.
func BenchmarkForeign(b *testing.B) { benchmark(b, "other/thing/STATE", `{"a":1}`, 0) }
