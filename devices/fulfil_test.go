package devices_test

import (
	"testing"
	"time"

	"home.arpa/homehub/devices"
)

func TestABrightnessOf0IsReachedWhenTheLightSaysThatItIsOff(t *testing.T) {
	yes, no := devices.BoolValue(true), devices.BoolValue(false)
	b := newBench(t)
	b.twin.Reached(b.now, devices.Online, "")
	b.twin.Report(b.now, on, yes, false)
	b.twin.Report(b.now, dim, number(20), false)
	b.want(b.add(dim, number(0)), "c1 waiting")
	b.want(b.send(), "c1 sent")
	b.want(b.twin.Report(b.now, dim, number(20), false))
	b.want(b.twin.Report(b.now, on, yes, false))
	b.want(b.twin.Report(b.now, on, no, false), "light/on is false", "c1 confirmed")

	b.add(dim, number(0))
	b.want(b.send(), "c2 confirmed the device had said so already")

	b.add(dim, number(20))
	b.want(b.send(), "c3 sent") // it would be 20 only if it were on
	b.want(b.twin.Report(b.now, on, no, false))
	b.want(b.twin.Report(b.now, on, yes, false), "light/on is true")
	b.want(b.twin.Report(b.now, dim, number(20), false), "c3 confirmed")
}

func TestABrightnessOf0IsReachedByThatReportToo(t *testing.T) {
	b := newBench(t)
	b.add(dim, number(0))
	b.send()
	b.want(b.twin.Report(b.now, dim, number(0), false), "light/brightness is 0", "c1 confirmed")
}

func TestABrightnessIsNotReachedWhileTheLightSaysThatItIsOff(t *testing.T) {
	yes, no := devices.BoolValue(true), devices.BoolValue(false)
	b := newBench(t)
	b.twin.Reached(b.now, devices.Online, "")
	b.twin.Report(b.now, on, no, false)
	b.twin.Report(b.now, dim, number(20), false)
	b.add(dim, number(20))
	b.send()
	b.want(b.twin.Report(b.now, dim, number(20), false)) // what it keeps for the next time
	b.want(b.twin.Expire(b.after(10*time.Second)), "c1 lapsed no report of 20 within 10 s; it says so, but it is off")

	b.add(dim, number(30))
	b.send()
	b.want(b.twin.Report(b.now, dim, number(30), false), "light/brightness is 30")
	b.want(b.twin.Report(b.now, on, yes, false), "light/on is true", "c2 confirmed")
}

func TestALightThatIsToBeOffIsNotDimmed(t *testing.T) {
	yes, no := devices.BoolValue(true), devices.BoolValue(false)
	b := newBench(t)
	b.twin.Reached(b.now, devices.Online, "")
	b.twin.Report(b.now, on, no, false)
	b.want(b.add(dim, number(40)), "c1 waiting")
	b.send()
	b.want(b.add(on, no), "c1 superseded a newer command wants light/on to be false", "c2 waiting")
	b.want(b.send(), "c2 sent") // it is off, but perhaps not for long
	b.want(b.twin.Report(b.now, on, yes, false), "light/on is true")
	b.want(b.twin.Report(b.now, on, no, false), "light/on is false", "c2 confirmed")

	b.want(b.add(on, yes), "c3 waiting")
	b.want(b.add(dim, number(0)), "c3 superseded a newer command wants light/brightness to be 0", "c4 waiting")
	b.want(b.add(dim, number(60)), "c4 superseded a newer command wants 60", "c5 waiting")
	b.want(b.add(on, yes), "c6 waiting") // both can be
}

var (
	state    = devices.Ref{Component: "it", Property: devices.State}
	position = devices.Ref{Component: "it", Property: devices.Position}
	stop     = devices.Ref{Component: "it", Property: devices.Stop}
)

// thing is a bench of one component with a state, and for a cover a position.
func thing(t *testing.T, kind devices.Kind, choices ...string) *bench {
	c := devices.Component{ID: "it", Kind: kind, Properties: []devices.Property{
		{ID: devices.State, Datatype: devices.Enum, Choices: choices, Readable: true, Settable: true},
		{ID: devices.Stop, Datatype: devices.Bool, Settable: true, Momentary: true},
	}}
	if kind == devices.Cover {
		c.Properties = append(c.Properties, devices.Property{
			ID: devices.Position, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Readable: true, Settable: true,
		})
	}
	twin, _ := devices.Join(start, devices.Device{ID: "lamp", Components: []devices.Component{c}})
	twin.Reached(start, devices.Online, "")
	return &bench{t: t, twin: twin, now: start}
}

