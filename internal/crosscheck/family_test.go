package crosscheck_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/simulator"
)

// kindsOf is a house with one device of each kind in a language; %[1]s is how their names begin.
const kindsOf = `
name: Test
rooms:
  - {name: Parlour, use: living}
  - {name: Washroom, use: bathroom}
devices:
  - {name: %[1]s color light, room: Parlour, kind: light, speaks: %[2]s, can: [brightness, temperature, color]}
  - {name: %[1]s white light, room: Parlour, kind: light, speaks: %[2]s, can: [brightness, temperature]}
  - {name: %[1]s dimmer, room: Parlour, kind: light, speaks: %[2]s, can: [brightness]}
  - {name: %[1]s plain light, room: Parlour, kind: light, speaks: %[2]s}
  - {name: %[1]s thermostat, room: Parlour, kind: thermostat, speaks: %[2]s}
  - {name: %[1]s plug, room: Parlour, kind: plug, speaks: %[2]s, load: computer}
  - {name: %[1]s climate, room: Parlour, kind: climate sensor, speaks: %[2]s}
  - {name: %[1]s motion, room: Parlour, kind: motion sensor, speaks: %[2]s}
  - {name: %[1]s window, room: Parlour, kind: contact, speaks: %[2]s, opening: window}
  - {name: %[1]s cover, room: Parlour, kind: cover, speaks: %[2]s}
  - {name: %[1]s lock, room: Parlour, kind: lock, speaks: %[2]s}
  - {name: %[1]s fan, room: Parlour, kind: fan, speaks: %[2]s}
  - {name: %[1]s exhaust, room: Washroom, kind: fan, speaks: %[2]s}
  - {name: %[1]s remote, room: Parlour, kind: remote, speaks: %[2]s}
`

// tongue is what the hub is to make of the devices of a language.
type tongue struct {
	language string
	// convention is the one of the hub that they speak.
	convention string
	// rooms says whether they tell in which room they are.
	rooms bool
	// steered is how many properties can at least be set.
	steered int
	// gone is how long it takes at most until a device without power counts as offline; those with a battery take longer
	// in some families, and are left out there.
	gone      time.Duration
	batteries bool
	washer    bool
	// plain is another house, whose devices have harder forms; empty means kindsOf.
	plain string
}

// hardForms has devices of Home Assistant's discovery that say what has changed only, or in words of their own.
const hardForms = `
name: Test
rooms:
  - {name: Parlour, use: living}
devices:
  - {name: Form light, room: Parlour, kind: light, speaks: homeassistant, style: partial, can: [brightness, temperature, color]}
  - {name: Form washer, room: Parlour, kind: washing machine, speaks: homeassistant, style: partial}
  - {name: Form climate, room: Parlour, kind: climate sensor, speaks: homeassistant, style: partial, topic: attic/my sensor}
  - {name: Form plug, room: Parlour, kind: plug, speaks: homeassistant, load: computer, own_words: true, short: true}
  - {name: Form cover, room: Parlour, kind: cover, speaks: homeassistant, own_words: true}
  - {name: Form lock, room: Parlour, kind: lock, speaks: homeassistant, own_words: true, style: topics}
  - {name: Form fan, room: Parlour, kind: fan, speaks: homeassistant, own_words: true, volatile: true}
  - {name: Form remote, room: Parlour, kind: remote, speaks: homeassistant, form: single}
`

var tongues = []tongue{
	{language: simulator.HomeAssistant, convention: "homeassistant", rooms: true, steered: 20, gone: 3 * time.Second, batteries: true, washer: true},
	{language: simulator.Homie, convention: "homie", steered: 20, gone: 3 * time.Second, batteries: true, washer: true},
	{language: simulator.Homie4, convention: "homie", steered: 20, gone: 3 * time.Second, batteries: true, washer: true},
	{language: simulator.Homie3, convention: "homie", steered: 20, gone: 3 * time.Second, batteries: true, washer: true},
	{language: simulator.HomeAssistant, convention: "homeassistant", rooms: true, steered: 10, gone: 3 * time.Second, batteries: true, plain: hardForms},
	{language: simulator.ESPHome, convention: "homeassistant", rooms: true, steered: 20, gone: 3 * time.Second, batteries: true, washer: true},
	{language: simulator.Zigbee2MQTT, convention: "zigbee2mqtt", steered: 20, gone: 65 * time.Second},
}

func (f tongue) name() string {
	if f.plain != "" {
		return f.language + " in harder forms"
	}
	return f.language
}

func (f tongue) plan(t *testing.T) simulator.House {
	t.Helper()
	text := fmt.Sprintf(kindsOf, "Aa", f.language)
	if f.washer {
		text += fmt.Sprintf("  - {name: Aa washer, room: Washroom, kind: washing machine, speaks: %s}\n", f.language)
	}
	if f.plain != "" {
		text = f.plain
	}
	house, err := simulator.ParseHouse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return house
}

