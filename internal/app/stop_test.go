package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/remote"
	"home.arpa/homehub/internal/app"
)

// A device counts, unretained, and notes what the broker acknowledges, while the hub is told to stop. In its next life the hub
// knows the last number that was acknowledged.
func TestWhatIsAcknowledgedWhileTheHubStopsIsNotLost(t *testing.T) {
	cfg := settings(t)
	acknowledged := 0
	for life := range 3 {
		var text screen
		url, stop := running(t, func(ctx context.Context, o app.Options) error {
			o.Out = io.MultiWriter(&text, o.Out)
			return app.Serve(ctx, cfg, o)
		})
		if life > 0 {
			if known := counted(t, url); known < acknowledged {
				t.Fatalf("life %d: the hub knows %d, acknowledged was %d", life, known, acknowledged)
			}
		}
		device, err := remote.New(remote.Options{URL: regexp.MustCompile(`mqtt://127\.0\.0\.1:\d+`).FindString(text.String()), ClientID: "counter"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = device.Run(ctx, nil) }()
		if err := device.Sync(ctx); err != nil {
			t.Fatal(err)
		}
		const config = `{"state_topic":"count","name":"Counter","unique_id":"counter"}`
		if err := device.Publish(ctx, broker.Message{Topic: "homeassistant/sensor/counter/config", Payload: []byte(config), QoS: 1, Retain: true}); err != nil {
			t.Fatal(err)
		}
		stopped := make(chan error, 1)
		for n := 0; ; n++ {
			if n == 200 {
				go func() { stopped <- stop() }()
			}
			next := acknowledged + 1
			if err := device.Publish(ctx, broker.Message{Topic: "count", Payload: fmt.Append(nil, next), QoS: 1}); err != nil {
				break
			}
			acknowledged = next
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		cancel()
		<-ended
	}
}

// counted is the number that the hub knows.
func counted(t *testing.T, url string) int {
	t.Helper()
	_, body := get(t, url+"/api/v1/devices/counter")
	var d struct {
		Reported map[string]struct{ Value json.RawMessage }
	}
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		t.Fatal(err)
	}
	for _, r := range d.Reported {
		var text string
		if json.Unmarshal(r.Value, &text) != nil {
			text = string(r.Value)
		}
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
	}
	t.Fatalf("the hub knows no number: %s", body)
	return 0
}
