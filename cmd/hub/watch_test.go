package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"home.arpa/homehub/internal/outage"
)

// run runs "hub ARGS" for a house, which has to succeed.
func (h house) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("hub", append(args, "--hub", h.web)...).CombinedOutput()
	if err != nil {
		t.Fatalf("hub %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// start is open until the test's end.
func start(t *testing.T, args ...string) house {
	h := open(t, args...)
	t.Cleanup(h.end)
	return h
}

// also starts "hub ARGS" for a house until the test's end.
func (h house) also(t *testing.T, args ...string) *program {
	p := launch(t, nil, append(args, "--hub", h.web)...)
	t.Cleanup(p.end)
	return p
}

func TestWatchOutlivesARestartOfTheHub(t *testing.T) {
	data := t.TempDir()
	h := start(t, "demo", "--data-dir", data, "--mqtt-listen", freeAddress(t), "--web-listen", freeAddress(t))
	h.joined(t)
	people, programs := h.also(t, "device", "watch"), h.also(t, "device", "watch", "living-room-lamp", "--json")
	programs.expect(`"event":"reset"`)
	h.until(t, people, "Lamp %d", `living-room-lamp +is now called "Lamp \d`)
	programs.expect(`"event":"changed","id":"\S+-\d+","data":\{.*Lamp \d`)

	if code := h.interrupt(); code != 0 {
		t.Fatalf("the hub ended with %d:\n%s", code, h.said())
	}
	people.expect(`has gone; waiting for it to come back`)
	programs.expect(`has gone`)
	h = start(t, "demo", "--data-dir", data, "--mqtt-listen", h.mqtt, "--web-listen", h.web)
	people.expect(`it is back`)
	people.expect(`what happened meanwhile is not known`)
	programs.expect(`what happened meanwhile is not known`)
	h.until(t, people, "Good lamp %d", `living-room-lamp +is now called "Good lamp \d`)
	programs.expect(`Good lamp \d`)

	if a, b := people.interrupt(), programs.interrupt(); a != 0 || b != 0 {
		t.Errorf("Ctrl-C ended them with %d and %d", a, b)
	}
	for line := range strings.Lines(programs.said()) {
		if strings.HasPrefix(line, "hub: ") {
			continue // on standard error
		}
		var e struct {
			Event, ID string
			Data      map[string]any
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Event == "" || e.ID == "" || e.Data == nil {
			t.Errorf("%v: not an event: %s", err, line)
		}
		if d := e.Data["device"]; d != nil && d != "living-room-lamp" {
			t.Errorf("an event of %v", d)
		}
	}
}

// until renames the lamp again and again until the watcher, which may still be connecting, has seen it.
func (h house) until(t *testing.T, watcher *program, name, pattern string) {
	t.Helper()
	for i, end := 0, time.Now().Add(limit); time.Now().Before(end); i++ {
		h.run(t, "device", "rename", "living-room-lamp", fmt.Sprintf(name, i))
		if regexp.MustCompile(pattern).MatchString(watcher.said()) {
			return
		}
	}
	watcher.expect(pattern)
}

// joined waits until the lamp has joined.
func (h house) joined(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); {
		if h.also(t, "device", "show", "living-room-lamp").code() == 0 {
			return
		}
	}
	t.Fatal("the lamp does not join")
}

// freeAddress is where a hub listens that is to come back there: nobody else is given that port while it is away.
func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := outage.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func TestWatchPrintsValuesWithTheirUnits(t *testing.T) {
	h := start(t, "demo", "--speed", "10")
	h.joined(t)
	w := h.also(t, "device", "watch", "living-room-lamp")
	h.until(t, w, "Lamp %d", `Lamp \d`)
	h.run(t, "device", "set", "living-room-lamp", "light/brightness", "33.3")
	w.expect(`(?m)^\d\d:\d\d:\d\d  living-room-lamp  light/brightness → 33\.3 % sent$`)
	w.expect(`(?m)^\d\d:\d\d:\d\d  living-room-lamp  light/brightness 33(\.\d)? %$`)
	w.expect(`(?m)^\d\d:\d\d:\d\d  living-room-lamp  light/brightness → 33\.3 % confirmed`)
}

func TestACommandThatWaitsIsFollowedToItsEnd(t *testing.T) {
	data := t.TempDir()
	h := start(t, "demo", "--data-dir", data)
	h.joined(t)
	w := h.also(t, "device", "watch", "--json")
	w.expect(`"event":"reset"`)
	if code := h.interrupt(); code != 0 {
		t.Fatalf("the hub ended with %d", code)
	}
	w.end()
	h = start(t, "serve", "--data-dir", data)
	w = h.also(t, "device", "watch", "--json")
	w.expect(`"event":"reset"`)

	older := h.also(t, "device", "set", "living-room-lamp", "light/brightness", "21", "--wait", "1m")
	w.expect(`"value":21,"status":"waiting"`)
	newer := h.also(t, "device", "set", "living-room-lamp", "light/brightness", "22", "--wait", "1m")
	w.expect(`"value":22,"status":"waiting"`)
	if code := older.code(); code != exitNotConfirmed || !strings.Contains(older.said(), "21 % superseded") {
		t.Errorf("the older command: exit %d\n%s", code, older.said())
	}
	if code := newer.interrupt(); code != exitInterrupted || !regexp.MustCompile("the hub (goes on with|may have taken) the command").MatchString(newer.said()) {
		t.Errorf("the newer command, interrupted: exit %d\n%s", code, newer.said())
	}
	if out := h.run(t, "device", "show", "living-room-lamp"); !strings.Contains(out, "wanted: 22 %, waiting") {
		t.Errorf("the newer command is not wanted any more:\n%s", out)
	}
}
