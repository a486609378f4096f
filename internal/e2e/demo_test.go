package e2e_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"home.arpa/homehub/internal/realpart"
)

// house is a hub of ours, running, and how to reach it.
type house struct {
	*program
	mqtt, web string // ports
}

var address = `mqtt://127\.0\.0\.1:(\d+)`

// demo starts "hub demo" on free ports.
func demo(t *testing.T, args ...string) house {
	t.Helper()
	args = append([]string{"demo", "--mqtt-listen", "127.0.0.1:0", "--web-listen", "127.0.0.1:0"}, args...)
	p := start(t, "hub", args...)
	return addresses(p)
}

func addresses(p *program) house {
	p.t.Helper()
	return house{p, p.expect(address)[1], p.expect(`http://127\.0\.0\.1:(\d+)`)[1]}
}

// hub runs "hub ARGS" against the house.
func (h house) hub(args ...string) (string, int) {
	h.t.Helper()
	return call(h.t, "hub", append(args, "--hub", "http://127.0.0.1:"+h.web)...)
}

// sub runs mosquitto_sub until it has printed the number of messages.
func sub(t *testing.T, port, count string, args ...string) []string {
	t.Helper()
	args = append([]string{"-h", "127.0.0.1", "-p", port, "-C", count, "-W", strconv.Itoa(int(limit.Seconds()) - 10)}, args...)
	return strings.Split(strings.TrimSpace(must(t, realpart.Find(t, "mosquitto-clients", "mosquitto_sub"), args...)), "\n")
}

func pub(t *testing.T, port string, args ...string) {
	t.Helper()
	must(t, realpart.Find(t, "mosquitto-clients", "mosquitto_pub"), append([]string{"-h", "127.0.0.1", "-p", port}, args...)...)
}

// listens waits until a mosquitto_sub has its subscriptions: from then on it misses nothing. ready publishes "?" to the topic ready, which is
// one of those.
func (p *program) listens(ready func()) {
	p.t.Helper()
	eventually(p.t, p.name+" listens", func() bool {
		ready()
		return strings.Contains(p.text(), "ready ?")
	})
}

// online waits until the hub says that the device is online.
func (h house) online(id string) {
	h.t.Helper()
	h.is(id, "online")
}

// is waits until the hub says that the device has a presence.
func (h house) is(id, presence string) {
	h.t.Helper()
	eventually(h.t, id+" is "+presence, func() bool {
		d, there := h.show(id)
		return there && d.Reach.Presence == presence
	})
}

func TestTheDemoIsSteeredByTheProgramItself(t *testing.T) {
	h := demo(t)
	for _, want := range []string{`mosquitto_sub .*-t 'hub/5/#'`, `device set living-room-lamp light/brightness 40`, `http://127\.0\.0\.1:\d+/`} {
		h.expect(want)
	}
	h.online("living-room-lamp")
	if out, code := h.hub("device", "set", "living-room-lamp", "light/brightness", "40"); code != 0 || !strings.Contains(out, "confirmed") {
		t.Errorf("setting the lamp: exit %d\n%s", code, out)
	}
	if out, code := h.hub("device", "set", "living-room-lamp", "light/brightness", "400"); code != 1 || !strings.Contains(out, "0 to 100") {
		t.Errorf("a brightness of 400: exit %d\n%s", code, out)
	}
	if out, code := h.hub("device", "set", "living-room-lamp", "light/smell", "1"); code != 1 || !strings.Contains(out, "smell") {
		t.Errorf("an unknown property: exit %d\n%s", code, out)
	}
	if out, code := h.hub("device", "show", "no-such-lamp"); code != 1 || !strings.Contains(out, "no-such-lamp") {
		t.Errorf("an unknown device: exit %d\n%s", code, out)
	}
	out, code := h.hub("status", "--json")
	var status struct {
		Overview struct{ Devices int }
		MQTT     []string `json:"mqtt_addresses"`
	}
	if code != 0 || json.Unmarshal([]byte(out), &status) != nil {
		t.Fatalf("status: exit %d\n%s", code, out)
	}
	if status.Overview.Devices < 20 || len(status.MQTT) == 0 || !strings.HasSuffix(status.MQTT[0], ":"+h.mqtt) {
		t.Errorf("status says %+v, the port in use is %s", status, h.mqtt)
	}
	h.stop()
}

