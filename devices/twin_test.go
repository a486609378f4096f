package devices_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices"
)

var (
	start = time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)

	on     = devices.Ref{Component: "light", Property: devices.On}
	dim    = devices.Ref{Component: "light", Property: devices.Brightness}
	effect = devices.Ref{Component: "light", Property: devices.Effect}
	rename = devices.Ref{Component: "identify", Property: "rename"}
	press  = devices.Ref{Component: "identify", Property: devices.Press}
	click  = devices.Ref{Component: "button", Property: devices.EventType}
)

func number(f float64) devices.Value {
	v, err := devices.FloatValue(f)
	if err != nil {
		panic(err)
	}
	return v
}

func bound(f float64) *float64 { return &f }

func lamp() devices.Device {
	d := devices.Device{
		ID: "lamp", Name: "Lamp", Convention: "test",
		Components: []devices.Component{
			{ID: "light", Kind: devices.Light, Properties: []devices.Property{
				{ID: devices.On, Datatype: devices.Bool, Readable: true, Settable: true},
				{ID: devices.Brightness, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Readable: true, Settable: true},
				{ID: devices.Effect, Datatype: devices.Enum, Choices: []string{"none", "rainbow"}, Settable: true},
			}},
			{ID: "identify", Kind: devices.Button, Properties: []devices.Property{
				{ID: devices.Press, Datatype: devices.Bool, Settable: true, Momentary: true},
				{ID: "rename", Datatype: devices.String, Readable: true, Settable: true, Momentary: true, Answers: true},
			}},
			{ID: "button", Kind: devices.EventSource, Properties: []devices.Property{
				{ID: devices.EventType, Datatype: devices.Enum, Choices: []string{"single", "double"}, Readable: true, Momentary: true},
			}},
		},
	}
	d.Sort()
	return d
}

// bench is a twin with a clock and a short spelling of what happened.
type bench struct {
	t    *testing.T
	twin *devices.Twin
	now  time.Time
	next int
}

func newBench(t *testing.T) *bench {
	twin, _ := devices.Join(start, lamp())
	return &bench{t: t, twin: twin, now: start}
}

func (b *bench) after(d time.Duration) time.Time { b.now = b.now.Add(d); return b.now }

func (b *bench) add(ref devices.Ref, v devices.Value) []devices.Event { return b.wish(ref, v, 0) }

// wish adds a command with a time of its own; 0 is the usual one.
func (b *bench) wish(ref devices.Ref, v devices.Value, patience time.Duration) []devices.Event {
	b.next++
	return b.twin.Add(b.now, devices.Command{
		ID: "c" + string(rune('0'+b.next)), Device: "lamp", Ref: ref, Value: v, Origin: "test", Created: b.now,
	}, patience, 0)
}

// send hands out what can be sent and says that it was, but for what is better not.
func (b *bench) send() []devices.Event {
	var events []devices.Event
	for _, c := range b.twin.Take(b.now) {
		if spared := b.twin.Spare(b.now, c.ID); len(spared) > 0 {
			events = append(events, spared...)
			continue
		}
		events = append(events, b.twin.Sent(b.now, c.ID)...)
	}
	return events
}

func (b *bench) want(events []devices.Event, want ...string) {
	b.t.Helper()
	var got []string
	for _, e := range events {
		got = append(got, spell(e))
	}
	if d := cmp.Diff(want, got); d != "" {
		b.t.Errorf("events (-want +got):\n%s", d)
	}
}

