package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/web"
)

var start = time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)

// decode reads an answer that says yes.
func decode[T any](t *testing.T, w *httptest.ResponseRecorder, status int) T {
	t.Helper()
	var v T
	if w.Code != status || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %s %s, want %d", w.Code, w.Header().Get("Content-Type"), w.Body, status)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return v
}

func open(t *testing.T, m *memory) func(request) *httptest.ResponseRecorder {
	h := handler(t, m, web.Options{OpenLoopback: true, Authenticate: tokens})
	return func(r request) *httptest.ResponseRecorder { return r.do(h) }
}

func TestDevices(t *testing.T) {
	m := newMemory(sampleHouse(start)...)
	do := open(t, m)

	type brief struct {
		ID         string `json:"id"`
		Room       string `json:"room"`
		Components []struct {
			ID   string `json:"id"`
			Kind string `json:"kind"`
		} `json:"components"`
		Telling  []string `json:"telling"`
		Reach    struct{ Presence, Why string }
		Reported map[string]struct {
			Value any       `json:"value"`
			Heard time.Time `json:"heard"`
		} `json:"reported"`
	}
	w := do(request{target: "/api/v1/devices"})
	if all := decode[[]brief](t, w, 200); len(all) != len(m.views) {
		t.Errorf("got %d devices, want %d", len(all), len(m.views))
	}
	if id := w.Header().Get("Last-Event-ID"); id != "e1-0" {
		t.Errorf("Last-Event-ID is %q, want e1-0", id)
	}
	garden := decode[[]brief](t, do(request{target: "/api/v1/devices?room=garden"}), 200)
	if len(garden) != 2 || garden[0].Room != "Garden" {
		t.Errorf("in the garden are %+v", garden)
	}
	if body := do(request{target: "/api/v1/devices?room=moon"}).Body.String(); strings.TrimSpace(body) != "[]" {
		t.Errorf("nothing is spelled %s, want []", body)
	}
	lamp := decode[brief](t, do(request{target: "/api/v1/devices/living-room-lamp"}), 200)
	if lamp.Components[0].Kind != "light" || lamp.Reported["light/brightness"].Value != 62.0 || lamp.Reach.Presence != "online" {
		t.Errorf("got %+v", lamp)
	}
	if plug := decode[brief](t, do(request{target: "/api/v1/devices/tv-plug"}), 200); len(plug.Telling) < 2 || plug.Telling[0] != "switch/on" || plug.Telling[1] != "power/power" {
		t.Errorf("of a plug, %q are told first", plug.Telling)
	}
	wantProblem(t, do(request{target: "/api/v1/devices/nobody"}), 404, "nobody")

	edited := decode[brief](t, do(request{method: "PATCH", target: "/api/v1/devices/living-room-lamp", body: `{"room":"Attic"}`}), 200)
	if edited.Room != "Attic" {
		t.Errorf("the room is %q", edited.Room)
	}
	wantProblem(t, do(request{method: "PATCH", target: "/api/v1/devices/living-room-lamp", body: `{"name":""}`}), 400, "1 to 80")
	wantProblem(t, do(request{method: "PATCH", target: "/api/v1/devices/living-room-lamp", body: `{}`}), 400, "nothing to change")
	wantProblem(t, do(request{method: "PATCH", target: "/api/v1/devices/nobody", body: `{"room":"Attic"}`}), 404, "nobody")

	left := decode[[]hub.Leftover](t, do(request{target: "/api/v1/devices/living-room-lamp/retained"}), 200)
	if len(left) != 1 || left[0].Topic != "tele/living-room-lamp/LWT" || left[0].Sample != "Online" {
		t.Errorf("retained are %+v", left)
	}
	wantProblem(t, do(request{target: "/api/v1/devices/nobody/retained"}), 404, "nobody")
	wantProblem(t, do(request{method: "DELETE", target: "/api/v1/devices/garden-gate?retained=perhaps"}), 400, "keep or clear")
	if cleared := decode[[]hub.Leftover](t, do(request{method: "DELETE", target: "/api/v1/devices/hall-relay?retained=clear"}), 200); len(cleared) != 1 {
		t.Errorf("cleared are %+v", cleared)
	}
	if w := do(request{method: "DELETE", target: "/api/v1/devices/living-room-lamp"}); w.Code != 204 {
		t.Errorf("DELETE: got %d", w.Code)
	}
	wantProblem(t, do(request{method: "DELETE", target: "/api/v1/devices/living-room-lamp"}), 404, "living-room-lamp")
}

