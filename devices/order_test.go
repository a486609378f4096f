package devices_test

import (
	"testing"
	"time"

	"home.arpa/homehub/devices"
)

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
			b.twin.Take(b.now)
			b.want(b.twin.Hold(b.now, c.ID, "the link is down")) // still, which is no news
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
		{"for an act that is answered are refused when the device went away while they were sent", func(b *bench) {
			online(b)
			b.add(rename, devices.TextValue("hall"))
			c := b.twin.Take(b.now)[0]
			b.want(b.twin.Reached(b.now, devices.Offline, "power cut"), "offline 18:00:00 power cut")
			b.want(b.twin.Sent(b.now, c.ID), "c1 refused the device is offline: power cut")
		}},
		{"are refused by the device although that was quicker than the news of the sending", func(b *bench) {
			online(b)
			b.add(on, yes)
			b.want(b.twin.Refused(b.now, on, "overheated")) // it has not been told yet
			c := b.twin.Take(b.now)[0]
			b.want(b.twin.Refused(b.now, dim, "overheated")) // that is about something else
			b.want(b.twin.Refused(b.now, on, "overheated"), "c1 refused overheated")
			b.want(b.twin.Sent(b.now, c.ID))
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
			b.want(b.twin.Leave(b.now, "the device was removed"), "c1 refused the device was removed", "left lamp")
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