func (b *bench) says(word string) []devices.Event {
	return b.twin.Report(b.now, state, devices.EnumValue(word), false)
}

func (b *bench) stands(percent float64) []devices.Event {
	return b.twin.Report(b.now, position, number(percent), false)
}

var coverWords = []string{"open", "opening", "closed", "closing", "stopped"}

func TestACover(t *testing.T) {
	open, closed := devices.EnumValue("open"), devices.EnumValue("closed")
	for name, test := range map[string]func(b *bench){
		"that is open in part is opened when its position says so": func(b *bench) {
			b.says("open")
			b.stands(40)
			b.add(state, open)
			b.want(b.send(), "c1 sent")
			b.want(b.says("open"))
			b.want(b.stands(70), "it/position is 70")
			b.want(b.says("open"))
			b.want(b.stands(98), "it/position is 98", "c1 confirmed")
		},
		"that says that it opens is open when it has arrived, whatever it says first": func(b *bench) {
			b.says("closed")
			b.stands(0)
			b.add(state, open)
			b.send()
			b.want(b.says("opening"), "it/state is opening")
			b.want(b.stands(100), "it/position is 100")
			b.want(b.says("open"), "it/state is open", "c1 confirmed")
		},
		"that repeats what it was told is not yet closed": func(b *bench) {
			b.says("open")
			b.stands(100)
			b.add(state, closed)
			b.send()
			b.want(b.says("closed"), "it/state is closed")
			b.want(b.stands(30), "it/position is 30")
			b.want(b.stands(0), "it/position is 0", "c1 confirmed")
		},
		"that is open has said so": func(b *bench) {
			b.says("open")
			b.stands(100)
			b.add(state, open)
			b.want(b.send(), "c1 confirmed the device had said so already")
		},
		"without a position is taken at its word": func(b *bench) {
			b.says("open")
			b.add(state, open)
			b.want(b.send(), "c1 confirmed the device had said so already")
		},
		"that stops on its way lapses, and it is said why": func(b *bench) {
			b.says("closed")
			b.stands(0)
			b.add(state, open)
			b.send()
			b.says("open")
			b.after(time.Second)
			b.stands(60)
			b.want(b.twin.Expire(b.after(61*time.Second)), "c1 lapsed no report of open within 61 s; it says so, but its position is 60 %")
		},
		"that moves past a position does not stay there": func(b *bench) {
			b.says("closing")
			b.stands(50)
			b.add(position, number(50))
			b.want(b.send(), "c1 sent")
			b.want(b.stands(50), "c1 confirmed")
		},
		"that goes somewhere else does not stay where it is": func(b *bench) {
			b.stands(50)
			b.twin.Target(position, number(0))
			b.add(position, number(50))
			b.want(b.send(), "c1 sent")
		},
		"goes to one place": func(b *bench) {
			b.says("open")
			b.stands(100)
			b.add(state, closed)
			b.send()
			b.want(b.add(position, number(100)), "c1 superseded a newer command wants it/position to be 100", "c2 waiting")
			b.want(b.send(), "c2 sent")
			b.want(b.add(stop, devices.BoolValue(true)), "c2 superseded it was told to stop", "c3 waiting")
			b.want(b.send(), "c3 sent")
		},
		"gets more time as long as it moves": func(b *bench) {
			b.says("closed")
			b.stands(0)
			b.add(state, open)
			b.send()
			b.after(50 * time.Second)
			b.says("opening")
			b.want(b.twin.Expire(b.after(30 * time.Second)))
			b.stands(60)
			b.want(b.twin.Expire(b.after(50 * time.Second)))
			b.says("open")
			b.want(b.stands(100), "it/position is 100", "c1 confirmed")
		},
		"does not get more than a quarter of an hour": func(b *bench) {
			b.says("closed")
			b.stands(0)
			b.add(state, open)
			b.send()
			for i := range 100 {
				b.stands(float64(1 + i%2))
				if b.after(30*time.Second).Sub(start) >= 15*time.Minute {
					break
				}
				b.want(b.twin.Expire(b.now))
			}
			b.want(b.twin.Expire(b.now), "c1 lapsed no report of open within 15 min; it last said closed")
		},
		"that is to be quick is not given more": func(b *bench) {
			b.says("closed")
			b.twin.Add(b.now, devices.Command{ID: "c1", Device: "lamp", Ref: state, Value: open, Created: b.now}, 5*time.Second, 0)
			b.send()
			b.says("opening")
			b.want(b.twin.Expire(b.after(5*time.Second)), "c1 lapsed no report of open within 5 s; it last said opening")
		},
	} {
		t.Run(name, func(t *testing.T) { test(thing(t, devices.Cover, coverWords...)) })
	}
}