func TestRequestsThatAreWrong(t *testing.T) {
	do := open(t, newMemory(sampleHouse(start)...))
	const commands = "/api/v1/devices/living-room-lamp/commands"
	for _, tt := range []struct {
		name   string
		req    request
		status int
		words  string
	}{
		{"no such path", request{target: "/api/v1/devces"}, 404, "/api/v1/devces"},
		{"no such version", request{method: "POST", target: "/api/v2/devices"}, 404, "nothing"},
		{"no such page", request{target: "/nowhere"}, 404, "/nowhere"},
		{"a method that is not there", request{method: "PUT", target: "/api/v1/devices"}, 405, "GET, HEAD"},
		{"a form", request{method: "POST", target: commands, body: "component=light", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, 415, "application/json"},
		{"plain text, as a foreign page could send", request{method: "POST", target: commands, body: "{}", header: map[string]string{"Content-Type": "text/plain"}}, 415, "application/json"},
		{"no type", request{method: "POST", target: commands}, 415, "application/json"},
		{"no JSON", request{method: "POST", target: commands, body: "{"}, 400, "reading the body"},
		{"two values", request{method: "POST", target: commands, body: "{} {}"}, 400, "more after"},
		{"an unknown field", request{method: "POST", target: commands, body: `{"valu":1}`}, 400, "valu"},
		{"too long a body", request{method: "POST", target: commands, body: `{"value":"` + strings.Repeat("x", 70<<10) + `"}`}, 413, "bytes"},
		{"a bad limit", request{target: commands + "?limit=0"}, 400, "limit"},
		{"a bad wait", request{method: "POST", target: commands + "?wait=1y", body: "{}"}, 400, "wait"},
		{"too long a wait", request{target: "/api/v1/commands/c1?wait=2h"}, 400, "5m"},
		{"a bad time", request{target: "/api/v1/devices/tv-plug/history?property=power/power&from=yesterday"}, 400, "from"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := do(tt.req)
			wantProblem(t, w, tt.status, tt.words)
			if tt.status == 405 && w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow is %q", w.Header().Get("Allow"))
			}
		})
	}
}

