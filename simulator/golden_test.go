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

	"home.arpa/homehub/simulator"
)

var update = flag.Bool("update", false, "write the golden files")

func TestEachDeviceAnnouncesItselfAsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live(t, simulator.DefaultHouse(), simulator.Options{Seed: 1, Speed: 0.01}, func(s *simulator.Simulator, ts *tapes) {
			for _, id := range s.Devices() {
				var b strings.Builder
				for _, m := range ts.all[id].taken() {
					fmt.Fprintf(&b, "%s qos=%d retain=%v\n    %s\n", m.Topic, m.QoS, m.Retain, m.Payload)
				}
				golden(t, "announce/"+id, b.String())
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
