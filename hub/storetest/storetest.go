// Package storetest is the conformance suite of hub.Store: the tests of every store call Run, so that the hub may rely on
// the same behaviour whatever keeps its memory. It looks at a store through the interface only and never at its files.
package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// Open opens the store that lives in dir, and a new one where there is none. It fails the test if it cannot. The suite
// closes the store, and opens it again in the same folder to see what has survived.
type Open func(t *testing.T, dir string) hub.Store

// Run runs the suite.
func Run(t *testing.T, open func(t *testing.T, dir string) hub.Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, h *house)
	}{
		{"a new store is empty", testEmpty},
		{"every field of a device's record comes back", testRecord},
		{"a device that is saved again replaces its record and keeps its values", testReplace},
		{"the store keeps its own copy of a record", testCopy},
		{"every kind of value comes back as it was", testValues},
		{"times come back in UTC", testTimes},
		{"the last value is the one saved last", testLast},
		{"history is a window, oldest first, limited to the newest", testHistory},
		{"readings heard at the same moment keep their order", testSameMoment},
		{"history reaches over hours and months", testLongHistory},
		{"the history of a property has nothing of its neighbours", testNeighbours},
		{"readings of unknown devices are left out and the rest is kept", testUnknownReadings},
		{"every field of a command comes back", testCommand},
		{"pending commands are loaded and ended ones are not", testPending},
		{"commands of a device come newest first", testCommands},
		{"an unknown command is not found", testUnknownCommand},
		{"a follow is kept once and forgotten", testFollows},
		{"deleting a device forgets what belongs to it and nothing else", testDelete},
		{"pruning forgets what is old and ended", testPrune},
		{"a call whose context has ended does nothing", testContext},
		{"many goroutines may use it at once", testConcurrency},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &house{open: open, dir: t.TempDir()}
			h.start(t)
			c.test(t, h)
			h.close(t)
		})
	}
}

// RunDamaged tests that a damaged record is set aside: damage makes the stored record of a device unreadable, in the folder
// of a store that is closed.
func RunDamaged(t *testing.T, open func(t *testing.T, dir string) hub.Store, damage func(t *testing.T, dir, device string)) {
	h := &house{open: open, dir: t.TempDir()}
	h.start(t)
	good, bad := record("good-lamp"), record("bad-lamp")
	h.do(t, h.SaveDevice(t.Context(), good), h.SaveDevice(t.Context(), bad))
	reading := devices.Reading{Value: devices.BoolValue(true), Heard: at(1)}
	for _, id := range []string{good.Device.ID, bad.Device.ID} {
		h.do(t, h.SaveReadings(t.Context(), []hub.Sample{{Path: path(id, "light", "on"), Reading: reading}}),
			h.SaveCommand(t.Context(), command("c-"+id, id)))
	}
	h.close(t)
	damage(t, h.dir, bad.Device.ID)

	h.start(t)
	m := h.load(t)
	if len(m.Damaged) != 1 || !strings.Contains(m.Damaged[0], bad.Device.ID) {
		t.Errorf("damaged are %q, want one that names %s", m.Damaged, bad.Device.ID)
	}
	equal(t, "devices", []hub.Record{good}, m.Devices)
	equal(t, "last values", []hub.Sample{{Path: path("good-lamp", "light", "on"), Reading: reading}}, m.Last)
	equal(t, "pending commands", []devices.Command{command("c-good-lamp", "good-lamp")}, m.Pending)

	h.do(t, h.SaveDevice(t.Context(), bad)) // the device announced itself again
	h.restart(t)
	m = h.load(t)
	equal(t, "damaged after the device came back", []string(nil), m.Damaged)
	equal(t, "devices after it came back", []hub.Record{bad, good}, m.Devices)
	h.close(t)
}

// house is a store under test with the folder that it lives in.
type house struct {
	hub.Store
	open Open
	dir  string
}

func (h *house) start(t *testing.T) {
	t.Helper()
	s := h.open(t, h.dir)
	h.Store = s
	t.Cleanup(func() {
		if h.Store == s && t.Failed() {
			s.Close() // the folder goes now, and the failure has been told
		}
	})
}

func (h *house) close(t *testing.T) {
	t.Helper()
	s := h.Store
	h.Store = nil
	h.do(t, s.Close())
}