func TestCommands(t *testing.T) {
	m := newMemory(sampleHouse(start)...)
	m.silent["tv-plug"] = true
	do := open(t, m)
	post := func(device, body string, header map[string]string) *httptest.ResponseRecorder {
		return do(request{method: "POST", target: "/api/v1/devices/" + device + "/commands", body: body, header: header})
	}

	w := post("living-room-lamp", `{"component":"light","property":"brightness","value":40}`, nil)
	cmd := decode[map[string]any](t, w, 202)
	if cmd["status"] != "sent" || cmd["origin"] != "api" || cmd["value"] != 40.0 || w.Header().Get("Location") != "/api/v1/commands/"+cmd["id"].(string) {
		t.Errorf("got %v at %s", cmd, w.Header().Get("Location"))
	}
	if got := decode[map[string]any](t, do(request{target: w.Header().Get("Location")}), 200); got["status"] != "confirmed" || got["done"] == nil {
		t.Errorf("then %v", got)
	}
	for name, tt := range map[string]struct {
		body  string
		value any
	}{
		"text is read as people type it": {`{"component":"light","property":"on","value":"off"}`, false},
		"a color":                        {`{"component":"light","property":"color","value":{"hue":120,"saturation":50}}`, map[string]any{"hue": 120.0, "saturation": 50.0}},
		"a color as hexadecimal digits":  {`{"component":"light","property":"color","value":"#ff0000"}`, map[string]any{"hue": 0.0, "saturation": 100.0}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := decode[map[string]any](t, post("living-room-lamp", tt.body, nil), 202)["value"]; !cmp.Equal(got, tt.value) {
				t.Errorf("the value is %v, want %v", got, tt.value)
			}
		})
	}
	for _, tt := range []struct {
		name, device, body string
		status             int
		words              string
	}{
		{"out of range", "living-room-lamp", `{"component":"light","property":"brightness","value":140}`, 400, "0 to 100 %"},
		{"of another type", "living-room-lamp", `{"component":"light","property":"brightness","value":true}`, 400, "brightness"},
		{"not a choice", "living-room-thermostat", `{"component":"climate","property":"mode","value":"dance"}`, 400, "heat"},
		{"only to be read", "living-room-thermostat", `{"component":"climate","property":"action","value":"heating"}`, 400, "cannot be set"},
		{"nothing", "living-room-lamp", `{"component":"light","property":"on"}`, 400, "no value"},
		{"null", "living-room-lamp", `{"component":"light","property":"on","value":null}`, 400, "no value"},
		{"too patient", "living-room-lamp", `{"component":"light","property":"on","value":true,"patience":"1000h"}`, 400, "patience"},
		{"too impatient", "living-room-lamp", `{"component":"light","property":"on","value":true,"patience":"1ms"}`, 400, "patience"},
		{"an unknown device", "nobody", `{"component":"light","property":"on","value":true}`, 404, "nobody"},
		{"an unknown property", "living-room-lamp", `{"component":"light","property":"volume","value":1}`, 404, "light/brightness"},
	} {
		t.Run(tt.name, func(t *testing.T) { wantProblem(t, post(tt.device, tt.body, nil), tt.status, tt.words) })
	}

	t.Run("its patience", func(t *testing.T) {
		got := decode[devices.Command](t, dropValue(t, post("living-room-lamp", `{"component":"light","property":"on","value":true,"patience":"90s"}`, nil)), 202)
		if patience := got.Deadline.Sub(got.Created); patience != 90*time.Second {
			t.Errorf("the device is given %s", patience)
		}
	})
	t.Run("who wanted it", func(t *testing.T) {
		const on = `{"component":"light","property":"on","value":true}`
		for origin, header := range map[string]map[string]string{
			"dashboard": {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:1888"},
			"api phone": {"Authorization": "Bearer good"},
			"api":       nil,
		} {
			if got := decode[devices.Command](t, dropValue(t, post("living-room-lamp", on, header)), 202).Origin; got != origin {
				t.Errorf("origin is %q, want %q", got, origin)
			}
		}
	})
	t.Run("an act without a state ends as sent", func(t *testing.T) {
		w := do(request{method: "POST", target: "/api/v1/devices/doorbell/commands?wait=1s", body: `{"component":"chime","property":"press","value":true}`})
		if got := decode[map[string]any](t, w, 200); got["status"] != "sent" || got["done"] == nil {
			t.Errorf("got %v", got)
		}
	})
	t.Run("a device that is away is waited for", func(t *testing.T) {
		got := decode[map[string]any](t, post("garden-gate", `{"component":"cover","property":"position","value":10}`, nil), 202)
		if got["status"] != "waiting" || got["reason"] != "the device is offline" {
			t.Errorf("got %v", got)
		}
	})
	t.Run("the ledger is newest first", func(t *testing.T) {
		post("tv-plug", `{"component":"switch","property":"on","value":false}`, nil)
		post("tv-plug", `{"component":"switch","property":"on","value":true}`, nil)
		all := decode[[]map[string]any](t, do(request{target: "/api/v1/devices/tv-plug/commands"}), 200)
		if len(all) != 2 || all[0]["status"] != "sent" || all[1]["status"] != "superseded" {
			t.Errorf("got %v", all)
		}
		if one := decode[[]map[string]any](t, do(request{target: "/api/v1/devices/tv-plug/commands?limit=1"}), 200); len(one) != 1 {
			t.Errorf("limit=1 gives %d", len(one))
		}
	})
	wantProblem(t, do(request{target: "/api/v1/commands/c999"}), 404, "c999")
	wantProblem(t, do(request{target: "/api/v1/commands/c999?wait=1s"}), 404, "c999")
}

// dropValue takes the value out of a command, which only a property can read.
func dropValue(t *testing.T, w *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "value")
	w.Body.Reset()
	if err := json.NewEncoder(w.Body).Encode(fields); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWaitingForACommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(sampleHouse(time.Now())...)
		m.silent["tv-plug"] = true
		do := open(t, m)
		send := request{method: "POST", target: "/api/v1/devices/tv-plug/commands?wait=10s", body: `{"component":"switch","property":"on","value":false}`}

		begun := time.Now()
		if got := decode[map[string]any](t, do(send), 202); got["status"] != "sent" || time.Since(begun) != 10*time.Second {
			t.Errorf("a device that is silent: %v after %s, want sent after 10 s", got["status"], time.Since(begun))
		}
		time.AfterFunc(3*time.Second, func() { m.lapse("tv-plug", "no report of false within 5 s") })
		begun = time.Now()
		got := decode[map[string]any](t, do(send), 200)
		if got["status"] != "lapsed" || got["reason"] != "no report of false within 5 s" || time.Since(begun) != 3*time.Second {
			t.Errorf("got %v after %s", got, time.Since(begun))
		}
		id := got["id"].(string)
		if got := decode[map[string]any](t, do(request{target: "/api/v1/commands/" + id + "?wait=5m"}), 200); got["status"] != "lapsed" {
			t.Errorf("waiting for what has ended: %v", got)
		}
	})
}

