package simulator_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator"
)

var update = flag.Bool("update", false, "write the golden files")

func TestEachDeviceAnnouncesItselfAsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live(t, twoLanguages(simulator.DefaultHouse()), simulator.Options{Seed: 1, Speed: 0.01}, func(s *simulator.Simulator, ts *tapes) {
			for _, id := range s.Devices() {
				golden(t, "announce/"+id, written(ts.of(id).taken()))
			}
		})
	})
}

// written is messages in the form of the golden files.
func written(said []broker.Message) string {
	var b strings.Builder
	for _, m := range said {
		fmt.Fprintf(&b, "%s qos=%d retain=%v\n    %s\n", m.Topic, m.QoS, m.Retain, m.Payload)
	}
	return b.String()
}

// announcesAsWritten compares what each client of a house says first with its golden file.
func announcesAsWritten(t *testing.T, text string) {
	t.Helper()
	house := parse(t, text)
	synctest.Test(t, func(t *testing.T) {
		live(t, house, simulator.Options{Seed: 1, Speed: 0.01}, func(_ *simulator.Simulator, ts *tapes) {
			for id, tape := range ts.all {
				golden(t, "announce/"+id, written(tape.taken()))
			}
		})
	})
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (run the test with -update if this is wanted):\n%s", path, d)
	}
}