func (h *house) restart(t *testing.T) {
	t.Helper()
	h.close(t)
	h.start(t)
}

// do fails the test at the first error.
func (h *house) do(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// load returns what the store brings back, each list in the order of its IDs.
func (h *house) load(t *testing.T) hub.Memory {
	t.Helper()
	m, err := h.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(m.Devices, func(a, b hub.Record) int { return strings.Compare(a.Device.ID, b.Device.ID) })
	slices.SortFunc(m.Last, func(a, b hub.Sample) int { return strings.Compare(a.Path.String(), b.Path.String()) })
	slices.SortFunc(m.Pending, func(a, b devices.Command) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(m.Follows, func(a, b hub.Follow) int {
		return strings.Compare(a.From.String()+" "+a.To.String(), b.From.String()+" "+b.To.String())
	})
	return m
}

// history returns all that is kept of one property.
func (h *house) history(t *testing.T, p devices.Path) []devices.Reading {
	t.Helper()
	list, err := h.History(t.Context(), p, time.Time{}, at(1<<40), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// equal compares by value; nil and empty are the same.
func equal(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b devices.Value) bool { return a == b })); d != "" {
		t.Errorf("%s differ (- want, + got):\n%s", what, d)
	}
}

var epoch = time.Date(2026, 3, 29, 0, 59, 59, 123e6, time.UTC)

// at is a moment some milliseconds after the suite's epoch, just before an hour's end.
func at(milliseconds int64) time.Time { return time.UnixMilli(epoch.UnixMilli() + milliseconds).UTC() }

func path(device, component, property string) devices.Path {
	return devices.Path{Device: device, Ref: devices.Ref{Component: component, Property: property}}
}

// record is a device's record with every field set.
func record(id string) hub.Record {
	low, high := 0.0, 100.0
	return hub.Record{
		Device: devices.Device{
			ID: id, Name: `Große "Lampe" 💡\`, Room: "Küche & Flur", Manufacturer: "Acme <&>", Model: "L-1", Firmware: "1.2.3",
			Identifiers: []string{"zigbee2mqtt_0x00124b0022", "x"},
			Connections: []devices.Connection{{Kind: "mac", Value: "00:11:22:33:44:55"}},
			Via:         "bridge", Wakes: 3600.5, Convention: "homeassistant",
			Components: []devices.Component{
				{ID: "light", Kind: devices.Light, Name: "Licht", Category: "config", Properties: []devices.Property{
					{
						ID: devices.Brightness, Name: "Helligkeit", Datatype: devices.Float, Unit: "%", Class: "power_factor",
						Min: &low, Max: &high, Step: 100.0 / 254, Readable: true, Settable: true,
					},
					{
						ID: devices.Effect, Datatype: devices.Enum, Choices: []string{"none", "Regen\u2028bogen", ""},
						Wanted: []string{"none"}, Settable: true, Momentary: true,
					},
					{ID: devices.On, Datatype: devices.Bool, Min: &high},
				}},
				{ID: "other", Kind: devices.Other},
			},
		},
		Accounts: []hub.Account{
			{Convention: "zigbee2mqtt", Key: "0x00124b0022", Sources: []broker.Message{{Topic: "zigbee2mqtt/bridge/devices", Retain: true}}},
			{Convention: "homeassistant", Key: "homeassistant/0x00124b0022 ä", Sources: []broker.Message{
				{Topic: "homeassistant/light/ä/config", Payload: []byte("{\"a\":1}\x00\xff"), QoS: 2, Retain: true, Client: "lamp-1"},
				{Topic: "homeassistant/light/b/config"},
			}},
		},
		NameSet: true, RoomSet: true,
		Reach:  devices.Reach{Presence: devices.Asleep, Since: at(5), Why: "its will was published"},
		Joined: at(3),
		Rhythm: devices.Rhythm{Pauses: []int{600, 601, 3}, Longest: 86400, Watched: 172800},
	}
}

// command is a pending command with every field set that a pending one has.
func command(id, device string) devices.Command {
	return devices.Command{
		ID: id, Device: device, Ref: devices.Ref{Component: "light", Property: "on"}, Value: devices.BoolValue(true),
		Status: devices.Sent, Reason: `the device is "away"`, Origin: "link motion-hall/motion/occupancy",
		Created: at(1), SentAt: at(2), Deadline: at(5002),
	}
}