func TestHistory(t *testing.T) {
	m := newMemory(sampleHouse(time.Now())...)
	ref := devices.Ref{Component: "power", Property: "power"}
	for i := range 5 {
		m.report("tv-plug", ref, num(float64(i)))
	}
	do := open(t, m)
	values := func(query string) []float64 {
		var all []float64
		for _, r := range decode[[]struct {
			Value float64   `json:"value"`
			Heard time.Time `json:"heard"`
		}](t, do(request{target: "/api/v1/devices/tv-plug/history?" + query}), 200) {
			all = append(all, r.Value)
		}
		return all
	}
	// The default is up to now, and the newest reading may have been heard in this very instant.
	later := time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
	if diff := cmp.Diff([]float64{0, 1, 2, 3, 4}, values("property=power/power&to="+later)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]float64{3, 4}, values("property=power/power&limit=2&to="+later)); diff != "" {
		t.Error(diff)
	}
	if got := values("property=power/power&to=2020-01-01T00:00:00Z"); len(got) != 0 {
		t.Errorf("before everything: %v", got)
	}
	wantProblem(t, do(request{target: "/api/v1/devices/tv-plug/history"}), 400, "which property")
	wantProblem(t, do(request{target: "/api/v1/devices/tv-plug/history?property=power/nothing"}), 404, "power/nothing")
	wantProblem(t, do(request{target: "/api/v1/devices/nobody/history?property=power/power"}), 404, "nobody")
}

func TestLinks(t *testing.T) {
	do := open(t, newMemory())
	const link = `{"from":"hall-motion/motion/occupancy","to":"hall-lamp/light/on"}`
	if body := do(request{target: "/api/v1/links"}).Body.String(); strings.TrimSpace(body) != "[]" {
		t.Errorf("no links are %s, want []", body)
	}
	if got := decode[web.Link](t, do(request{method: "POST", target: "/api/v1/links", body: link}), 201); got.To != "hall-lamp/light/on" {
		t.Errorf("got %v", got)
	}
	if got := strings.TrimSpace(do(request{target: "/api/v1/links"}).Body.String()); got != "["+link+"]" {
		t.Errorf("got %s", got)
	}
	wantProblem(t, do(request{method: "POST", target: "/api/v1/links", body: `{"from":"a/b","to":"c/d/e"}`}), 400, "from")
	wantProblem(t, do(request{method: "POST", target: "/api/v1/links", body: `{"from":"a/b/c","to":"a/b/c"}`}), 409, "follows itself")
	if w := do(request{method: "DELETE", target: "/api/v1/links?from=hall-motion/motion/occupancy&to=hall-lamp/light/on"}); w.Code != 204 {
		t.Errorf("DELETE by query: got %d %s", w.Code, w.Body)
	}
	wantProblem(t, do(request{method: "DELETE", target: "/api/v1/links", body: link}), 404, "hall-lamp")
	do(request{method: "POST", target: "/api/v1/links", body: link})
	if w := do(request{method: "DELETE", target: "/api/v1/links", body: link}); w.Code != 204 {
		t.Errorf("DELETE by body: got %d %s", w.Code, w.Body)
	}
}

// counted is a broker with two clients.
type counted struct{}

func (counted) Clients() []web.Client {
	return []web.Client{{ID: "zigbee2mqtt", Address: "192.168.1.9:4444"}, {ID: "DVES_1", User: "plug", Address: "192.168.1.8:4444"}}
}

func (counted) Counters() web.Counters {
	return web.Counters{
		MessagesReceived: 10, MessagesSent: 20, BytesReceived: 300, ReceivedByQoS: [3]uint64{7, 2, 1}, SentByQoS: [3]uint64{20, 0, 0},
		Dropped: map[string]uint64{"queue_full": 5}, Refused: map[string]uint64{"password": 6, "publish": 8}, Connections: 9,
		Connected: 2, Retained: 4, RetainedBytes: 4000, Queued: 3, JournalBytes: 1000, JournalSyncs: 11, JournalErr: "no space left",
	}
}

func (counted) Refusals() []web.Refusal {
	return []web.Refusal{
		{
			Act: "publish", Reason: "it may not publish there", Address: "192.168.1.9", Client: "zigbee2mqtt", User: "zigbee", Topic: "plug/set",
			Count: 1, First: start.Add(time.Minute), Last: start.Add(time.Minute),
		},
		{
			Act: "connect", Reason: "wrong user name or password", Address: "192.168.1.8", Client: "DVES_2", User: "plug",
			Count: 12, First: start.Add(-time.Hour), Last: start,
		},
	}
}

