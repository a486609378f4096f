package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"

	"home.arpa/homehub/internal/realpart"
)

// shown is what "hub device show ID --json" says, as far as these tests look at it.
type shown struct {
	Name, Room string
	Reach      struct{ Presence, Why string }
	Reported   map[string]struct{ Value any }
	Faults     int
}

// show asks for a device; ok is false when there is none.
func (h house) show(id string) (d shown, ok bool) {
	h.t.Helper()
	out, code := h.hub("device", "show", id, "--json")
	return d, code == 0 && json.Unmarshal([]byte(out), &d) == nil
}

func TestADeviceOfRealClientsIsFoundSteeredAndRemoved(t *testing.T) {
	listener := realpart.Find(t, "mosquitto-clients", "mosquitto_sub")
	h := serve(t, t.TempDir())
	const config = "homeassistant/light/kitchen_lamp/config"
	pub(t, h.mqtt, "-r", "-q", "1", "-t", config, "-m", `{"name":null,"~":"lamp/1","stat_t":"~/state","cmd_t":"~/set","schema":"json",`+
		`"brightness":true,"avty_t":"~/online","pl_avail":"yes","pl_not_avail":"no","uniq_id":"kitchen_lamp",`+
		`"dev":{"ids":["a1"],"name":"Kitchen lamp","mf":"Acme"}}`)
	pub(t, h.mqtt, "-t", "lamp/1/online", "-m", "yes")
	pub(t, h.mqtt, "-t", "lamp/1/state", "-m", `{"state":"ON","brightness":51}`)
	eventually(t, "the lamp is there with its state", func() bool {
		d, _ := h.show("kitchen-lamp")
		return d.Reach.Presence == "online" && d.Room == "Kitchen" && d.Reported["light/brightness"].Value == 20.0
	})

	// A command reaches the device as it wants it, and is confirmed by its report.
	device := start(t, listener, "-h", "127.0.0.1", "-p", h.mqtt, "-q", "1", "-v", "-t", "lamp/1/set", "-t", "ready")
	device.listens(func() { pub(t, h.mqtt, "-t", "ready", "-m", "?") })
	said := make(chan int, 1)
	go func() {
		_, code := call(t, "hub", "device", "set", "kitchen-lamp", "light/brightness", "40", "--hub", "http://127.0.0.1:"+h.web)
		said <- code
	}()
	device.expect(`lamp/1/set \{.*"brightness":102`)
	pub(t, h.mqtt, "-t", "lamp/1/state", "-m", `{"state":"ON","brightness":102}`)
	if code := <-said; code != 0 {
		t.Errorf("the command ended with %d", code)
	}

	// What cannot be understood is counted, and the rest goes on.
	pub(t, h.mqtt, "-t", "lamp/1/state", "-m", `{"state":"ON","brightness":"dim"}`)
	eventually(t, "the fault is counted", func() bool { d, _ := h.show("kitchen-lamp"); return d.Faults > 0 })

	pub(t, h.mqtt, "-t", "lamp/1/online", "-m", "no")
	eventually(t, "the lamp is away", func() bool {
		d, _ := h.show("kitchen-lamp")
		return d.Reach.Presence == "offline" && strings.Contains(d.Reach.Why, "lamp/1/online")
	})
	pub(t, h.mqtt, "-r", "-n", "-t", config)
	eventually(t, "the lamp is gone", func() bool { _, ok := h.show("kitchen-lamp"); return !ok })
	h.stop()
}

func TestAHouseOverWebSocketDiesAndIsMissed(t *testing.T) {
	h := serve(t, t.TempDir())
	sim := start(t, "simulator", "--broker", "ws://127.0.0.1:"+h.web+"/mqtt", "--devices", "6")
	ids := []string{"living-room-lamp", "motion-hall", "hall-lamp"}
	for _, id := range ids {
		h.online(id)
	}
	if out, code := h.hub("device", "set", "living-room-lamp", "light/brightness", "55"); code != 0 {
		t.Errorf("setting the lamp: exit %d\n%s", code, out)
	}
	if err := sim.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		eventually(t, id+" is missed", func() bool {
			d, _ := h.show(id)
			return d.Reach.Presence == "offline" && d.Reach.Why != ""
		})
	}
	h.stop()
}
