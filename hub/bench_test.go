package hub_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/store/memory"
)

// BenchmarkState is the way of one changed value through the hub, in a house of 500 lamps: parsed, applied, told to the feed,
// queued for the store and exported.
func BenchmarkState(b *testing.B) {
	h, err := hub.New(&still{}, memory.New(), []hub.Convention{homie.New(), newPlain()}, hub.Options{Exporter: homie.NewExporter("hub")})
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Run(b.Context()) }()
	b.Cleanup(func() { <-ended })
	<-h.Started()
	const lamps = 500
	topics := make([]string, lamps)
	description, err := json.Marshal(map[string]any{"homie": "5.0", "version": 1, "name": "Lamp", "nodes": map[string]any{
		"light": map[string]any{"properties": map[string]any{"brightness": map[string]any{"datatype": "float", "settable": true}}},
	}})
	if err != nil {
		b.Fatal(err)
	}
	for i := range topics {
		base := fmt.Sprintf("homie/5/lamp-%d/", i)
		topics[i] = base + "light/brightness"
		h.HandleMessage(b.Context(), message(base+"$state", "ready", base))
		h.HandleMessage(b.Context(), message(base+"$description", string(description), base))
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		h.HandleMessage(b.Context(), message(topics[n%lamps], fmt.Sprint(n), "a"))
	}
}
