package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// A device that sleeps behind a gateway gets a command at some time: the command is shown with what it waits for, and not waited for.
func TestACommandToASleeperIsNotWaitedFor(t *testing.T) {
	const command = `{"id":"c1","device":"trv","component":"climate","property":"on","value":true,"status":"sent",` +
		`"reason":"waits for the device to wake up","created":"2026-11-29T10:00:00Z","deadline":"2026-11-30T10:00:00Z"}`
	hub := http.NewServeMux()
	answer := func(pattern, body string) {
		hub.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(body))
		})
	}
	answer("POST /api/v1/devices/trv/commands", command)
	answer("GET /api/v1/commands/c1", command)
	answer("GET /api/v1/devices/trv", `{"id":"trv","name":"Valve","wakes":86400,"pending":[`+command+`],"components":[{"id":"climate","kind":"climate","properties":[{"id":"on","datatype":"bool","readable":true,"settable":true}]}]}`)
	server := httptest.NewServer(hub)
	t.Cleanup(server.Close)

	out, err := exec.Command("hub", "device", "set", "trv", "climate/on", "on", "--wait", "0s", "--hub", server.URL).CombinedOutput()
	var failed *exec.ExitError
	if !errors.As(err, &failed) || failed.ExitCode() != exitNotConfirmed {
		t.Errorf("it ends with %v", err)
	}
	if !regexp.MustCompile(`^trv climate/on → on sent: waits for the device to wake up, until 2026-1`).Match(out) {
		t.Errorf("it says %s", out)
	}
	out, err = exec.Command("hub", "device", "show", "trv", "--hub", server.URL).CombinedOutput()
	for _, want := range []string{
		"  Sleeps     takes what it is told when it wakes up, at the latest after 24 h\n",
		"  Wanted     climate/on → on sent: waits for the device to wake up, until 2026-1",
	} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("shown, it lacks %q:\n%s%v", want, out, err)
		}
	}
}

// What became of a command is the exit code, which scripts go by: the numbers are a promise.
func TestTheExitCodeSaysWhatBecameOfACommand(t *testing.T) {
	const begin, done = `{"id":"c1","device":"plug","component":"switch","property":"on","value":true,`, `"created":"2026-11-29T10:00:00Z","done":"2026-11-29T10:00:01Z"`
	for answer, want := range map[string]struct {
		code int
		says string
	}{
		`"status":"confirmed",` + done:                                        {0, "switch/on → on confirmed\n"},
		`"status":"refused","reason":"overheated",` + done:                    {2, "switch/on → on refused: overheated\n"},
		`"status":"lapsed","reason":"no report within 5 s",` + done:           {2, "switch/on → on lapsed: no report within 5 s\n"},
		`"status":"superseded","reason":"a newer one",` + done:                {2, "switch/on → on superseded: a newer one\n"},
		`"status":"sent",` + done:                                             {3, "switch/on → on sent\n"},
		`"status":"waiting","reason":"away","created":"2026-11-29T10:00:00Z"`: {2, "switch/on → on waiting: away; it will be sent when the device is back"},
	} {
		t.Run(answer, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if r.URL.Path == "/api/v1/devices/plug" {
					_, _ = w.Write([]byte(`{"id":"plug","components":[{"id":"switch","kind":"switch","properties":[{"id":"on","datatype":"bool"}]}]}`))
					return
				}
				_, _ = w.Write([]byte(begin + answer + "}"))
			}))
			t.Cleanup(server.Close)
			cmd := exec.Command("hub", "device", "set", "plug", "switch/on", "on", "--wait", "0s", "--hub", server.URL)
			out, err := cmd.CombinedOutput()
			var failed *exec.ExitError
			if err != nil && !errors.As(err, &failed) {
				t.Fatal(err)
			}
			if code := cmd.ProcessState.ExitCode(); code != want.code || !strings.HasPrefix(string(out), "plug "+want.says) {
				t.Errorf("it ends with %d and says %s", code, out)
			}
		})
	}
}
