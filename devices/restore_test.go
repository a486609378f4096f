package devices_test

import (
	"testing"
	"time"

	"home.arpa/homehub/devices"
)

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