// forEachFamily runs a house of each family with a hub.
func forEachFamily(t *testing.T, visit func(t *testing.T, f tongue, h *home)) {
	for _, f := range tongues {
		t.Run(f.name(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome(t)
				h.plan = f.plan(t)
				h.startHub(hub.Options{})
				h.startHouse(simulator.Options{})
				h.settle(40 * time.Second)
				visit(t, f, h)
			})
		})
	}
}

func TestDevicesOfEachFamilyJoin(t *testing.T) {
	forEachFamily(t, func(t *testing.T, f tongue, h *home) {
		for _, spec := range h.plan.Devices {
			v, err := h.Device(spec.ID())
			if err != nil {
				t.Error(err)
				continue
			}
			if v.Name != spec.Name || v.Convention != f.convention || f.rooms && v.Room != spec.Room {
				t.Errorf("%s is called %q, is in %q and speaks %s, want %+v", v.ID, v.Name, v.Room, v.Convention, spec)
			}
			if v.Faults != 0 || v.Reach.Presence != devices.Online {
				t.Errorf("%s is %s (%s), with %d faults: %+v", v.ID, v.Reach.Presence, v.Reach.Why, v.Faults, v.LastFaults)
			}
			for _, kind := range has[spec.Kind] {
				if !slices.ContainsFunc(v.Components, func(c devices.Component) bool { return c.Kind == kind }) {
					t.Errorf("%s has no %s: %+v", v.ID, kind, v.Components)
				}
			}
			if len(v.Components) == 0 {
				t.Errorf("%s has no components", v.ID)
			}
		}
		if o := h.Overview(); o.Faults != 0 {
			t.Errorf("there are %d faults: %+v", o.Faults, o.Unclaimed)
		}
	})
}

func TestDevicesOfEachFamilyTakeWhatTheyMayBeTold(t *testing.T) {
	forEachFamily(t, func(t *testing.T, f tongue, h *home) {
		var count atomic.Int64
		h.everySettable(func(c devices.Component, p devices.Property, path devices.Path, v devices.Value) {
			ours := slices.ContainsFunc(h.plan.Devices, func(d simulator.DeviceSpec) bool { return d.ID() == path.Device })
			switch {
			case !ours:
				return // a bridge and a group have tests of their own
			case p.ID == devices.ColorTemperature && v.Float() < 2200:
				return // the board does not say how warm its light can be, and the lamp cannot be as warm as the hub then thinks
			case path.Component == "update":
				return // not every device has one, and a refusal counts as a fault
			case path.Component == "occupancy-timeout":
				return // the sensor hears it when it wakes, of which there is a test of its own
			}
			count.Add(1)
			h.steer(c, p, path, v)
		})
		if n := int(count.Load()); n < f.steered {
			t.Errorf("the house was told %d things", n)
		}
		h.noFaults()
	})
}

func TestDevicesOfEachFamilyAreMissedAndComeBack(t *testing.T) {
	forEachFamily(t, func(t *testing.T, f tongue, h *home) {
		for _, spec := range h.plan.Devices {
			id := spec.ID()
			if _, err := h.Device(id); err != nil {
				t.Error(err)
				continue
			}
			battery := slices.Contains([]string{
				simulator.KindThermostat, simulator.KindClimate, simulator.KindMotion, simulator.KindContact, simulator.KindLock, simulator.KindRemote,
			}, spec.Kind)
			if battery && !f.batteries {
				continue
			}
			h.losesPower(id, f.gone, nil)
		}
	})
}

// A hub that starts in a house that has been up for long gets everything, too: what is not retained it asks for.
func TestALateHubKnowsEachFamilySoon(t *testing.T) {
	for _, f := range tongues {
		t.Run(f.name(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome(t)
				h.plan = f.plan(t)
				h.startHouse(simulator.Options{})
				h.settle(time.Minute)
				h.startHub(hub.Options{})
				h.settle(40 * time.Second)
				for _, spec := range h.plan.Devices {
					v, err := h.Device(spec.ID())
					if err != nil {
						t.Error(err)
						continue
					}
					var missing []string
					properties(v.Device, func(_ devices.Component, p devices.Property, path devices.Path) {
						if _, ok := v.Reported[path.Ref.String()]; p.Confirmable() && !p.Momentary && !ok {
							missing = append(missing, path.Ref.String())
						}
					})
					unknowable := []string{ // of what is not being updated, shines white, was not pressed, or does not run
						"update/progress", "light/color", "remote/attributes", "action/attributes", "remaining/duration",
					}
					missing = slices.DeleteFunc(missing, func(s string) bool { return slices.Contains(unknowable, s) })
					if v.Wakes == 0 && len(missing) > 0 {
						t.Errorf("%s has no value of %s", v.ID, strings.Join(missing, ", "))
					}
					if v.Reach.Presence != devices.Online {
						t.Errorf("%s is %s: %s", v.ID, v.Reach.Presence, v.Reach.Why)
					}
				}
			})
		})
	}
}
