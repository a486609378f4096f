package hub_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/devices"
)

const settled = "heard from it"

func TestPresence(t *testing.T) {
	for name, run := range map[string]func(*testing.T, *house){
		"a device without availability is online when it is heard live": func(t *testing.T, h *house) {
			h.client("plug", nil).publish("plain/plug/config", "Plug")
			h.wantPresence("plug", devices.Online, settled)
		},
		"one of which only old messages are seen is unknown": func(t *testing.T, h *house) {
			h.stop()
			c := h.client("plug", nil)
			c.retain("plain/plug/config", "Plug")
			c.retain("plain/plug/is/on", "true")
			h.start()
			h.wantValue("plug/switch/on", "true")
			if r := h.device("plug").Reach; r.Presence != devices.Unknown {
				t.Errorf("it is %+v", r)
			}
			if seen := h.device("plug").LastSeen; !seen.IsZero() {
				t.Errorf("it was seen at %v", seen)
			}
			c.publish("plain/plug/is/on", "true")
			h.wantPresence("plug", devices.Online, settled)
		},
		"a connection that breaks takes the device offline, and its return brings it back": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug")
			minutes(0.5)
			c.cut()
			v := h.device("plug")
			if v.Reach.Presence != devices.Offline || v.Reach.Why == "" {
				t.Errorf("it is %+v", v.Reach)
			}
			h.client("plug", nil)
			h.wantPresence("plug", devices.Online, settled)
		},
		"a device that can be commanded and says goodbye is offline": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug")
			minutes(0.5)
			c.leave()
			h.wantPresence("plug", devices.Offline, "it said goodbye")
		},
		"a sensor that says goodbye has only said what it had to say": func(t *testing.T, h *house) {
			c := h.client("sensor", nil)
			c.publish("homeassistant/sensor/attic/config", `{"name":null,"uniq_id":"a","stat_t":"attic","unit_of_meas":"°C","dev":{"ids":"a","name":"Attic"}}`)
			c.publish("attic", "21")
			minutes(0.5)
			c.leave()
			h.wantPresence("attic", devices.Online, settled)
		},
		"one that said that it goes is offline for that reason when it says goodbye": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug!")
			c.publish("plain/plug/status", "offline")
			minutes(0.5)
			c.leave()
			h.wantPresence("plug", devices.Offline, "it said so")
		},
		"one that is offline for long keeps its reason when its connection breaks": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug!")
			c.publish("plain/plug/status", "offline")
			minutes(1)
			c.cut()
			h.wantPresence("plug", devices.Offline, "it said so")
		},
		"one with a will that says goodbye at once has gone": func(t *testing.T, h *house) {
			c := h.client("plug", []string{"plain/nobody/status", "offline"})
			c.publish("plain/plug/config", "Plug")
			c.leave()
			h.wantPresence("plug", devices.Offline, "it said goodbye")
		},
		"what sleeps does not wake up because its gateway connects again": func(t *testing.T, h *house) {
			c := h.client("gateway", nil)
			c.publish("plain/a/config", "A!")
			c.publish("plain/b/config", "B!")
			c.publish("plain/a/status", "asleep")
			minutes(0.5)
			c.leave()
			h.client("gateway", nil)
			h.wantPresence("a", devices.Asleep, "it said so")
		},
		"one that said how long it may be silent is not judged by its habits": func(t *testing.T, h *house) {
			c := h.client("gateway", nil)
			c.publish("plain/other/config", "Other") // so that the connection is not the sensor's alone
			c.publish("plain/sensor/config", "silence=1h Sensor")
			for range 20 {
				c.publish("plain/sensor/is/power", "5")
				minutes(5)
			}
			minutes(30)
			h.wantPresence("sensor", devices.Online, settled)
		},
		"the time in which it was away is none of its habits": func(t *testing.T, h *house) {
			c := h.client("gateway", nil)
			c.publish("plain/other/config", "Other")
			c.publish("plain/sensor/config", "Sensor!")
			for i := range 20 {
				c.publish("plain/sensor/is/power", "5")
				minutes(5)
				if i == 15 {
					c.publish("plain/sensor/status", "offline")
					minutes(10 * 60)
					c.publish("plain/sensor/status", "online")
				}
			}
			minutes(12)
			h.wantPresence("sensor", devices.Late, "silent for more than 15 min, longer than it ever was")
		},
		"somebody who only came to publish is not the device": func(t *testing.T, h *house) {
			h.client("mosq-1", nil).publish("plain/plug/config", "Plug")
			c := h.client("mosq-2", nil)
			c.publish("plain/plug/is/on", "true")
			c.leave()
			h.wantPresence("plug", devices.Online, settled)
		},
		"somebody else who publishes for it does not take its place": func(t *testing.T, h *house) {
			device := h.client("plug", nil)
			device.publish("plain/plug/config", "Plug")
			other := h.client("other", nil)
			other.publish("plain/plug/is/on", "true")
			minutes(0.5)
			other.cut()
			h.wantPresence("plug", devices.Online, settled)
			device.cut()
			if r := h.device("plug").Reach; r.Presence != devices.Offline {
				t.Errorf("it is %+v", r)
			}
		},
		"a new client takes the place of one that is gone": func(t *testing.T, h *house) {
			old := h.client("plug-1", nil)
			old.publish("plain/plug/config", "Plug")
			old.cut()
			synctest.Wait()
			h.client("plug-2", nil).publish("plain/plug/is/on", "true")
			h.wantPresence("plug", devices.Online, settled)
		},
		"the convention's offline holds while the connection lasts": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug!")
			c.publish("plain/plug/status", "offline")
			c.publish("plain/plug/is/on", "true")
			h.wantPresence("plug", devices.Offline, "it said so")
			c.publish("plain/plug/status", "online")
			h.wantPresence("plug", devices.Online, "it said so")
		},
		"an announcement alone does not make a device online that tells its availability": func(t *testing.T, h *house) {
			c := h.client("gateway", nil)
			c.publish("plain/plug/config", "Plug!")
			if r := h.device("plug").Reach; r.Presence != devices.Unknown {
				t.Errorf("it is %+v", r)
			}
			c.publish("plain/plug/is/on", "true")
			h.wantPresence("plug", devices.Online, settled)
		},
		"a device that went to sleep is asleep although its connection ends": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug!")
			c.publish("plain/plug/status", "asleep")
			c.leave()
			h.wantPresence("plug", devices.Asleep, "it said so")
		},
		"a device that only comes for visits is asleep between them, however its session ends": func(t *testing.T, h *house) {
			for _, end := range []func(c *client){(*client).leave, (*client).cut} {
				c := h.client("sensor", []string{"plain/nobody/status", "offline"})
				c.publish("plain/sensor/config", "sleeps=yes Sensor!")
				c.publish("plain/sensor/status", "online")
				h.wantPresence("sensor", devices.Online, "it said so")
				minutes(0.5)
				end(c)
				synctest.Wait()
				h.wantPresence("sensor", devices.Asleep, "it sleeps between its visits")
			}
			h.client("sensor", nil)
			synctest.Wait()
			h.wantPresence("sensor", devices.Online, "it said so")
		},
		"a will keeps the better reason, whichever is heard first, and is no sign of life": func(t *testing.T, h *house) {
			c := h.client("plug", []string{"plain/plug/status", "offline"})
			c.publish("plain/plug/config", "Plug!")
			c.publish("plain/plug/status", "online")
			minutes(0.5)
			seen := h.device("plug").LastSeen
			c.cut()
			v := h.device("plug")
			if v.Reach.Presence != devices.Offline || v.Reach.Why == "it said so" || v.Reach.Why == "" {
				t.Errorf("it is %+v", v.Reach)
			}
			if !v.LastSeen.Equal(seen) {
				t.Errorf("the will counted as a sign of life at %v", v.LastSeen)
			}
			// Its connection is back, but the retained will still says offline until it says otherwise.
			c = h.client("plug", nil)
			synctest.Wait()
			if r := h.device("plug").Reach; r.Presence != devices.Offline {
				t.Errorf("it is %+v", r)
			}
			c.publish("plain/plug/status", "online")
			h.wantPresence("plug", devices.Online, "it said so")
		},
		"a gateway takes its devices with it": func(t *testing.T, h *house) {
			gateway := h.client("gateway", nil)
			for _, key := range []string{"a", "b"} {
				gateway.publish("plain/"+key+"/config", key)
			}
			gateway.cut()
			for _, key := range []string{"a", "b"} {
				if r := h.device(key).Reach; r.Presence != devices.Offline {
					t.Errorf("%s is %+v", key, r)
				}
			}
		},
		"since when it is offline survives a restart": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.retain("plain/plug/config", "Plug!")
			c.retain("plain/plug/status", "offline")
			since := h.device("plug").Reach.Since
			minutes(60)
			h.restart()
			if r := h.device("plug").Reach; r.Presence != devices.Offline || !r.Since.Equal(since) {
				t.Errorf("it is %+v, want offline since %v", r, since)
			}
		},
		"a device of which nothing is heard after a restart is unknown": func(t *testing.T, h *house) {
			h.client("plug", nil).publish("plain/plug/config", "Plug")
			synctest.Wait()
			h.restart()
			h.wantPresence("plug", devices.Unknown, "not heard since the hub started")
		},
		"a device that is starting is connected, and gets its commands when it is ready": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.subscribe("plain/plug/set/+")
			c.publish("plain/plug/config", "silence=1m Plug!")
			c.publish("plain/plug/status", "starting")
			h.wantPresence("plug", devices.Starting, "it said so")
			command := h.send("plug/switch/limit", "5")
			minutes(5) // however long it takes and however silent it is, it has said that it is not ready
			h.wantPresence("plug", devices.Starting, "it said so")
			h.wantCommand(command.ID, devices.Waiting, "the device is starting: it said so")
			if o := h.Overview(); o.Starting != 1 || o.Offline != 0 {
				t.Errorf("%d are starting, %d offline", o.Starting, o.Offline)
			}
			h.wantRetained("hub/5/plug/$state", "init")
			if got := c.taken(); len(got) != 0 {
				t.Errorf("it was told %q", got)
			}
			c.publish("plain/plug/status", "online")
			seconds(2)
			h.wantPresence("plug", devices.Online, "it said so")
			h.wantCommand(command.ID, devices.Sent, "")
		},
		"a device that comes back is not late for the time in which it was away": func(t *testing.T, h *house) {
			c := h.client("gateway", nil)
			c.publish("plain/plug/config", "silence=1m Plug!")
			c.publish("plain/plug/is/on", "true")
			c.publish("plain/plug/status", "offline")
			minutes(10)
			c.publish("plain/plug/status", "online")
			h.wantPresence("plug", devices.Online, "it said so")
			minutes(0.5)
			h.wantPresence("plug", devices.Online, "it said so")
			minutes(1)
			h.wantPresence("plug", devices.Late, "silent for more than 60 s, longer than a device of its kind should be")
		},
		"nor is one whose value has expired meanwhile": func(t *testing.T, h *house) {
			c := h.client("gateway", nil)
			c.publish("plain/plug/config", "expires=1m Plug!")
			c.publish("plain/plug/is/power", "1")
			c.publish("plain/plug/status", "offline")
			minutes(10)
			c.publish("plain/plug/status", "online")
			h.wantPresence("plug", devices.Online, "it said so")
			minutes(1.5)
			h.wantPresence("plug", devices.Late, "no switch/power for more than 60 s, within which it promised one")
		},
		"a device that is offline by itself is not so because of its gateway when that is back": func(t *testing.T, h *house) {
			c := h.client("gateway", nil)
			c.publish("plain/box/config", "Box!")
			c.publish("plain/bulb/config", "via=box Bulb!")
			c.publish("plain/box/status", "offline")
			h.wantPresence("bulb", devices.Offline, "its gateway Box is offline: it said so")
			c.publish("plain/bulb/status", "offline")
			c.publish("plain/box/status", "online")
			h.wantPresence("bulb", devices.Offline, "it said so")
		},
		"two that each call the other their gateway do not keep each other offline": func(t *testing.T, h *house) {
			c := h.client("gateway", nil)
			c.publish("plain/a/config", "via=b A!")
			c.publish("plain/b/config", "via=a B!")
			c.publish("plain/b/status", "online")
			c.publish("plain/a/status", "offline")
			h.wantPresence("b", devices.Offline, "its gateway A is offline: it said so")
			c.publish("plain/a/status", "online")
			h.wantPresence("a", devices.Online, "it said so")
			h.wantPresence("b", devices.Online, "it said so")
		},
		"a device that woke up and lost its connection is offline": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug!")
			c.publish("plain/plug/status", "asleep")
			c.leave()
			h.wantPresence("plug", devices.Asleep, "it said so")
			minutes(5)
			c = h.client("plug", nil)
			h.wantPresence("plug", devices.Online, "it has woken up")
			c.cut()
			if r := h.device("plug").Reach; r.Presence != devices.Offline || r.Why == "" {
				t.Errorf("it is %+v", r)
			}
		},
		"a device whose connection breaks while it is starting is offline": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug!")
			c.publish("plain/plug/status", "starting")
			h.wantPresence("plug", devices.Starting, "it said so")
			c.cut()
			if r := h.device("plug").Reach; r.Presence != devices.Offline {
				t.Errorf("it is %+v", r)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { inHouse(t, run) })
	}
}

