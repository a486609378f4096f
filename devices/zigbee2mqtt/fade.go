package zigbee2mqtt

import (
	"maps"
	"slices"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// fadeOption is the option of a device by which Zigbee2MQTT has all its changes take a time, in seconds. Zigbee2MQTT keeps it in its
// configuration, and tells that in bridge/info.
const fadeOption = "transition"

// longestFade is the longest time that Zigbee has a number for.
const longestFade = 6553.5

// addFade lets the first of a device's lights have the option as its transition.
func (b *builder) addFade(address string) {
	i := slices.IndexFunc(b.parts, func(p *part) bool { return p.Kind == devices.Light && len(p.Properties) > 0 })
	if i < 0 {
		return
	}
	p := b.parts[i]
	b.fade = devices.Ref{Component: p.ID, Property: devices.Transition}
	if p.Property(b.fade.Property) != nil {
		b.fade = devices.Ref{}
		return
	}
	p.Properties = append(p.Properties, devices.Property{
		ID: b.fade.Property, Datatype: devices.Float, Class: "duration", Unit: "s", Min: bound(0), Max: bound(longestFade), Step: 0.1,
		Readable: true, Settable: true,
	})
	b.outlets[b.fade] = outlet{request: "device/options", body: func(v devices.Value) (string, error) {
		return `{"id":` + quote(address) + `,"options":{"` + fadeOption + `":` + devices.FormatNumber(v.Float()) + `}}`, nil
	}}
}

// fades are what a configuration says of the option: of single devices, by their addresses, and of all others.
type fades struct {
	told    bool
	devices map[string]float64
	others  float64
}

func readFades(config literal) fades {
	f := fades{devices: map[string]float64{}}
	if n, ok := config.get("device_options").get(fadeOption).number(); ok {
		f.others = n
	}
	if all := config.get("devices"); all.kind == object {
		f.told = true
		members(all.raw, 0, 0, func(k, v literal) {
			if v.kind != object || len(f.devices) >= maxThings {
				return
			}
			if a, ok := address(k); ok {
				if n, ok := v.get(fadeOption).number(); ok {
					f.devices[a] = n
				}
			}
		})
	}
	return f
}

// tellFade reports how long a device's changes take, if the bridge has said that.
func (t *thing) tellFade(u *hub.Update, replayed bool) {
	if t.fade == (devices.Ref{}) || !t.announced || t.entry == nil || t.base.info == nil || !t.base.info.fades.told {
		return
	}
	f, ok := t.base.info.fades.devices[t.entry.address]
	if !ok {
		f = t.base.info.fades.others
	}
	if v, err := devices.FloatValue(f); err == nil {
		u.Readings = append(u.Readings, hub.Reported{Key: t.key, Ref: t.fade, Value: v, Replayed: replayed})
	}
}

// tellFades reports it of all devices.
func (b *base) tellFades(u *hub.Update, replayed bool) {
	for _, key := range slices.Sorted(maps.Keys(b.devices)) {
		b.devices[key].tellFade(u, replayed)
	}
}
