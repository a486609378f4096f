package crosscheck_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/simulator"
)

// wishes are values that a property must take: the ends and the middle of a range, every choice, both bools, a few colors.
func wishes(t *testing.T, p devices.Property) []devices.Value {
	t.Helper()
	var list []devices.Value
	add := func(v devices.Value, err error) {
		if err == nil {
			err = p.Check(v)
		}
		if err != nil {
			t.Errorf("choosing a value for %s: %v", p.ID, err)
		}
		list = append(list, v)
	}
	switch p.Datatype {
	case devices.Bool:
		if add(devices.BoolValue(true), nil); !p.Momentary {
			add(devices.BoolValue(false), nil)
		}
	case devices.Int, devices.Float:
		if p.Min == nil || p.Max == nil {
			t.Errorf("%s has no range", p.ID)
			return nil
		}
		middle := (*p.Min + *p.Max) / 2
		if p.Step > 0 {
			middle = *p.Min + math.Round((middle-*p.Min)/p.Step)*p.Step
		}
		for _, f := range []float64{*p.Max, middle, *p.Min, middle} {
			if p.Datatype == devices.Int {
				add(devices.IntValue(int64(math.Round(f))), nil)
			} else {
				add(devices.FloatValue(f))
			}
		}
	case devices.Enum:
		choices := p.Wanted
		if len(choices) == 0 {
			choices = p.Choices
		}
		for _, c := range choices {
			add(devices.EnumValue(c), nil)
		}
	case devices.Color:
		add(devices.ColorValue(0, 100))
		add(devices.ColorValue(120, 50))
		add(devices.ColorValue(240, 100))
	case devices.String:
		add(devices.TextValue("Hello again"), nil)
	case devices.JSON: // who tells it must know what it means
	default:
		t.Errorf("no value is known for %s, a %s", p.ID, p.Datatype)
	}
	return list
}

// steered are the settable properties that the default house must at least have, by convention.
const steered = 20

// everySettable calls do for every value of every settable property of the house, device by device at the same time. It returns
// how many such properties there are, by convention.
func (h *home) everySettable(do func(c devices.Component, p devices.Property, path devices.Path, v devices.Value)) (count map[string]int) {
	h.t.Helper()
	var all sync.WaitGroup
	count = map[string]int{}
	for _, v := range h.Devices() {
		properties(v.Device, func(_ devices.Component, p devices.Property, _ devices.Path) {
			if p.Settable {
				count[v.Convention]++
			}
		})
		all.Go(func() {
			properties(v.Device, func(c devices.Component, p devices.Property, path devices.Path) {
				if p.Settable {
					for _, value := range wishes(h.t, p) {
						do(c, p, path, value)
					}
				}
			})
		})
	}
	all.Wait()
	return count
}

// steer expects that a property takes a value, and says so.
func (h *home) steer(c devices.Component, p devices.Property, path devices.Path, v devices.Value) {
	begun := time.Now()
	command, err := h.Send(h.t.Context(), hub.Request{Path: path, Value: v, Origin: "test"})
	if err != nil {
		h.t.Error(err)
		return
	}
	ctx, cancel := context.WithTimeout(h.t.Context(), devices.Patience(c.Kind, p.ID)+time.Second)
	defer cancel()
	command, err = h.Wait(ctx, command.ID)
	want := devices.Confirmed
	if !p.Confirmable() && !p.Answers {
		want = devices.Sent
	}
	if err != nil || command.Status != want {
		h.t.Errorf("%s to %s after %s: %s (%s), %v", path, v, time.Since(begun), command.Status, command.Reason, err)
	}
	r := h.reading(path)
	if p.Confirmable() && want == devices.Confirmed && !p.Same(v, r) && !(v.Float() == 0 && h.dark(path)) {
		h.t.Errorf("%s was confirmed to be %s, and is %s", path, v, r)
	}
	if path.Component == "restart" {
		time.Sleep(restarting)
	}
}

// restarting is how long a device takes to be there again after it was told to restart.
const restarting = 15 * time.Second

func TestEveryPropertyTakesWhatItMayBeTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := liveHome(t, hub.Options{}, simulator.Options{})
		count := h.everySettable(h.steer)
		if len(count) != 2 || count[simulator.HomeAssistant] < steered || count[simulator.Homie] < steered {
			t.Errorf("the house has so many settable properties: %v", count)
		}
		if o := h.Overview(); o.Faults != 0 || o.Pending != 0 {
			t.Errorf("%d faults, %d pending: %+v", o.Faults, o.Pending, o.Unclaimed)
		}
	})
}

func (h *home) reading(path devices.Path) devices.Value {
	v, err := h.Device(path.Device)
	if err != nil {
		h.t.Error(err)
	}
	return v.Reported[path.Ref.String()].Value
}

// dark says whether the light or fan of which a level is asked is off, which is what a level of 0 means.
func (h *home) dark(path devices.Path) bool {
	path.Property = devices.On
	return h.reading(path) == devices.BoolValue(false)
}

// spelled is how somebody with mosquitto_pub spells a value: as the hub publishes values itself.
func spelled(v devices.Value) string {
	if v.Datatype() == devices.Color {
		hue, saturation := v.Color()
		return fmt.Sprintf("hsv,%v,%v,100", hue, saturation)
	}
	return v.String()
}

func TestEveryPropertyCanBeWishedForByMQTT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := liveHome(t, hub.Options{}, simulator.Options{})
		h.everySettable(func(c devices.Component, p devices.Property, path devices.Path, v devices.Value) {
			if err := h.reader.wish(path, spelled(v)); err != nil {
				t.Error(err)
				return
			}
			time.Sleep(time.Millisecond)
			commands, err := h.Commands(t.Context(), path.Device, 1)
			if err != nil || len(commands) != 1 || commands[0].Ref != path.Ref || !p.Same(v, commands[0].Value) || !strings.HasPrefix(commands[0].Origin, "mqtt") {
				t.Errorf("wishing %s to be %s made %+v, %v", path, v, commands, err)
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), devices.Patience(c.Kind, p.ID)+time.Second)
			defer cancel()
			if command, err := h.Wait(ctx, commands[0].ID); err != nil || command.Status != devices.Confirmed && p.Confirmable() {
				t.Errorf("%s to %s: %s (%s), %v", path, v, command.Status, command.Reason, err)
			}
		})
		if o := h.Overview(); o.Faults != 0 {
			t.Errorf("%d faults: %+v", o.Faults, o.Unclaimed)
		}
		for topic := range h.reader.all() {
			if strings.HasSuffix(topic, "/$target") {
				h.wantReached(topic)
			}
		}
	})
}

// wantReached expects that a target that is still exported is not that of a command.
func (h *home) wantReached(topic string) {
	h.t.Helper()
	path, err := devices.ParsePath(strings.TrimSuffix(strings.TrimPrefix(topic, "hub/5/"), "/$target"))
	if err != nil {
		h.t.Fatal(err)
	}
	if v := h.device(path.Device); v.Targets[path.Ref.String()].IsZero() {
		h.t.Errorf("%s is still exported", topic)
	}
}

func TestABrightnessOfNothingSwitchesALightOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := liveHome(t, hub.Options{}, simulator.Options{})
		lights := 0
		for _, spec := range h.plan.Devices {
			if spec.Kind != simulator.KindLight {
				continue
			}
			lights++
			level := devices.Path{Device: spec.ID(), Ref: devices.Ref{Component: "light", Property: devices.Brightness}}
			for _, text := range []string{"40", "0", "0", "40"} {
				if err := h.reader.wish(level, text); err != nil {
					t.Fatal(err)
				}
				h.settle(5 * time.Second)
				if got, want := h.dark(level), text == "0"; got != want {
					t.Errorf("%s: told %s, it is off: %t", level, text, got)
				}
				commands, err := h.Commands(t.Context(), spec.ID(), 1)
				if err != nil || len(commands) != 1 || commands[0].Status != devices.Confirmed || commands[0].Value.String() != text {
					t.Errorf("%s: told %s: %+v, %v", level, text, commands, err)
				}
			}
		}
		if lights < 4 {
			t.Errorf("there are %d lights", lights)
		}
	})
}