func TestTwoClientsThatPublishAsOneDevice(t *testing.T) {
	const clash = "plug-1 and plug-2 both publish this, in turns; if they are two devices, give each topics of its own"
	for name, run := range map[string]func(*testing.T, *house){
		"are told of, once": func(t *testing.T, h *house) {
			a, b := h.client("plug-1", nil), h.client("plug-2", nil)
			for i := range 6 {
				for _, c := range []*client{a, b} {
					c.publish("plain/plug/config", "Plug")
					c.publish("plain/plug/is/on", strconv.FormatBool(i%2 == 0))
					c.publish("plain/plug/is/power", strconv.Itoa(i))
					synctest.Wait()
				}
				minutes(0.5)
			}
			v := h.device("plug")
			if v.Faults != 1 || v.LastFaults[0].Reason != clash || !strings.HasPrefix(v.LastFaults[0].Topic, "plain/plug/") {
				t.Errorf("%d faults: %+v", v.Faults, v.LastFaults)
			}
			h.wantPresence("plug", devices.Online, settled)
		},
		"are told of again when they meet again": func(t *testing.T, h *house) {
			a := h.client("plug-1", nil)
			for range 2 {
				b := h.client("plug-2", nil)
				for range 5 {
					for _, c := range []*client{a, b} {
						c.publish("plain/plug/config", "Plug")
						synctest.Wait() // nothing says otherwise which of two clients' messages is heard first
					}
				}
				b.cut()
				seconds(1)
			}
			if v := h.device("plug"); v.Faults != 2 || v.LastFaults[0].Reason != clash || v.LastFaults[0].Count != 2 {
				t.Errorf("%d faults: %+v", v.Faults, v.LastFaults)
			}
		},
		"one after the other are none": func(t *testing.T, h *house) {
			for range 6 {
				for _, name := range []string{"plug-1", "plug-2"} {
					c := h.client(name, nil)
					c.publish("plain/plug/config", "Plug")
					c.publish("plain/plug/is/on", "true")
					c.cut()
				}
			}
			if v := h.device("plug"); v.Faults != 0 {
				t.Errorf("faults: %+v", v.LastFaults)
			}
		},
		"each its own topics are two that tell of one thing": func(t *testing.T, h *house) {
			a, b := h.client("plug-1", nil), h.client("plug-2", nil)
			a.publish("plain/plug/config", "mac=AA:BB:CC:DD:EE:FF Plug")
			synctest.Wait()
			b.publish("rumour/x/config", "box_aabbccddeeff Socket")
			for i := range 6 {
				a.publish("plain/plug/is/power", strconv.Itoa(i))
				b.publish("rumour/x/volts", strconv.Itoa(230+i))
			}
			if v := h.device("plug"); v.Faults != 0 || len(v.Conventions) != 2 {
				t.Errorf("faults: %+v", v.LastFaults)
			}
		},
		"of whom the second only helps out now and then are none": func(t *testing.T, h *house) {
			a, b := h.client("plug-1", nil), h.client("script", nil)
			a.publish("plain/plug/config", "Plug")
			synctest.Wait()
			b.publish("plain/plug/is/on", "true")
			for i := range 6 {
				a.publish("plain/plug/is/on", "false")
				a.publish("plain/plug/is/power", strconv.Itoa(i))
			}
			b.publish("plain/plug/is/on", "true")
			if v := h.device("plug"); v.Faults != 0 {
				t.Errorf("faults: %+v", v.LastFaults)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { inHouse(t, run) })
	}
}

func TestAnOverviewCounts(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		seconds(3) // then the hub no longer hears its own exports
		before := h.Overview().Messages
		h.client("a", nil).publish("plain/a/config", "A")
		b := h.client("b", nil)
		b.publish("plain/b/config", "B")
		b.cut()
		synctest.Wait()
		h.send("b/switch/on", "true")
		o := h.Overview()
		if o.Devices != 2 || o.Online != 1 || o.Offline != 1 || o.Pending != 1 || !o.LinkUp || o.LinkNote == "" || o.Messages-before != 2 {
			t.Errorf("overview %+v", o)
		}
		if !o.Started.Before(time.Now().Add(time.Nanosecond)) || o.LastEvent == 0 {
			t.Errorf("overview %+v", o)
		}
	})
}