func TestRefusals(t *testing.T) {
	m := newMemory()
	here, elsewhere := handler(t, m, web.Options{OpenLoopback: true, Broker: counted{}}), handler(t, m, web.Options{OpenLoopback: true})
	if diff := cmp.Diff(counted{}.Refusals(), decode[[]web.Refusal](t, request{target: "/api/v1/refusals"}.do(here), 200)); diff != "" {
		t.Error(diff)
	}
	if body := strings.TrimSpace((request{target: "/api/v1/refusals"}).do(elsewhere).Body.String()); body != "[]" {
		t.Errorf("those of a broker elsewhere are %s, want []", body)
	}
}

func TestStatus(t *testing.T) {
	m := newMemory(sampleHouse(start)...)
	h := handler(t, m, web.Options{
		OpenLoopback: true, Version: "1.2.3", Demo: true, Broker: counted{}, TimeZone: time.UTC,
		MQTTAddresses: []string{"mqtt://192.168.1.5:1883"}, WebAddresses: []string{"http://192.168.1.5:1888"}, DataDir: "/var/lib/homehub",
	})
	got := decode[web.Status](t, request{target: "/api/v1/status"}.do(h), 200)
	got.Now = time.Time{}
	want := web.Status{
		Version: "1.2.3", Demo: true, TimeZone: "UTC", Overview: m.Overview(), MQTTAddresses: []string{"mqtt://192.168.1.5:1883"},
		WebAddresses: []string{"http://192.168.1.5:1888"}, DataDir: "/var/lib/homehub",
		Broker: &web.BrokerStatus{Clients: []web.Client{counted{}.Clients()[1], counted{}.Clients()[0]}, Counters: counted{}.Counters()},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	elsewhere := handler(t, m, web.Options{OpenLoopback: true})
	raw := decode[map[string]any](t, request{target: "/api/v1/status"}.do(elsewhere), 200)
	if raw["broker"] != nil || raw["version"] != "dev" || raw["mqtt_addresses"] == nil {
		t.Errorf("got %v", raw)
	}
}

func TestFaults(t *testing.T) {
	m := newMemory(device(start, "fridge", "Fridge", "Kitchen", nil), device(start, "weather", "Weather", "Garden", nil))
	h := handler(t, m, web.Options{OpenLoopback: true})
	if body := strings.TrimSpace((request{target: "/api/v1/faults"}).do(h).Body.String()); body != "[]" {
		t.Errorf("no faults are %s, want []", body)
	}
	note := func(minutes int, topic string) hub.FaultNote {
		return hub.FaultNote{Topic: topic, Reason: "expected a number", At: start.Add(time.Duration(minutes) * time.Minute), Count: 1}
	}
	m.fault("weather", note(1, "w/1"))
	m.fault("fridge", note(2, "f/2"))
	m.stray(note(3, "s/3"))
	m.fault("weather", note(4, "w/4"))
	want := []web.Fault{
		{"weather", note(4, "w/4")}, {"", note(3, "s/3")}, {"fridge", note(2, "f/2")}, {"weather", note(1, "w/1")},
	}
	if diff := cmp.Diff(want, decode[[]web.Fault](t, request{target: "/api/v1/faults"}.do(h), 200)); diff != "" {
		t.Errorf("all, the newest first (-want +got):\n%s", diff)
	}
}

func TestHealth(t *testing.T) {
	trouble := errors.New("the link to the broker is down")
	h := handler(t, newMemory(), web.Options{Ready: func() error { return trouble }})
	if w := (request{target: "/healthz"}).do(h); w.Code != 200 {
		t.Errorf("healthz: %d", w.Code)
	}
	wantProblem(t, request{target: "/readyz"}.do(h), 503, "link to the broker")
	trouble = nil
	if w := (request{target: "/readyz"}).do(h); w.Code != 200 {
		t.Errorf("readyz: %d", w.Code)
	}
}

func TestTroublesOfTheHub(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
	}{
		{hub.ErrStopped, 503},
		{hub.ErrConflict, 409},
		{fmt.Errorf("asking: %w", context.DeadlineExceeded), 503},
		{fmt.Errorf("asking: %w", context.Canceled), 503},
		{errors.New("disk full: /secret/path"), 500},
	} {
		s, err := web.New(failing{newMemory(sampleHouse(start)...), tt.err}, web.Options{OpenLoopback: true})
		if err != nil {
			t.Fatal(err)
		}
		w := request{target: "/api/v1/devices/tv-plug/commands"}.do(s.Handler())
		wantProblem(t, w, tt.want, "")
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s tells what is inside", w.Body)
		}
	}
}

// failing is a hub whose ledger cannot be read.
type failing struct {
	*memory
	err error
}

func (f failing) Commands(context.Context, string, int) ([]devices.Command, error) { return nil, f.err }
