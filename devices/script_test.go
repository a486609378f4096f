package devices_test

import (
	"strings"
	"testing"
	"time"

	"home.arpa/homehub/devices"
)

// thing is a bench of a device that is online and has one component, called it, with these properties.
func thing(t *testing.T, kind devices.Kind, properties ...devices.Property) *bench {
	t.Helper()
	twin, _ := devices.Join(start, devices.Device{ID: "lamp", Components: []devices.Component{{ID: "it", Kind: kind, Properties: properties}}})
	twin.Reached(start, devices.Online, "")
	return &bench{t: t, twin: twin, now: start}
}

// Properties of things.
var (
	power = devices.Property{ID: devices.On, Datatype: devices.Bool, Readable: true, Settable: true}
	level = percent(devices.Brightness)
	halt  = devices.Property{ID: devices.Stop, Datatype: devices.Bool, Settable: true, Momentary: true}
)

func percent(id string) devices.Property {
	return devices.Property{ID: id, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Readable: true, Settable: true}
}

func states(words ...string) devices.Property {
	return devices.Property{ID: devices.State, Datatype: devices.Enum, Choices: words, Readable: true, Settable: true}
}

// play has things happen to a thing, one a line, and compares what comes of each, behind a bar and with a plus between several:
//
//	on true                    the device reports a value of a property
//	kept on true               the broker replays one
//	target position 0          the device says where it is going
//	wish on true [within 5s]   somebody wants a value
//	send                       what can be sent is
//	after 5s                   time passes
func (b *bench) play(script string) {
	b.t.Helper()
	for line := range strings.Lines(strings.TrimSpace(script)) {
		act, outcome, _ := strings.Cut(strings.TrimSpace(line), "|")
		var want []string
		if outcome = strings.TrimSpace(outcome); outcome != "" {
			want = strings.Split(outcome, " + ")
		}
		before := b.t.Failed()
		b.want(b.act(strings.Fields(act)), want...)
		if b.t.Failed() && !before {
			b.t.Errorf("that was at %q", act)
		}
	}
}

func (b *bench) act(words []string) []devices.Event {
	b.t.Helper()
	value := func(property, text string) (devices.Ref, devices.Value) {
		ref := devices.Ref{Component: "it", Property: property}
		v, err := b.twin.Property(ref).ParseText(text)
		if err != nil {
			b.t.Fatal(err)
		}
		return ref, v
	}
	span := func(text string) time.Duration {
		d, err := time.ParseDuration(text)
		if err != nil {
			b.t.Fatal(err)
		}
		return d
	}
	switch words[0] {
	case "send":
		return b.send()
	case "after":
		return b.twin.Expire(b.after(span(words[1])))
	case "kept":
		ref, v := value(words[1], words[2])
		return b.twin.Report(b.now, ref, v, true)
	case "target":
		b.twin.Target(value(words[1], words[2]))
		return nil
	case "wish":
		ref, v := value(words[1], words[2])
		if len(words) == 5 {
			return b.wish(ref, v, span(words[4]))
		}
		return b.add(ref, v)
	}
	ref, v := value(words[0], words[1])
	return b.twin.Report(b.now, ref, v, false)
}
