package hub_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/store/memory"
)

func TestASensorThatDiesWhileTheHubIsNotThereIsMissed(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		c := h.client("gateway", nil)
		c.publish("plain/other/config", "Other") // so that the connection is not the sensor's alone
		c.retain("plain/sensor/config", "Sensor")
		for range 20 {
			c.publish("plain/sensor/is/power", "5")
			minutes(5)
		}
		h.stop()
		minutes(120) // this silence is the hub's own
		h.start()
		minutes(14)
		h.wantPresence("sensor", devices.Unknown, "not heard since the hub started")
		minutes(2)
		h.wantPresence("sensor", devices.Late, "silent for more than 15 min, longer than it ever was")
		c.publish("plain/sensor/is/power", "5")
		h.wantPresence("sensor", devices.Online, "heard from it")
		minutes(16)
		h.wantPresence("sensor", devices.Late, "silent for more than 15 min, longer than it ever was")
	})
}

func TestADeviceThatSaidHowOftenItSpeaksIsHeldToItAfterARestart(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		c := h.client("sensor", nil)
		c.retain("plain/sensor/config", "silence=10m Sensor")
		c.publish("plain/sensor/is/power", "5")
		synctest.Wait()
		h.restart()
		minutes(9)
		h.wantPresence("sensor", devices.Unknown, "not heard since the hub started")
		minutes(2)
		h.wantPresence("sensor", devices.Late, "silent for more than 10 min, longer than a device of its kind should be")
	})
}

func TestNobodyIsSilentWhileTheHubDoesNotListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &still{}
		h := runHub(t, l, memory.New(), newPlain(), hub.Options{})
		say := func(topic, payload string) { h.HandleMessage(t.Context(), message(topic, payload, "")) }
		say("plain/sensor/config", "Sensor")
		say("plain/vowed/config", "expires=5m Vowed")
		for range 20 {
			say("plain/sensor/is/power", "5")
			say("plain/vowed/is/power", "5")
			minutes(5)
		}
		is := func(id string, want devices.Presence) {
			t.Helper()
			if v, err := h.Device(id); err != nil || v.Reach.Presence != want {
				t.Errorf("%s is %+v, %v, want %s", id, v.Reach, err, want)
			}
		}
		l.handler.HandleLink(false, "the broker does not answer")
		minutes(120)
		is("sensor", devices.Online)
		is("vowed", devices.Online)
		l.handler.HandleLink(true, "connected again")
		minutes(4)
		is("sensor", devices.Online)
		is("vowed", devices.Online)
		minutes(2)
		is("vowed", devices.Late)
		say("plain/sensor/is/power", "5") // after two hours, which were the hub's
		minutes(14)
		is("sensor", devices.Online)
		minutes(2)
		is("sensor", devices.Late)
	})
}

// diary counts how often a device is saved.
type diary struct {
	*memory.Store
	saved map[string]int
}

func (d *diary) SaveDevice(ctx context.Context, r hub.Record) error {
	d.saved[r.Device.ID]++
	return d.Store.SaveDevice(ctx, r)
}

func TestHabitsAreKeptRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &diary{memory.New(), map[string]int{}}
		ctx, stop := context.WithCancel(t.Context())
		h, err := hub.New(&still{}, s, []hub.Convention{newPlain()}, hub.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- h.Run(ctx) }()
		<-h.Started()
		say := func(topic, payload string) { h.HandleMessage(t.Context(), message(topic, payload, "")) }
		say("plain/clock/config", "Clock")
		say("plain/door/config", "Door")
		kept := func(id string) devices.Rhythm {
			t.Helper()
			m, err := s.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range m.Devices {
				if r.Device.ID == id {
					return r.Rhythm
				}
			}
			t.Fatalf("%s is not kept", id)
			return devices.Rhythm{}
		}
		begun := time.Now()
		for i := range 6 * 24 * 6 { // six days
			say("plain/clock/is/power", fmt.Sprint(i))
			if i%3 == 0 || i%7 == 0 {
				say("plain/door/is/on", fmt.Sprint(i%2 == 0))
			}
			minutes(10)
			if i == 14 {
				if r := kept("clock"); len(r.Pauses) < 12 || r.Pauses[0] != 600 {
					t.Errorf("after %v is kept %+v", time.Since(begun), r)
				}
			}
		}
		if n := s.saved["clock"]; n > 4 { // it joined, it was there, its habit was known
			t.Errorf("the clock was saved %d times", n)
		}
		if n := s.saved["door"]; n > 6 { // and as long as it is watched, once a day
			t.Errorf("the door was saved %d times", n)
		}
		if r := kept("door"); len(r.Pauses) != 24 || r.Watched < 48*3600 {
			t.Errorf("of the door is kept %+v", r)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsBeingWatchedIsKeptWhenTheHubStops(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		c := h.client("gateway", nil)
		c.publish("plain/other/config", "Other")
		c.retain("plain/door/config", "Door")
		talk := func(hours int) {
			for i := range hours {
				c.publish("plain/door/is/on", "true")
				minutes(float64(6 + i%4*36))
			}
		}
		for range 4 { // none of the hub's lives is long enough
			talk(16)
			h.restart()
		}
		talk(16)
		minutes(4 * 60)
		if r := h.device("door").Reach; r.Presence != devices.Late || !strings.Contains(r.Why, "longer than it ever was") {
			t.Errorf("it is %+v", r)
		}
	})
}
