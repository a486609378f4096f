package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

func testEmpty(t *testing.T, h *house) {
	equal(t, "memory", hub.Memory{}, h.load(t))
	h.restart(t)
	equal(t, "memory after a restart", hub.Memory{}, h.load(t))
}

func testRecord(t *testing.T, h *house) {
	full := record("living-room-lamp")
	bare := hub.Record{Device: devices.Device{ID: "bare"}}
	h.do(t, h.SaveDevice(t.Context(), full), h.SaveDevice(t.Context(), bare))
	want := []hub.Record{bare, full}
	equal(t, "devices", want, h.load(t).Devices)
	h.restart(t)
	equal(t, "devices after a restart", want, h.load(t).Devices)
}

func testReplace(t *testing.T, h *house) {
	r := record("lamp")
	sample := hub.Sample{Path: path("lamp", "light", "on"), Reading: devices.Reading{Value: devices.BoolValue(true), Heard: at(1)}}
	h.do(t, h.SaveDevice(t.Context(), r), h.SaveReadings(t.Context(), []hub.Sample{sample}))
	r = hub.Record{Device: devices.Device{ID: "lamp", Name: "Neu"}, Accounts: []hub.Account{{Convention: "homie", Key: "other"}}, Joined: at(9)}
	h.do(t, h.SaveDevice(t.Context(), r))
	h.restart(t)
	m := h.load(t)
	equal(t, "devices", []hub.Record{r}, m.Devices)
	equal(t, "last values", []hub.Sample{sample}, m.Last)
	equal(t, "history", []devices.Reading{sample.Reading}, h.history(t, sample.Path))
}

func testCopy(t *testing.T, h *house) {
	r := record("lamp")
	h.do(t, h.SaveDevice(t.Context(), r))
	r.Device.Components[0].Name = "changed"
	r.Device.Identifiers[0] = "changed"
	r.Accounts[0].Key, r.Accounts[1].Sources[0].Topic = "changed", "changed"
	r.Rhythm.Pauses[0] = 1
	got := h.load(t).Devices
	equal(t, "devices after the caller changed its own", []hub.Record{record("lamp")}, got)
	got[0].Device.Components[0].Name = "changed"
	equal(t, "devices after the caller changed what was loaded", []hub.Record{record("lamp")}, h.load(t).Devices)
}

func testFollows(t *testing.T, h *house) {
	a := hub.Follow{From: path("motion-hall", "motion", "occupancy"), To: path("hall-lamp", "light", "on")}
	b := hub.Follow{From: a.From, To: path("stair-lamp", "light", "on")}
	back := hub.Follow{From: a.To, To: a.From}
	h.do(t, h.SaveFollow(t.Context(), a), h.SaveFollow(t.Context(), b), h.SaveFollow(t.Context(), a),
		h.DeleteFollow(t.Context(), back))
	h.restart(t)
	equal(t, "follows", []hub.Follow{a, b}, h.load(t).Follows)
	h.do(t, h.DeleteFollow(t.Context(), a), h.DeleteFollow(t.Context(), a))
	h.restart(t)
	equal(t, "follows after one was forgotten", []hub.Follow{b}, h.load(t).Follows)
}

func testCommand(t *testing.T, h *house) {
	var want []devices.Command
	for i, v := range values() {
		c := command(string(rune('a'+i)), "lamp")
		c.Value = v
		want = append(want, c)
		h.do(t, h.SaveCommand(t.Context(), c))
	}
	bare := devices.Command{ID: "z", Device: "lamp", Status: devices.Waiting, Created: at(0), Deadline: at(1)}
	ended := command("zz", "lamp")
	ended.Status, ended.Done = devices.Refused, at(77)
	want = append(want, bare, ended)
	h.do(t, h.SaveDevice(t.Context(), record("lamp")), h.SaveCommand(t.Context(), bare), h.SaveCommand(t.Context(), ended))
	h.restart(t)
	for _, w := range want {
		got, err := h.Command(t.Context(), w.ID)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "command "+w.ID, w, got)
	}
	equal(t, "pending commands", want[:len(want)-1], h.load(t).Pending)
}

func testPending(t *testing.T, h *house) {
	h.do(t, h.SaveDevice(t.Context(), record("lamp")))
	a, b := command("a", "lamp"), command("b", "lamp")
	h.do(t, h.SaveCommand(t.Context(), a), h.SaveCommand(t.Context(), b))
	equal(t, "pending commands", []devices.Command{a, b}, h.load(t).Pending)
	a.Status, a.Reason, a.Done = devices.Confirmed, "the device reported true", at(9)
	h.do(t, h.SaveCommand(t.Context(), a))
	h.restart(t)
	equal(t, "pending commands after one has ended", []devices.Command{b}, h.load(t).Pending)
	got, err := h.Command(t.Context(), "a")
	h.do(t, err)
	equal(t, "the ended command", a, got)
}