func TestTheDemoIsSeenAndSteeredByMosquittoClients(t *testing.T) {
	realpart.Find(t, "mosquitto-clients", "mosquitto_sub")
	h := demo(t)
	h.online("living-room-lamp")
	topic := "hub/5/living-room-lamp/light/brightness"
	watch := start(t, realpart.Find(t, "mosquitto-clients", "mosquitto_sub"), "-h", "127.0.0.1", "-p", h.mqtt, "-v", "-t", "hub/5/#")
	watch.expect(`hub/5/living-room-lamp/\$state ready`)
	watch.expect(`hub/5/motion-hall/motion/occupancy (true|false)`)
	// The lamp has steps of its own, of 1/254: what it reports is as near as it can get.
	pub(t, h.mqtt, "-t", topic+"/set", "-m", "33")
	watch.expect(`(?m)^` + topic + ` 33(\.\d+)?$`)
	pub(t, h.mqtt, "-t", topic+"/set", "-m", "40")
	reached := watch.expect(`(?m)^` + topic + ` (40(\.\d+)?)$`)[1]

	// A stranger's word under hub/5 does not count; nor does a retained wish.
	pub(t, h.mqtt, "-t", topic, "-m", "99", "-r")
	if got := sub(t, h.mqtt, "1", "-t", topic); got[0] != reached {
		t.Errorf("after a stranger's message the lamp reads %q", got)
	}
	h.stop()
}

func TestTheLampFollowsTheMotionInTheHall(t *testing.T) {
	h := demo(t)
	h.online("hall-lamp")
	if out, code := h.hub("link", "ls"); code != 0 || !strings.Contains(out, "motion-hall/motion/occupancy → hall-lamp/light/on") {
		t.Errorf("link ls: exit %d\n%s", code, out)
	}
	if out, code := h.hub("link", "hall-lamp/light/on", "motion-hall/motion/occupancy"); code != 1 {
		t.Errorf("a link to something that only reports: exit %d\n%s", code, out)
	}
	if out, code := h.hub("link", "living-room-lamp/light/on", "bedroom-lamp/light/on"); code != 0 {
		t.Errorf("a new link: exit %d\n%s", code, out)
	}
	h.online("living-room-lamp")
	h.online("bedroom-lamp")
	for _, value := range []string{"true", "false", "true"} {
		if out, code := h.hub("device", "set", "living-room-lamp", "light/on", value); code != 0 {
			t.Fatalf("the lamp to %s: exit %d\n%s", value, code, out)
		}
		eventually(t, "the bedroom lamp follows to "+value, func() bool {
			out, _ := h.hub("device", "show", "bedroom-lamp", "--json")
			var d struct {
				Reported map[string]struct{ Value any }
			}
			return json.Unmarshal([]byte(out), &d) == nil && d.Reported["light/on"].Value == (value == "true")
		})
	}
}

func TestATakenPortIsNamedWithItsFlag(t *testing.T) {
	h := demo(t)
	out, code := call(t, "hub", "demo", "--mqtt-listen", "127.0.0.1:"+h.mqtt, "--web-listen", "127.0.0.1:0")
	if code != 1 || !strings.Contains(out, h.mqtt) || !strings.Contains(out, "--mqtt-listen") {
		t.Errorf("a taken MQTT port: exit %d\n%s", code, out)
	}
	out, code = call(t, "hub", "demo", "--mqtt-listen", "127.0.0.1:0", "--web-listen", "127.0.0.1:"+h.web)
	if code != 1 || !strings.Contains(out, h.web) || !strings.Contains(out, "--web-listen") {
		t.Errorf("a taken web port: exit %d\n%s", code, out)
	}
}
