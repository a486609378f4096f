package zigbee2mqtt

import (
	"slices"
	"strconv"

	"home.arpa/homehub/devices"
)

// groupTypes are the specific types that a group has when one of its members has them.
var groupTypes = []string{"light", "switch", "lock", "cover"}

// groupExposes are what a group has: of each type the features of all its members.
func groupExposes(members []*entry) []expose {
	var out []expose
	for _, kind := range groupTypes {
		var e *expose
		for _, m := range members {
			for i := range m.exposes {
				if m.exposes[i].kind != kind {
					continue
				}
				next := m.exposes[i].bare()
				next.features = slices.DeleteFunc(next.features, func(f expose) bool { return !groupFeature[f.name] })
				if e == nil {
					e = &next
					continue
				}
				e.merge(next)
			}
		}
		if e != nil {
			out = append(out, *e)
		}
	}
	return out
}

// groupFeature are the features that make sense for several devices together.
var groupFeature = map[string]bool{
	"state": true, "brightness": true, "color_temp": true, "color_xy": true, "color_hs": true, "position": true, "tilt": true,
}

// merge adds the features of another member. Color temperatures are those that all members have.
func (e *expose) merge(next expose) {
	for _, f := range next.features {
		mine := e.feature(f.name)
		if mine == nil {
			e.features = append(e.features, f)
			continue
		}
		mine.access |= f.access
		if f.name != "color_temp" {
			continue
		}
		low, high := mine.low, mine.high
		if low == nil || f.low != nil && *f.low > *low {
			low = f.low
		}
		if high == nil || f.high != nil && *f.high < *high {
			high = f.high
		}
		if low == nil || high == nil || *low < *high {
			mine.low, mine.high = low, high
		}
		mine.presets = slices.DeleteFunc(slices.Clone(mine.presets), func(x devices.NamedValue) bool {
			return mine.low != nil && x.Value < *mine.low || mine.high != nil && x.Value > *mine.high
		})
	}
}

// describe makes the schema and the description of a group from those of its members.
func (t *thing) describe(members []*entry) {
	t.schema = build(groupExposes(members), about{group: true})
	id := "zigbee2mqtt_"
	for _, c := range []byte(t.base.topic) { // as Zigbee2MQTT itself tells the groups of several networks apart
		id += strconv.Itoa(int(c))
	}
	t.device = devices.Device{
		Name: t.entry.name, Manufacturer: "Zigbee2MQTT", Model: "Group", Convention: Name, Via: bridgeKey(t.base.topic),
		Identifiers: []string{id + "_" + strconv.Itoa(t.entry.group)}, Components: t.components,
	}
	t.device.Sort()
}
