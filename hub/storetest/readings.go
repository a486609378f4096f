package storetest

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// values are values of every type, and for each the ones that a careless store would bend.
func values() []devices.Value {
	must := func(v devices.Value, err error) devices.Value {
		if err != nil {
			panic(err)
		}
		return v
	}
	return []devices.Value{
		devices.BoolValue(true), devices.BoolValue(false),
		devices.IntValue(1), must(devices.FloatValue(1)), // not the same
		devices.IntValue(0), devices.IntValue(-(1 << 53)), devices.IntValue(math.MaxInt64),
		must(devices.FloatValue(0.1 + 0.2)), must(devices.FloatValue(-1e300)), must(devices.FloatValue(5e-324)),
		devices.EnumValue("heat_cool"), devices.EnumValue("1"), devices.EnumValue(""),
		devices.TextValue("1"), devices.TextValue("true"), devices.TextValue(""), devices.TextValue("O'Brien; \"x\" \\ %s\n\r\t"),
		devices.TextValue("Grüße 日本 🏠\u2028"), devices.TextValue("a\x00b"), devices.TextValue("not UTF-8: \xff\xfe"),
		must(devices.ColorValue(0, 0)), must(devices.ColorValue(359.9, 99.9)),
		must(devices.JSONValue(`{"a": [1, 2.50, "\u0000"], "b":null}`)), must(devices.JSONValue(" true ")),
	}
}

func testValues(t *testing.T, h *house) {
	h.do(t, h.SaveDevice(t.Context(), record("lamp")))
	var samples []hub.Sample
	for i, v := range values() {
		p := path("lamp", "it's \"c\" %ä", fmt.Sprintf("p%02d", i))
		samples = append(samples, hub.Sample{Path: p, Reading: devices.Reading{Value: v, At: at(1), Heard: at(2)}})
	}
	h.do(t, h.SaveReadings(t.Context(), samples))
	h.restart(t)
	equal(t, "last values", samples, h.load(t).Last)
	for _, s := range samples {
		equal(t, "history of "+s.Path.String(), []devices.Reading{s.Reading}, h.history(t, s.Path))
	}
}

func testTimes(t *testing.T, h *house) {
	zone := time.FixedZone("CEST", 2*3600)
	r := record("lamp")
	r.Joined, r.Reach.Since = r.Joined.In(zone), r.Reach.Since.In(zone)
	c := command("1", "lamp")
	c.Created, c.SentAt, c.Deadline, c.Done = c.Created.In(zone), c.SentAt.In(zone), c.Deadline.In(zone), at(9).In(zone)
	s := hub.Sample{Path: path("lamp", "light", "on"), Reading: devices.Reading{At: at(1).In(zone), Heard: at(2).In(zone)}}
	s.Value = devices.BoolValue(true)
	h.do(t, h.SaveDevice(t.Context(), r), h.SaveCommand(t.Context(), c), h.SaveReadings(t.Context(), []hub.Sample{s}))
	h.restart(t)
	m := h.load(t)
	got, err := h.Command(t.Context(), "1")
	h.do(t, err)
	if len(m.Devices) != 1 || len(m.Last) != 1 {
		t.Fatalf("%d devices and %d last values, want one of each", len(m.Devices), len(m.Last))
	}
	for what, pair := range map[string][2]time.Time{
		"joined": {r.Joined, m.Devices[0].Joined}, "since": {r.Reach.Since, m.Devices[0].Reach.Since},
		"created": {c.Created, got.Created}, "sent": {c.SentAt, got.SentAt}, "deadline": {c.Deadline, got.Deadline},
		"done": {c.Done, got.Done}, "at": {s.At, m.Last[0].At}, "heard": {s.Heard, m.Last[0].Heard},
		"heard in history": {s.Heard, h.history(t, s.Path)[0].Heard},
	} {
		if !pair[0].Equal(pair[1]) || pair[1].Location() != time.UTC {
			t.Errorf("%s came back as %v, want %v", what, pair[1], pair[0].UTC())
		}
	}
}

func testLast(t *testing.T, h *house) {
	p := path("lamp", "light", "on")
	sample := func(on bool, heard int64) hub.Sample {
		return hub.Sample{Path: p, Reading: devices.Reading{Value: devices.BoolValue(on), Heard: at(heard)}}
	}
	h.do(t, h.SaveDevice(t.Context(), record("lamp")), h.SaveReadings(t.Context(), nil),
		h.SaveReadings(t.Context(), []hub.Sample{sample(true, 5), sample(false, 6)}))
	equal(t, "last values", []hub.Sample{sample(false, 6)}, h.load(t).Last)
	h.do(t, h.SaveReadings(t.Context(), []hub.Sample{sample(true, 3)})) // the clock was set back meanwhile
	h.restart(t)
	equal(t, "last values", []hub.Sample{sample(true, 3)}, h.load(t).Last)
	h.do(t, h.SaveReadings(t.Context(), []hub.Sample{sample(false, 2)}))
	equal(t, "last values of the next life", []hub.Sample{sample(false, 2)}, h.load(t).Last)
}

