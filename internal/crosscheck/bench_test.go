package crosscheck_test

import (
	"context"
	"encoding/json"
	"fmt"
	"syscall"
	"testing"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/internal/app"
	"home.arpa/homehub/internal/config"
	"home.arpa/homehub/store/memory"
)

// deaf is a link to a broker that takes everything and says nothing.
type deaf struct{}

func (deaf) Run(ctx context.Context, h broker.Handler) error {
	h.HandleLink(true, "up")
	<-ctx.Done()
	return nil
}
func (deaf) Publish(context.Context, broker.Message) error { return nil }
func (deaf) Subscribe(...broker.Subscription)              {}
func (deaf) Unsubscribe(...string)                         {}

// forgetful is a store that takes readings and forgets them.
type forgetful struct{ hub.Store }

func (forgetful) SaveReadings(context.Context, []hub.Sample) error { return nil }

// benchHub is a hub that runs with all conventions and keeps no history; the function stops it.
func benchHub(b *testing.B, o hub.Options) (h *hub.Hub, stop func()) {
	all, err := app.Conventions(config.Config{})
	if err != nil {
		b.Fatal(err)
	}
	h, err = hub.New(deaf{}, forgetful{memory.New()}, all, o)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	<-h.Started()
	return h, func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}
}

// cpu is the processor time that the process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// zigbeeHouse is the list of n lamps that measure their power, as Zigbee2MQTT publishes it.
func zigbeeHouse(b *testing.B, n int) []byte {
	numeric := func(name, unit string, low, high float64) map[string]any {
		return map[string]any{"type": "numeric", "name": name, "property": name, "access": 1, "unit": unit, "value_min": low, "value_max": high}
	}
	var list []map[string]any
	for i := range n {
		list = append(list, map[string]any{
			"ieee_address": fmt.Sprintf("0x00158d%010x", i+1), "friendly_name": fmt.Sprintf("room %d/lamp", i), "type": "Router", "supported": true,
			"network_address": i + 1, "interview_completed": true, "disabled": false,
			"definition": map[string]any{"model": "L1", "vendor": "V", "description": "Lamp", "exposes": []any{
				map[string]any{"type": "light", "features": []any{
					map[string]any{"type": "binary", "name": "state", "property": "state", "access": 7, "value_on": "ON", "value_off": "OFF", "value_toggle": "TOGGLE"},
					map[string]any{"type": "numeric", "name": "brightness", "property": "brightness", "access": 7, "value_min": 0, "value_max": 254},
					map[string]any{"type": "numeric", "name": "color_temp", "property": "color_temp", "access": 7, "unit": "mired", "value_min": 150, "value_max": 500},
				}},
				numeric("power", "W", 0, 1000), numeric("voltage", "V", 0, 300), numeric("linkquality", "lqi", 0, 255),
			}},
		})
	}
	data, err := json.Marshal(list)
	if err != nil {
		b.Fatal(err)
	}
	return data
}

// BenchmarkZigbeeStates is the way of a state message of six properties into the twins of a house of 100 lamps: parsed by all conventions,
// applied, told to the feed and handed to the store; with exports also spelt for everybody and published. All six properties change
// with each message, or none. The goal is 5,000 ns of processor time.
func BenchmarkZigbeeStates(b *testing.B) {
	const lamps = 100
	for _, c := range []struct {
		name     string
		options  hub.Options
		changing int // how many different states there are
	}{
		{"all change", hub.Options{}, 20},
		{"all change, exported", hub.Options{Exporter: homie.NewExporter(homie.Own)}, 20},
		{"none changes", hub.Options{}, 1},
	} {
		b.Run(c.name, func(b *testing.B) {
			h, stop := benchHub(b, c.options)
			defer stop()
			hear := func(topic, payload string) {
				h.HandleMessage(b.Context(), broker.Message{Topic: topic, Payload: []byte(payload), Client: "zigbee2mqtt"})
			}
			hear("zigbee2mqtt/bridge/state", `{"state":"online"}`)
			hear("zigbee2mqtt/bridge/devices", string(zigbeeHouse(b, lamps)))
			state := func(i int) []byte {
				return fmt.Appendf(nil, `{"brightness":%d,"color_mode":"color_temp","color_temp":%d,"linkquality":%d,"power":%d.5,`+
					`"power_on_behavior":"previous","state":"%s","update":{"installed_version":1,"latest_version":1,"state":"idle"},"voltage":%d}`,
					1+i%200, 160+i%300, 20+i%200, i%900, []string{"ON", "OFF"}[i%2], 200+i%50)
			}
			var messages []broker.Message
			for i := range c.changing {
				for lamp := range lamps {
					messages = append(messages, broker.Message{
						Topic: fmt.Sprintf("zigbee2mqtt/room %d/lamp", lamp), Payload: state(i), Client: "zigbee2mqtt",
					})
				}
			}
			b.ReportAllocs()
			before, n := cpu(b), 0
			for b.Loop() {
				h.HandleMessage(b.Context(), messages[n%len(messages)])
				n++
			}
			for h.Counters().Inbox > 0 {
				time.Sleep(time.Millisecond)
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(n), "cpu-ns/op")
			if o := h.Overview(); o.Devices != lamps || o.Faults > 0 {
				b.Fatalf("%+v", o)
			}
		})
	}
}

// BenchmarkDiscovery is the discovery of 1,000 devices of Home Assistant's kind, 6 entities each, from what is retained. The goal is 2 s.
func BenchmarkDiscovery(b *testing.B) {
	const houses = 1000
	var messages []broker.Message
	for i := range houses {
		for _, entity := range []string{"temperature", "humidity", "battery", "power", "energy", "voltage"} {
			messages = append(messages, broker.Message{
				Topic: fmt.Sprintf("homeassistant/sensor/node%d/%s/config", i, entity), Retain: true,
				Payload: fmt.Appendf(nil, `{"name":"%s","dev_cla":"%[1]s","stat_t":"home/node%d/state","val_tpl":"{{ value_json.%[1]s }}","uniq_id":"node%[2]d_%[1]s","dev":{"ids":["node%[2]d"],"name":"Node %[2]d","mf":"M"},"avty_t":"home/node%[2]d/status"}`, entity, i),
			})
		}
	}
	for b.Loop() {
		h, stop := benchHub(b, hub.Options{})
		for _, m := range messages {
			h.HandleMessage(b.Context(), m)
		}
		for h.Counters().Inbox > 0 || h.Overview().Devices < houses {
			time.Sleep(time.Millisecond)
		}
		stop()
	}
}