func spell(e devices.Event) string {
	parts := []string{}
	switch e := e.(type) {
	case devices.Joined:
		parts = append(parts, "joined", e.Device.ID)
	case devices.Changed:
		parts = append(parts, "changed", e.Device.Name)
	case devices.Reported:
		parts = append(parts, e.Ref.String(), "is", e.Value.String())
		if e.Momentary {
			parts[1] = "occurred"
		}
	case devices.PresenceChanged:
		parts = append(parts, string(e.Presence), e.Since.Format("15:04:05"), e.Why)
	case devices.CommandMoved:
		parts = append(parts, e.Command.ID, string(e.Command.Status), e.Command.Reason)
	case devices.Left:
		parts = append(parts, "left", e.Device)
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

func TestReports(t *testing.T) {
	b := newBench(t)
	b.want(b.twin.Report(b.now, dim, number(20), false), "light/brightness is 20")
	b.want(b.twin.Report(b.after(time.Second), dim, number(20), false))
	b.want(b.twin.Report(b.now, dim, number(20), true))
	b.want(b.twin.Report(b.now, dim, number(30), true), "light/brightness is 30")
	b.want(b.twin.Report(b.now, on, number(1), false))                                         // a number is no bool
	b.want(b.twin.Report(b.now, devices.Ref{Component: "x", Property: "y"}, number(1), false)) // no such property

	b.want(b.twin.Report(b.now, click, devices.EnumValue("single"), false), "button/event occurred single")
	b.want(b.twin.Report(b.now, click, devices.EnumValue("single"), false), "button/event occurred single")
	b.want(b.twin.Report(b.now, click, devices.EnumValue("single"), true))
	if _, ok := b.twin.Reading(click); ok {
		t.Error("an occurrence was kept as a state")
	}
	r, _ := b.twin.Reading(dim)
	if d := cmp.Diff(devices.Reading{Value: number(30), Heard: start.Add(time.Second)}, r, cmp.Comparer(sameValue)); d != "" {
		t.Error(d)
	}
}

func sameValue(a, b devices.Value) bool { return a == b }

func TestARepetitionKeepsTheTimeOfTheFirst(t *testing.T) {
	b := newBench(t)
	b.twin.Report(b.now, dim, number(20), false)
	b.twin.Report(b.after(time.Minute), dim, number(20), false)
	if r, _ := b.twin.Reading(dim); !r.Heard.Equal(start) {
		t.Errorf("heard at %v, want %v", r.Heard, start)
	}
}

func TestWhatRepeatsIsNewsEachTime(t *testing.T) {
	d := lamp()
	d.Component("light").Property(devices.Brightness).Repeats = true
	twin, _ := devices.Join(start, d)
	b := &bench{t: t, twin: twin, now: start}
	b.want(b.twin.Report(b.now, dim, number(20), false), "light/brightness is 20")
	b.want(b.twin.Report(b.after(time.Second), dim, number(20), false), "light/brightness is 20")
	b.want(b.twin.Report(b.after(time.Second), dim, number(20), true)) // that is the broker's repetition
	if r, _ := b.twin.Reading(dim); !r.Heard.Equal(start.Add(time.Second)) {
		t.Errorf("heard at %v", r.Heard)
	}
}

func TestDescriptions(t *testing.T) {
	twin, events := devices.Join(start, lamp())
	b := &bench{t: t, twin: twin, now: start}
	b.want(events, "joined lamp")
	b.want(b.twin.Describe(b.now, lamp()))

	b.twin.Report(b.now, on, devices.BoolValue(false), false)
	b.twin.Report(b.now, dim, number(20), false)
	b.add(dim, number(90))
	b.add(on, devices.BoolValue(true))
	b.send()

	smaller := lamp()
	smaller.Name = "Small lamp"
	light := smaller.Component("light")
	light.Properties = light.Properties[2:] // sorted: brightness, effect, on
	b.want(b.twin.Describe(b.after(time.Second), smaller), "changed Small lamp", "c1 refused the device no longer has light/brightness")
	if _, ok := b.twin.Reading(dim); ok {
		t.Error("the reading of a property that is gone was kept")
	}
	if len(b.twin.Pending()) != 1 {
		t.Errorf("pending: %v", b.twin.Pending())
	}

	narrow := lamp()
	narrow.Component("light").Property(devices.On).Settable = false
	b.want(b.twin.Describe(b.now, narrow), "changed Lamp",
		"c2 refused the device has changed: invalid value: on cannot be set, only read")
}

func TestPresence(t *testing.T) {
	b := newBench(t)
	b.want(b.twin.Reached(b.after(time.Second), devices.Online, "heard from it"), "online 18:00:01 heard from it")
	b.want(b.twin.Reached(b.after(time.Second), devices.Online, "said so"))
	b.want(b.twin.Reached(b.after(time.Second), devices.Offline, "its will was published"), "offline 18:00:03 its will was published")
	b.want(b.twin.Explain(b.now, "keep alive of 60 s passed"), "offline 18:00:03 keep alive of 60 s passed")
	b.want(b.twin.Explain(b.now, "keep alive of 60 s passed"))
	b.want(b.twin.Reached(b.after(time.Second), "", ""), "unknown 18:00:04")
}

func TestPresenceAfterARestart(t *testing.T) {
	long := start.Add(-48 * time.Hour)
	kept := devices.Kept{Device: lamp(), Joined: long, Reach: devices.Reach{Presence: devices.Offline, Since: long, Why: "it said goodbye"}}
	twin, events := devices.Restore(start, kept)
	b := &bench{t: t, twin: twin, now: start}
	b.want(events)
	if got := twin.Reach().Presence; got != devices.Unknown {
		t.Errorf("presence %q after a restart", got)
	}
	if twin.KeptReach() != kept.Reach {
		t.Errorf("would keep %v", twin.KeptReach())
	}
	b.want(twin.Reached(b.after(time.Second), devices.Offline, "replayed"), "offline 18:00:00 it said goodbye")
	if !twin.Reach().Since.Equal(long) {
		t.Errorf("offline since %v, want %v", twin.Reach().Since, long)
	}
	twin, _ = devices.Restore(start, kept)
	b.want(twin.Reached(b.now, devices.Online, "said so"), "online 18:00:01 said so")
	b.want(twin.Reached(b.after(time.Second), devices.Offline, "said so"), "offline 18:00:02 said so")
}