func testHistory(t *testing.T, h *house) {
	p := path("lamp", "light", "brightness")
	h.do(t, h.SaveDevice(t.Context(), record("lamp")))
	var all []devices.Reading
	for i := range 10 {
		r := devices.Reading{Value: devices.IntValue(int64(i)), Heard: at(int64(i) * 1000)} // over an hour's end
		if i%2 == 0 {
			r.At = at(int64(i)*1000 - 3)
		}
		all = append(all, r)
	}
	for _, i := range []int{3, 0, 1, 2, 9, 8, 4, 5, 6, 7} { // clocks jump
		h.do(t, h.SaveReadings(t.Context(), []hub.Sample{{Path: p, Reading: all[i]}}))
	}
	h.restart(t)
	for _, c := range []struct {
		name            string
		from, to        time.Time
		limit           int
		first, afterEnd int
	}{
		{"all", time.Time{}, at(1e9), 100, 0, 10},
		{"from is inclusive, to is exclusive", at(2000), at(5000), 100, 2, 5},
		{"just beside", at(2001), at(5001), 100, 3, 6},
		{"the newest of too many", at(0), at(9000), 3, 6, 9},
		{"as many as there are", at(0), at(9000), 9, 0, 9},
		{"nothing before", at(-1e9), at(0), 100, 0, 0},
		{"nothing after", at(9001), at(1e9), 100, 0, 0},
		{"an empty window", at(3000), at(3000), 100, 0, 0},
		{"a window the wrong way round", at(5000), at(2000), 100, 0, 0},
		{"a limit of zero", at(0), at(9000), 0, 0, 0},
		{"a negative limit", at(0), at(9000), -1, 0, 0},
	} {
		got, err := h.History(t.Context(), p, c.from, c.to, c.limit)
		h.do(t, err)
		equal(t, "history of "+c.name, all[c.first:c.afterEnd], got)
	}
}

func testSameMoment(t *testing.T, h *house) {
	p := path("remote", "button", "event")
	h.do(t, h.SaveDevice(t.Context(), record("remote")))
	var all []devices.Reading
	for _, press := range []string{"single", "single", "double", "hold"} {
		r := devices.Reading{Value: devices.EnumValue(press), Heard: at(1)}
		all = append(all, r)
		h.do(t, h.SaveReadings(t.Context(), []hub.Sample{{Path: p, Reading: r}}))
		h.restart(t)
	}
	equal(t, "history", all, h.history(t, p))
	got, err := h.History(t.Context(), p, at(0), at(2), 2)
	h.do(t, err)
	equal(t, "the newest two", all[2:], got)
	h.do(t, h.Prune(t.Context(), at(2)))
	equal(t, "history after pruning", []devices.Reading(nil), h.history(t, p))
}

func testLongHistory(t *testing.T, h *house) {
	p := path("door", "contact", "door")
	h.do(t, h.SaveDevice(t.Context(), record("door")))
	var all []devices.Reading
	heard := time.Date(1969, 12, 31, 22, 10, 0, 0, time.UTC) // a clock that was never set
	for i := range 60 {
		r := devices.Reading{Value: devices.IntValue(int64(i)), Heard: heard}
		all = append(all, r)
		h.do(t, h.SaveReadings(t.Context(), []hub.Sample{{Path: p, Reading: r}}))
		heard = heard.Add(time.Duration(i*i) * 17 * time.Minute)
		if i == 20 {
			heard = at(0)
		}
	}
	equal(t, "history", all, h.history(t, p))
	got, err := h.History(t.Context(), p, all[10].Heard, all[50].Heard, 35)
	h.do(t, err)
	equal(t, "a part of it", all[15:50], got)
}

func testNeighbours(t *testing.T, h *house) {
	h.do(t, h.SaveDevice(t.Context(), record("a")), h.SaveDevice(t.Context(), record("b")))
	paths := []devices.Path{path("a", "c", "p"), path("a", "c", "q"), path("a", "d", "p"), path("b", "c", "p"), path("a", "c/p", "")}
	var samples []hub.Sample
	for i, p := range paths {
		samples = append(samples, hub.Sample{Path: p, Reading: devices.Reading{Value: devices.IntValue(int64(i)), Heard: at(1)}})
	}
	h.do(t, h.SaveReadings(t.Context(), samples))
	for i, p := range paths {
		equal(t, "history of "+p.String(), []devices.Reading{samples[i].Reading}, h.history(t, p))
	}
	equal(t, "history of a property that never reported", []devices.Reading(nil), h.history(t, path("a", "c", "never")))
	equal(t, "history of an unknown device", []devices.Reading(nil), h.history(t, path("nobody", "c", "p")))
}

