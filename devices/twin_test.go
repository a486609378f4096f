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

func (b *bench) add(ref devices.Ref, v devices.Value) []devices.Event {
	b.next++
	return b.twin.Add(b.now, devices.Command{
		ID: "c" + string(rune('0'+b.next)), Device: "lamp", Ref: ref, Value: v, Origin: "test", Created: b.now,
	}, 0, 0)
}

// send hands out what can be sent and says that it was.
func (b *bench) send() []devices.Event {
	var events []devices.Event
	for _, c := range b.twin.Take(b.now) {
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

func TestCommands(t *testing.T) {
	yes, no := devices.BoolValue(true), devices.BoolValue(false)
	online := func(b *bench) { b.twin.Reached(b.now, devices.Online, "") }
	for _, test := range []struct {
		name string
		run  func(*bench)
	}{
		{"are confirmed by a report that is near enough, and not refused by values on the way", func(b *bench) {
			online(b)
			b.twin.Report(b.now, dim, number(20), false)
			b.want(b.add(dim, number(40)), "c1 waiting")
			b.want(b.send(), "c1 sent")
			b.want(b.twin.Report(b.after(time.Second), dim, number(30), false), "light/brightness is 30")
			b.want(b.twin.Report(b.after(time.Second), dim, number(40.2), false), "light/brightness is 40.2", "c1 confirmed")
			if len(b.twin.Pending()) != 0 {
				t.Error("a confirmed command is still pending")
			}
		}},
		{"lapse with what was last said", func(b *bench) {
			online(b)
			b.twin.Report(b.now, dim, number(20), false)
			b.add(dim, number(40))
			b.after(time.Second)
			b.send()
			at, ok := b.twin.Next(b.now)
			if !ok || !at.Equal(b.now.Add(10*time.Second)) {
				b.t.Errorf("the deadline is %v, %v", at, ok)
			}
			b.want(b.twin.Expire(at.Add(-1)))
			b.want(b.twin.Expire(at), "c1 lapsed no report of 40 within 10 s; it last said 20")
		}},
		{"lapse when nothing was ever said", func(b *bench) {
			b.add(on, yes)
			b.send()
			b.want(b.twin.Expire(b.after(time.Hour)), "c1 lapsed no report of true within 10 s; it has not reported any value")
		}},
		{"are superseded by a newer one for the same property only", func(b *bench) {
			online(b)
			b.add(dim, number(40))
			b.add(on, yes)
			b.send()
			b.want(b.add(dim, number(60)), "c1 superseded a newer command wants 60", "c3 waiting")
			b.want(b.send(), "c3 sent")
			b.want(b.twin.Report(b.now, dim, number(40), false), "light/brightness is 40")
		}},
		{"wait for an absent device and go out when it returns, the clock starting then", func(b *bench) {
			online(b)
			b.twin.Reached(b.now, devices.Offline, "its will was published")
			b.want(b.add(on, yes), "c1 waiting the device is offline: its will was published")
			b.want(b.send())
			b.after(10 * time.Minute)
			online(b)
			b.want(b.send())
			if at, _ := b.twin.Next(b.now); !at.Equal(b.now.Add(time.Second)) {
				b.t.Errorf("goes out at %v, want a second after the device is back", at)
			}
			b.after(time.Second)
			b.want(b.send(), "c1 sent")
			at, _ := b.twin.Next(b.now)
			if !at.Equal(b.now.Add(10 * time.Second)) {
				b.t.Errorf("the deadline is %v", at)
			}
		}},
		{"lapse when the device stays away", func(b *bench) {
			b.twin.Reached(b.now, devices.Asleep, "it sleeps")
			b.add(on, yes)
			b.want(b.twin.Expire(b.after(time.Hour)), "c1 lapsed waited 1 h, but the device is asleep: it sleeps")
		}},
		{"that were sent wait again when the device goes away before it confirmed", func(b *bench) {
			online(b)
			b.add(on, yes)
			b.send()
			b.want(b.twin.Reached(b.after(time.Second), devices.Offline, "power cut"),
				"offline 18:00:01 power cut", "c1 waiting the device is offline: power cut")
			b.want(b.twin.Expire(b.after(time.Minute)))
			online(b)
			b.after(time.Second)
			b.want(b.send(), "c1 sent")
		}},
		{"that were on their way when the device went away wait, too", func(b *bench) {
			online(b)
			b.add(on, yes)
			c := b.twin.Take(b.now)[0]
			b.want(b.twin.Reached(b.now, devices.Offline, "power cut"), "offline 18:00:00 power cut")
			b.want(b.twin.Sent(b.now, c.ID), "c1 waiting the device is offline: power cut")
		}},
		{"are confirmed although the report was quicker than the news of the sending", func(b *bench) {
			online(b)
			b.add(on, yes)
			c := b.twin.Take(b.now)[0]
			b.want(b.twin.Report(b.now, on, yes, false), "light/on is true")
			b.want(b.twin.Sent(b.now, c.ID), "c1 confirmed")
		}},
		{"for what is so already are sent, and confirmed by the device's last word", func(b *bench) {
			online(b)
			b.twin.Report(b.now, on, yes, false)
			for _, id := range []string{"c1", "c2"} { // also the second time
				b.want(b.add(on, yes), id+" waiting")
				b.want(b.send(), id+" confirmed the device had said so already")
			}
		}},
		{"are not confirmed by a word from before the device was away", func(b *bench) {
			online(b)
			b.twin.Report(b.now, on, no, false)
			b.twin.Reached(b.now, devices.Offline, "power cut")
			b.add(on, no)
			b.after(time.Minute)
			online(b)
			b.after(time.Second)
			b.want(b.send(), "c1 sent")
			b.want(b.twin.Report(b.now, on, yes, false), "light/on is true") // it comes back switched on
			b.want(b.twin.Report(b.now, on, no, false), "light/on is false", "c1 confirmed")
		}},
		{"are not confirmed by a word from before another command", func(b *bench) {
			online(b)
			b.twin.Report(b.now, on, no, false)
			b.add(on, yes)
			b.send()
			b.add(on, no)
			b.want(b.send(), "c2 sent")
			b.want(b.twin.Expire(b.after(10*time.Second)), "c2 lapsed no report of false within 10 s; its last one is older than the command")
		}},
		{"are confirmed by a live repetition, not by a replay of it", func(b *bench) {
			b.twin.Report(b.now, on, yes, true)
			b.add(on, yes) // presence unknown: the last word does not count
			b.want(b.send(), "c1 sent")
			b.want(b.twin.Report(b.now, on, yes, true))
			b.want(b.twin.Report(b.now, on, yes, false), "c1 confirmed")
		}},
		{"that cannot be confirmed end as sent, each of them", func(b *bench) {
			b.add(press, yes)
			b.add(press, yes)
			b.want(b.send(), "c1 sent", "c2 sent")
			if len(b.twin.Pending()) != 0 {
				t.Errorf("pending: %v", b.twin.Pending())
			}
			b.want(b.add(effect, devices.EnumValue("rainbow")), "c3 waiting")
			b.want(b.send(), "c3 sent")
		}},
		{"that cannot be confirmed are never queued", func(b *bench) {
			b.add(press, yes)
			c := b.twin.Take(b.now)[0]
			b.want(b.twin.Hold(b.now, c.ID, "the link is down"), "c1 refused the link is down; what it cannot confirm is not kept for later")
			b.twin.Reached(b.now, devices.Offline, "")
			b.want(b.add(press, yes), "c2 refused the device is offline; what it cannot confirm is not kept for later")
			online(b)
			b.want(b.add(press, yes), "c3 waiting") // for a second
			b.want(b.twin.Reached(b.now, devices.Offline, ""), "offline 18:00:00",
				"c3 refused the device is offline; what it cannot confirm is not kept for later")
		}},
		{"wait for a link that is down", func(b *bench) {
			b.add(on, yes)
			c := b.twin.Take(b.now)[0]
			if len(b.twin.Take(b.now)) != 0 {
				b.t.Error("a command was handed out twice")
			}
			b.want(b.twin.Hold(b.now, c.ID, "the link is down"), "c1 waiting the link is down")
			b.want(b.twin.Expire(b.now))
			b.want(b.send(), "c1 sent")
		}},
		{"for an act that is answered stay sent until the answer", func(b *bench) {
			online(b)
			b.add(rename, devices.TextValue("hall"))
			b.want(b.send(), "c1 sent")
			b.want(b.twin.Report(b.now, rename, devices.TextValue("attic"), false), "identify/rename occurred attic")
			b.want(b.twin.Report(b.now, rename, devices.TextValue("hall"), false), "identify/rename occurred hall", "c1 confirmed")
			b.add(rename, devices.TextValue("hall"))
			b.want(b.send(), "c2 sent")
			b.want(b.twin.Refused(b.now, rename, "that name is taken"), "c2 refused that name is taken")
			b.add(rename, devices.TextValue("hall"))
			b.send()
			b.want(b.twin.Expire(b.after(time.Minute)), "c3 lapsed no answer within 5 s")
			b.add(rename, devices.TextValue("hall"))
			b.send()
			b.want(b.twin.Reached(b.now, devices.Offline, "its will was published")[1:],
				"c4 refused the device is offline: its will was published; what it cannot confirm is not kept for later")
			b.want(b.add(rename, devices.TextValue("hall")),
				"c5 refused the device is offline: its will was published; what it cannot confirm is not kept for later")
		}},
		{"are refused with a reason", func(b *bench) {
			b.add(on, yes)
			c := b.twin.Take(b.now)[0]
			b.want(b.twin.Refuse(b.now, c.ID, "no topic for that"), "c1 refused no topic for that")
			b.want(b.twin.Sent(b.now, c.ID))
		}},
		{"to what the device does not have are refused", func(b *bench) {
			b.want(b.add(devices.Ref{Component: "x", Property: "y"}, yes), "c1 refused the device has no x/y")
		}},
		{"are refused when the device is removed", func(b *bench) {
			b.add(on, yes)
			b.want(b.twin.Leave(b.now), "c1 refused the device was removed", "left lamp")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			test.run(b)
		})
	}
}

// A device that sleeps behind a gateway is told at once, since the gateway keeps it, and has as long as it sleeps.
func TestCommandsToWhatSleepsBehindAGateway(t *testing.T) {
	yes := devices.BoolValue(true)
	sleeper := lamp()
	sleeper.Wakes = 7200
	const note = "waits for the device to wake up"
	for name, run := range map[string]func(*bench){
		"are sent at once, and have as much more time than others": func(b *bench) {
			b.twin.Reached(b.now, devices.Online, "")
			b.want(b.add(on, yes), "c1 waiting")
			b.want(b.send(), "c1 sent "+note)
			at, _ := b.twin.Next(b.now)
			if !at.Equal(b.now.Add(2*time.Hour + 10*time.Second)) {
				b.t.Errorf("the deadline is %v", at)
			}
			b.want(b.twin.Report(b.after(110*time.Minute), on, yes, false), "light/on is true", "c1 confirmed")
		},
		"are sent while it is asleep, and go on when it falls asleep": func(b *bench) {
			b.twin.Reached(b.now, devices.Asleep, "it sleeps")
			b.want(b.add(on, yes), "c1 waiting")
			b.want(b.send(), "c1 sent "+note)
			b.want(b.twin.Reached(b.after(time.Minute), devices.Online, "awake"), "online 18:01:00 awake")
			b.want(b.twin.Reached(b.after(time.Second), devices.Asleep, "it sleeps"), "asleep 18:01:01 it sleeps")
			b.want(b.twin.Expire(b.after(3*time.Hour)), "c1 lapsed no report of true within 2 h; it has not reported any value")
		},
		"wait when its gateway is away, and go out when that is back, though it sleeps on": func(b *bench) {
			b.twin.Reached(b.now, devices.Asleep, "it sleeps")
			b.add(on, yes)
			b.send()
			b.want(b.twin.Reached(b.now, devices.Offline, "its gateway is offline"),
				"offline 18:00:00 its gateway is offline", "c1 waiting the device is offline: its gateway is offline")
			b.twin.Reached(b.after(time.Minute), devices.Asleep, "it sleeps")
			b.want(b.send())
			at, _ := b.twin.Next(b.now)
			b.now = at
			b.want(b.send(), "c1 sent "+note)
		},
		"that nothing confirms are refused while it is known to sleep": func(b *bench) {
			b.twin.Reached(b.now, devices.Asleep, "it sleeps")
			b.want(b.add(press, yes), "c1 refused the device is asleep: it sleeps; what it cannot confirm is not kept for later")
		},
	} {
		t.Run(name, func(t *testing.T) {
			twin, _ := devices.Join(start, sleeper)
			run(&bench{t: t, twin: twin, now: start})
		})
	}
}

func TestACommandToASleeperKeepsItsTimeOverARestart(t *testing.T) {
	sleeper := lamp()
	sleeper.Wakes = 24 * 3600
	sent := devices.Command{
		ID: "c1", Device: "lamp", Ref: on, Value: devices.BoolValue(true), Status: devices.Sent,
		Created: start.Add(-20 * time.Hour), SentAt: start.Add(-20 * time.Hour), Deadline: start.Add(4 * time.Hour),
	}
	twin, _ := devices.Restore(start, devices.Kept{Device: sleeper, Pending: []devices.Command{sent}})
	b := &bench{t: t, twin: twin, now: start.Add(30 * time.Second)}
	b.want(b.send(), "c1 sent waits for the device to wake up")
	if at := b.twin.Pending()[0].Deadline; !at.Equal(b.now.Add(4 * time.Hour)) {
		t.Errorf("the deadline is %v", at)
	}
}

func TestWantedIsTheNewestCommandElseTheDevicesTarget(t *testing.T) {
	b := newBench(t)
	if !b.twin.Target(dim, number(70)) || b.twin.Target(dim, number(70)) {
		t.Error("Target is wrong about what changed")
	}
	if got := b.twin.Wanted(dim); got != number(70) {
		t.Errorf("wanted %v", got)
	}
	b.add(dim, number(40))
	if got := b.twin.Wanted(dim); got != number(40) {
		t.Errorf("wanted %v", got)
	}
	b.send()
	b.twin.Report(b.now, dim, number(40), false)
	if got := b.twin.Wanted(dim); got != number(70) {
		t.Errorf("wanted %v", got)
	}
	b.twin.Report(b.now, dim, number(70), false)
	if got := b.twin.Wanted(dim); !got.IsZero() {
		t.Errorf("wanted %v after arriving", got)
	}
	if b.twin.Target(dim, number(70)) {
		t.Error("a target that is reached already is no change")
	}
}

func TestCommandsAfterARestart(t *testing.T) {
	yes := devices.BoolValue(true)
	command := func(id string, ref devices.Ref, s devices.Status, age, left time.Duration) devices.Command {
		return devices.Command{
			ID: id, Device: "lamp", Ref: ref, Value: yes, Status: s, Created: start.Add(-age), Deadline: start.Add(left),
		}
	}
	for _, test := range []struct {
		name string
		c    devices.Command
		want []string
		left time.Duration
	}{
		{"one that waited goes on waiting", command("c", on, devices.Waiting, time.Minute, time.Hour), nil, time.Hour},
		{
			"one that was sent is sent again", command("c", on, devices.Sent, time.Minute, 5*time.Second),
			[]string{"c waiting the hub was restarted; it is sent again"},
			59 * time.Minute,
		},
		{
			"one whose time passed has lapsed", command("c", on, devices.Waiting, time.Hour, -time.Second),
			[]string{"c lapsed its time ran out while the hub was not running"},
			0,
		},
		{
			"one that cannot be confirmed is refused", command("c", press, devices.Waiting, time.Second, time.Hour),
			[]string{"c refused the hub was restarted and does not know whether it was sent"},
			0,
		},
		{
			"one to what is gone is refused", command("c", devices.Ref{Component: "x", Property: "y"}, devices.Waiting, time.Second, time.Hour),
			[]string{"c refused the device no longer has x/y"},
			0,
		},
		{
			"with a clock that stands in the past it gets its whole time", command("c", on, devices.Waiting, -24*time.Hour, 25*time.Hour),
			nil, time.Hour,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			twin, events := devices.Restore(start, devices.Kept{Device: lamp(), Pending: []devices.Command{test.c}})
			b := &bench{t: t, twin: twin, now: start}
			b.want(events, test.want...)
			if ok := len(twin.Take(b.now)) > 0; ok {
				t.Error("it is sent before anybody knows whether the device is there")
			}
			b.after(30 * time.Second)
			at, ok := twin.Next(b.now)
			if ok != (test.left > 0) || ok && !at.Equal(start.Add(test.left)) {
				t.Errorf("the deadline is %v, %v; want %v from now", at, ok, test.left)
			}
			if ok {
				b.want(b.send(), "c sent")
			}
		})
	}
}

func TestRestoreLeavesOutReadingsThatNoLongerFit(t *testing.T) {
	twin, _ := devices.Restore(start, devices.Kept{Device: lamp(), Reported: map[devices.Ref]devices.Reading{
		on:  {Value: devices.BoolValue(true), Heard: start.Add(-time.Hour)},
		dim: {Value: devices.TextValue("20"), Heard: start},
	}})
	if got := twin.Reported(); len(got) != 1 || !got[on].Value.Bool() {
		t.Errorf("restored %v", got)
	}
	if !twin.LastSeen().Equal(start.Add(-time.Hour)) {
		t.Errorf("last seen %v", twin.LastSeen())
	}
}

func TestWhatWasSentBeforeTheFirstSignAfterARestartIsSentAgain(t *testing.T) {
	twin, _ := devices.Restore(start, devices.Kept{Device: lamp()})
	b := &bench{t: t, twin: twin, now: start}
	twin.Reached(b.now, devices.Online, "replayed") // says nothing of the connection
	b.want(b.add(on, devices.BoolValue(true)), "c1 waiting")
	b.want(b.send(), "c1 sent")
	b.after(3 * time.Second)
	b.want(twin.Heard(b.now), "c1 waiting it was sent before the device was there; it is sent again")
	b.want(b.send())
	b.after(time.Second)
	b.want(b.send(), "c1 sent")
	b.want(twin.Heard(b.now))
	b.want(twin.Report(b.now, on, devices.BoolValue(true), false), "light/on is true", "c1 confirmed")
}

func TestCommandsAfterARestartGoOutASecondAfterTheFirstSign(t *testing.T) {
	twin, _ := devices.Restore(start, devices.Kept{Device: lamp(), Pending: []devices.Command{{
		ID: "c", Device: "lamp", Ref: on, Value: devices.BoolValue(true), Status: devices.Waiting, Created: start, Deadline: start.Add(time.Hour),
	}}})
	b := &bench{t: t, twin: twin, now: start}
	twin.Reached(b.now, devices.Online, "replayed") // says nothing of the connection
	b.want(b.send())
	twin.Heard(b.now)
	b.want(b.send())
	b.after(time.Second)
	b.want(b.send(), "c sent")
}