func TestWhatFailsSaysSo(t *testing.T) {
	locked := devices.EnumValue("locked")
	b := thing(t, devices.Lock, "locked", "unlocked", "locking", "unlocking", "jammed")
	b.says("unlocked")
	b.add(state, locked)
	b.send()
	b.want(b.says("locking"), "it/state is locking")
	b.want(b.says("jammed"), "it/state is jammed")
	b.want(b.twin.Expire(b.after(4 * time.Second)))
	b.want(b.twin.Expire(b.after(time.Second)), `c1 refused it says "jammed"`)

	b.add(state, locked)
	b.send()
	b.want(b.says("jammed")) // perhaps it has not tried yet
	b.want(b.says("unlocked"), "it/state is unlocked")
	b.want(b.says("jammed"), "it/state is jammed") // its bolt is between the two
	b.want(b.twin.Expire(b.after(4 * time.Second)))
	b.want(b.says("unlocked"), "it/state is unlocked")
	b.want(b.twin.Expire(b.after(10 * time.Second)))
	b.want(b.says("locked"), "it/state is locked", "c2 confirmed")

	b = thing(t, devices.Vacuum, "cleaning", "docked", "returning", "error")
	b.says("cleaning")
	b.add(state, devices.EnumValue("docked"))
	b.send()
	b.says("returning")
	b.want(b.twin.Expire(b.after(5 * time.Minute))) // the way home is long
	b.want(b.says("error"), "it/state is error")
	b.want(b.twin.Expire(b.after(5*time.Second)), `c1 refused it says "error"`)
}

func TestWhatToggles(t *testing.T) {
	yes, no := devices.BoolValue(true), devices.BoolValue(false)
	d := lamp()
	d.Component("light").Property(devices.On).Toggles = true
	twin, _ := devices.Join(start, d)
	b := &bench{t: t, twin: twin, now: start}
	tell := func(v devices.Value) (events []devices.Event) {
		b.add(on, v)
		for _, c := range b.twin.Take(b.now) {
			if spared := b.twin.Spare(b.now, c.ID); spared != nil {
				return spared
			}
			events = append(events, b.twin.Sent(b.now, c.ID)...)
		}
		return events
	}
	b.twin.Reached(b.now, devices.Online, "")
	b.want(tell(yes), "c1 refused it can only be told to change over, and has not said yet how it is")
	b.twin.Report(b.now, on, no, true) // the broker kept it
	b.want(tell(no), "c2 confirmed the device had said so already")
	b.want(tell(yes), "c3 sent")
	b.want(tell(no), "c4 refused it can only be told to change over, and has not said yet how it is") // c3 may have done it, or not
	b.want(b.twin.Report(b.now, on, yes, false), "light/on is true")
	b.want(tell(no), "c5 sent")
	b.want(b.twin.Report(b.now, on, no, false), "light/on is false", "c5 confirmed")

	b.add(on, yes)
	for _, c := range b.twin.Take(b.now) { // a link that is down changes nothing
		b.want(b.twin.Hold(b.now, c.ID, "the link is down"), "c6 waiting the link is down")
	}
	b.want(b.send(), "c6 sent")

	twin, _ = devices.Restore(b.now, devices.Kept{Device: d, Reported: twin.Reported()})
	b.twin = twin
	b.twin.Heard(b.now)
	b.twin.Reached(b.now, devices.Online, "")
	b.after(time.Minute)
	b.want(tell(yes), "c7 refused it can only be told to change over, and has not said yet how it is")
	b.twin.Report(b.now, on, yes, false)
	b.want(tell(yes), "c8 confirmed the device had said so already")
}
