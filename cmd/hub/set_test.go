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