func testUnknownReadings(t *testing.T, h *house) {
	h.do(t, h.SaveDevice(t.Context(), record("lamp")))
	reading := devices.Reading{Value: devices.BoolValue(true), Heard: at(1)}
	known := hub.Sample{Path: path("lamp", "light", "on"), Reading: reading}
	unknown := hub.Sample{Path: path("nobody", "light", "on"), Reading: reading}
	h.do(t, h.SaveReadings(t.Context(), []hub.Sample{unknown, known, unknown}))
	equal(t, "last values", []hub.Sample{known}, h.load(t).Last)
	h.do(t, h.SaveDevice(t.Context(), record("nobody")))
	equal(t, "history of what was unknown", []devices.Reading(nil), h.history(t, unknown.Path))
	h.do(t, h.SaveReadings(t.Context(), []hub.Sample{unknown}))
	equal(t, "history of what is known now", []devices.Reading{reading}, h.history(t, unknown.Path))
}

func testContext(t *testing.T, h *house) {
	ctx, cancel := context.WithCancel(t.Context())
	h.do(t, h.SaveDevice(ctx, record("lamp")))
	cancel()
	p := path("lamp", "light", "on")
	follow := hub.Follow{From: p, To: p}
	_, loadErr := h.Load(ctx)
	_, historyErr := h.History(ctx, p, at(0), at(1), 1)
	_, commandErr := h.Command(ctx, "1")
	_, commandsErr := h.Commands(ctx, "lamp", 1)
	for what, err := range map[string]error{
		"Load": loadErr, "History": historyErr, "Command": commandErr, "Commands": commandsErr,
		"SaveDevice": h.SaveDevice(ctx, record("fan")), "DeleteDevice": h.DeleteDevice(ctx, "lamp"),
		"SaveReadings": h.SaveReadings(ctx, []hub.Sample{{Path: p, Reading: devices.Reading{Value: devices.BoolValue(true), Heard: at(1)}}}),
		"SaveCommand":  h.SaveCommand(ctx, command("1", "lamp")), "SaveFollow": h.SaveFollow(ctx, follow),
		"DeleteFollow": h.DeleteFollow(ctx, follow), "Prune": h.Prune(ctx, at(0)),
	} {
		if err == nil {
			t.Errorf("%s with an ended context returned no error", what)
		}
	}
	equal(t, "memory", hub.Memory{Devices: []hub.Record{record("lamp")}}, h.load(t))
}

func testConcurrency(t *testing.T, h *house) {
	const writers, rounds = 4, 15
	ctx := t.Context()
	h.do(t, h.SaveDevice(ctx, record("shared")))
	var wg sync.WaitGroup
	do := func(what string, err error) {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for w := range writers {
		wg.Go(func() {
			own := fmt.Sprintf("own-%d", w)
			do("saving its device", h.SaveDevice(ctx, record(own)))
			for i := range rounds {
				reading := devices.Reading{Value: devices.IntValue(int64(i)), Heard: at(int64(i))}
				do("saving readings", h.SaveReadings(ctx, []hub.Sample{
					{Path: path("shared", "c", "p"), Reading: reading}, {Path: path(own, "c", "p"), Reading: reading},
				}))
				do("saving a command", h.SaveCommand(ctx, command(fmt.Sprintf("%s-%02d", own, i), own)))
				passing := fmt.Sprintf("passing-%d", w)
				do("saving a device that goes", h.SaveDevice(ctx, record(passing)))
				do("saving its reading", h.SaveReadings(ctx, []hub.Sample{{Path: path(passing, "c", "p"), Reading: reading}}))
				do("deleting it", h.DeleteDevice(ctx, passing))
			}
		})
		wg.Go(func() {
			for range rounds {
				_, err := h.Load(ctx)
				do("loading", err)
				list, err := h.History(ctx, path("shared", "c", "p"), at(0), at(1e6), 1000)
				do("reading history", err)
				for i := 1; i < len(list); i++ {
					if list[i].Heard.Before(list[i-1].Heard) {
						t.Errorf("history is out of order at %d", i)
					}
				}
				_, err = h.Commands(ctx, "own-0", 5)
				do("reading commands", err)
				do("pruning", h.Prune(ctx, at(-1e6)))
			}
		})
	}
	wg.Wait()
	h.restart(t)
	m := h.load(t)
	if len(m.Devices) != writers+1 || len(m.Last) != writers+1 || len(m.Pending) != writers*rounds || len(m.Damaged) != 0 {
		t.Errorf("%d devices, %d last values, %d pending commands, damaged %q", len(m.Devices), len(m.Last), len(m.Pending), m.Damaged)
	}
	if n := len(h.history(t, path("shared", "c", "p"))); n != writers*rounds {
		t.Errorf("the shared property has %d readings, want %d", n, writers*rounds)
	}
	for w := range writers {
		if n := len(h.history(t, path(fmt.Sprintf("own-%d", w), "c", "p"))); n != rounds {
			t.Errorf("writer %d has %d readings, want %d", w, n, rounds)
		}
	}
}