func testCommands(t *testing.T, h *house) {
	h.do(t, h.SaveDevice(t.Context(), record("lamp")), h.SaveDevice(t.Context(), record("fan")))
	var all []devices.Command
	for _, id := range []string{"0003", "0001", "0004", "0002"} {
		c := command(id, "lamp")
		if id == "0002" {
			c.Status, c.Done = devices.Lapsed, at(50)
		}
		h.do(t, h.SaveCommand(t.Context(), c))
		all = append(all, c)
	}
	h.do(t, h.SaveCommand(t.Context(), command("0005", "fan")))
	slices.SortFunc(all, func(a, b devices.Command) int { return strings.Compare(b.ID, a.ID) })
	for _, c := range []struct{ limit, want int }{{10, 4}, {4, 4}, {2, 2}, {0, 0}, {-1, 0}} {
		got, err := h.Commands(t.Context(), "lamp", c.limit)
		h.do(t, err)
		equal(t, "commands", all[:c.want], got)
	}
	got, err := h.Commands(t.Context(), "nobody", 10)
	h.do(t, err)
	equal(t, "commands of an unknown device", []devices.Command(nil), got)
}

func testUnknownCommand(t *testing.T, h *house) {
	if _, err := h.Command(t.Context(), "nothing"); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("got %v, want an error that wraps hub.ErrNotFound", err)
	}
}

func testDelete(t *testing.T, h *house) {
	ctx := t.Context()
	lamp, fan := record("lamp"), record("fan")
	h.do(t, h.SaveDevice(ctx, lamp), h.SaveDevice(ctx, fan))
	reading := devices.Reading{Value: devices.BoolValue(true), Heard: at(1)}
	old := devices.Reading{Value: devices.BoolValue(false), Heard: at(-1e9)}
	on := func(id string) devices.Path { return path(id, "light", "on") }
	follow := hub.Follow{From: on("lamp"), To: on("fan")}
	ended := command("0", "lamp")
	ended.Status, ended.Done = devices.Confirmed, at(7)
	h.do(t,
		h.SaveReadings(ctx, []hub.Sample{
			{Path: on("lamp"), Reading: old},
			{Path: on("lamp"), Reading: reading},
			{Path: on("fan"), Reading: reading},
			{Path: path("lamp", "light", "brightness"), Reading: reading},
		}),
		h.SaveCommand(ctx, ended), h.SaveCommand(ctx, command("1", "lamp")), h.SaveCommand(ctx, command("2", "fan")),
		h.SaveFollow(ctx, follow),
		h.DeleteDevice(ctx, "lamp"), h.DeleteDevice(ctx, "lamp"), h.DeleteDevice(ctx, "nobody"))
	h.restart(t)
	equal(t, "memory", hub.Memory{
		Devices: []hub.Record{fan}, Last: []hub.Sample{{Path: on("fan"), Reading: reading}},
		Pending: []devices.Command{command("2", "fan")}, Follows: []hub.Follow{follow},
	}, h.load(t))
	equal(t, "its history", []devices.Reading(nil), h.history(t, on("lamp")))
	equal(t, "the other's history", []devices.Reading{reading}, h.history(t, on("fan")))
	for _, id := range []string{"0", "1"} {
		if _, err := h.Command(ctx, id); !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("its command %s: got %v, want hub.ErrNotFound", id, err)
		}
	}

	again := devices.Reading{Value: devices.BoolValue(false), Heard: at(2)}
	h.do(t, h.SaveDevice(ctx, lamp))
	equal(t, "last values after it came back", []hub.Sample{{Path: on("fan"), Reading: reading}}, h.load(t).Last)
	h.do(t, h.SaveReadings(ctx, []hub.Sample{{Path: on("lamp"), Reading: again}}))
	equal(t, "its history after it came back", []devices.Reading{again}, h.history(t, on("lamp")))
}

func testPrune(t *testing.T, h *house) {
	ctx := t.Context()
	p := path("lamp", "light", "on")
	h.do(t, h.SaveDevice(ctx, record("lamp")))
	var all []devices.Reading
	var samples []hub.Sample
	for i := range 40 { // every 20 minutes
		r := devices.Reading{Value: devices.IntValue(int64(i)), Heard: at(int64(i) * 20 * 60e3)}
		all, samples = append(all, r), append(samples, hub.Sample{Path: p, Reading: r})
	}
	old, young, pending := command("1", "lamp"), command("2", "lamp"), command("3", "lamp")
	old.Done, young.Done = all[20].Heard.Add(-time.Millisecond), all[20].Heard
	h.do(t, h.SaveReadings(ctx, samples), h.SaveCommand(ctx, old), h.SaveCommand(ctx, young), h.SaveCommand(ctx, pending))

	h.do(t, h.Prune(ctx, at(-1e12)))
	equal(t, "history after nothing was old", all, h.history(t, p))
	h.do(t, h.Prune(ctx, all[20].Heard))
	h.restart(t)
	equal(t, "history", all[20:], h.history(t, p))
	got, err := h.Commands(ctx, "lamp", 10)
	h.do(t, err)
	equal(t, "commands", []devices.Command{pending, young}, got)

	h.do(t, h.Prune(ctx, at(1e12)))
	equal(t, "history after all was old", []devices.Reading(nil), h.history(t, p))
	m := h.load(t)
	equal(t, "the last value stays", samples[39:], m.Last)
	equal(t, "pending commands stay", []devices.Command{pending}, m.Pending)
}
