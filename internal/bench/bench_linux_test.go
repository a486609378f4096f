package main

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"home.arpa/homehub/internal/config"
	"home.arpa/homehub/internal/realpart"
)

// TestMain lets the test's program be the hub that the tests measure.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == profiledCommand {
		if err := serveProfiled(os.Args[2]); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// little is enough to see that a case works.
var little = sizes{
	warmup: 10 * time.Millisecond, measured: 30 * time.Millisecond, hold: 30 * time.Millisecond, sensing: 30 * time.Millisecond,
	clients: 30, fetched: 30, retained: 30, queued: 30, devices: 2,
}

func small(t *testing.T) *bench {
	t.Helper()
	return &bench{sizes: little, folder: t.TempDir(), profiles: t.TempDir(), repeats: 1, log: io.Discard}
}

func TestEveryCaseMeasuresItsRows(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := small(t)
	hub := hubProduct("the hub", self, profiledCommand)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			list, err := b.try(t.Context(), c, []*product{hub}, 0)
			if err != nil {
				t.Fatal(err)
			}
			f := list[0]
			n := 0
			for _, row := range rows {
				if row.of != c.name {
					continue
				}
				n++
				if _, found := f[row.figure]; !found {
					t.Errorf("%s was not measured: %s", row.figure, f)
				}
			}
			if n == 0 {
				t.Error("no row is about it")
			}
			if f[lostMessages] != 0 {
				t.Errorf("messages were lost: %s", f)
			}
		})
	}
	left, err := os.ReadDir(b.folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range left {
		if !strings.HasPrefix(l.Name(), "users-") { // which the next run uses again
			t.Errorf("left behind: %s", l.Name())
		}
	}
}

func TestProfilesAreTaken(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := small(t)
	if _, err := b.try(t.Context(), cases[0], []*product{hubProduct("the hub", self, profiledCommand)}, 0); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/p2p-q0-1-1.cpu", "/p2p-q0-1-1.heap"} {
		data, err := os.ReadFile(b.profiles + name)
		if err != nil || !bytes.HasPrefix(data, []byte{0x1F, 0x8B}) { // profiles are compressed
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
}

func TestAnotherBrokerIsMeasuredBesideTheHub(t *testing.T) {
	path := realpart.Find(t, "mosquitto", "mosquitto")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	other, err := mosquitto(path)
	if err != nil {
		t.Fatal(err)
	}
	b := small(t)
	r := b.runAll(t.Context(), []*product{hubProduct("the hub", self, profiledCommand), other}, regexp.MustCompile("^(p2p-q1|latency-q1|retained)$"))
	if len(r.failed) > 0 {
		t.Fatal(r.failed)
	}
	for _, name := range []string{"p2p-q1", "latency-q1", "retained"} {
		if got := verdictOf(t, r, name); got == "not measured" {
			t.Errorf("%s: %+v", name, r.runs[name])
		}
	}
}

func TestABrokerThatDoesNotStartIsReported(t *testing.T) {
	b := small(t)
	for name, command := range map[string][]string{
		"no such program":       {"/nonexistent/broker"},
		"one that ends":         {"sh", "-c", "echo it has no configuration; exit 1"},
		"one that is no broker": {"sh", "-c", "exec sleep 0.02"},
	} {
		p := &product{name: "broken", command: func(string, string) ([]string, error) { return command, nil }}
		_, err := b.try(t.Context(), cases[0], []*product{p}, 0)
		if err == nil || !strings.Contains(err.Error(), command[0]) || name == "one that ends" && !strings.Contains(err.Error(), "it has no configuration") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheSettingOfDurabilityExists(t *testing.T) {
	if !slices.Contains(config.Names(), durabilityKey) {
		t.Errorf("the configuration has no %s", durabilityKey)
	}
}

func TestTheHubsOwnCountOfSyncsIsRead(t *testing.T) {
	const metrics = "# TYPE homehub_broker_journal_syncs_total counter\nhomehub_journal_bytes_total 5\nhomehub_broker_journal_syncs_total 1.2e+03\n"
	if n, err := syncsIn(strings.NewReader(metrics)); err != nil || n != 1200 {
		t.Errorf("got %v, %v", n, err)
	}
	if n, err := syncsIn(strings.NewReader("homehub_broker_journal_failed 0\n")); err != nil || n != 0 {
		t.Errorf("before there are any: %v, %v", n, err)
	}
}
