package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"home.arpa/homehub/internal/outage"
)

// raceOptions are for the programs that the tests run: with the race detector each would sleep a second at its end.
const raceOptions = "atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	os.Setenv("GORACE", raceOptions)
	testscript.Main(m, map[string]func(){"hub": main})
}

type houseKey struct{}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:      "testdata/script",
		Deadline: time.Now().Add(10 * time.Minute), // what should fail at once may start to live instead
		Setup: func(e *testscript.Env) error {
			nobody, err := outage.FreeAddress()
			if err != nil {
				return err
			}
			e.Setenv("NOBODY", nobody)
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("GORACE", raceOptions)
			e.Values[houseKey{}] = new(house)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"demo":   begin("demo"),
			"serve":  begin("serve"),
			"close":  closes, // "stop" is testscript's own, which ends a script there and then
			"hub":    hub,
			"exit":   exit,
			"online": online,
			"json":   isJSON,
			"mode":   mode,
		},
	})
}

// begin makes the commands "demo ARGS" and "serve ARGS", which start a hub; those after it find it.
func begin(what string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		h := open(ts, append([]string{what}, args...)...)
		ts.Defer(h.end)
		*ts.Value(houseKey{}).(*house) = h
		ts.Setenv("HUB_URL", h.web)
		ts.Setenv("MQTT", h.mqtt)
		ts.Setenv("WEB", h.web)
	}
}

// closes is the command "close": Ctrl-C for the hub, which has to end well.
func closes(ts *testscript.TestScript, _ bool, _ []string) {
	h := ts.Value(houseKey{}).(*house)
	if code := h.interrupt(); code != 0 {
		ts.Fatalf("the hub ended with %d:\n%s", code, h.said())
	}
}

// hub is the command "hub ARGS", the same as "exec hub ARGS".
func hub(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec("hub", args...)
	if failed := err != nil; failed != neg {
		ts.Fatalf("hub %q: %v, want failure %v", args, err, neg)
	}
}

// exit is the command "exit CODE PROGRAM ARGS".
func exit(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		code = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("%q: exit code %d, want %d", args[1:], code, want)
	}
}

// online is the command "online ID": it waits until the hub says so and knows the device's values.
func online(ts *testscript.TestScript, _ bool, args []string) {
	url := ts.Getenv("HUB_URL")
	p := launch(ts, nil, "device", "watch", "--json", "--hub", url)
	defer p.end()
	p.expect(`"event":"reset"`) // what comes from here on is seen
	for end := time.Now().Add(limit); time.Now().Before(end); {
		out, err := exec.Command("hub", "device", "show", args[0], "--json", "--hub", url).Output()
		var d device
		if err == nil && json.Unmarshal(out, &d) == nil && d.Reach.Presence == "online" && d.told() {
			return
		}
		select {
		case <-p.news: // ask again
		case <-time.After(time.Until(end)):
		}
	}
	ts.Fatalf("%s is not online within %s", args[0], limit)
}

// told says whether the device has reported everything that it can.
func (d device) told() bool {
	for _, comp := range d.Components {
		for _, p := range comp.Properties {
			if _, ok := d.Reported[comp.ID+"/"+p.ID]; !ok && p.Readable && !p.Momentary {
				return false
			}
		}
	}
	return true
}

// isJSON is the command "json FILE": the file is one value of JSON, and nothing else.
func isJSON(ts *testscript.TestScript, _ bool, args []string) {
	if text := ts.ReadFile(args[0]); !json.Valid([]byte(text)) {
		ts.Fatalf("%s is not JSON:\n%s", args[0], text)
	}
}

// mode is the command "mode FILE OCTAL".
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}
