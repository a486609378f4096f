package tasmota

import (
	"strconv"
	"strings"

	"home.arpa/homehub/devices"
)

// measure builds the components of the sensors: a block is one.
func (b *builder) measure() {
	for _, block := range b.sensors.inner {
		if block.leaf != nil {
			b.sensor(b.block("sensor", ""), block, []string{block.key})
			continue
		}
		if radio(block.key) { // of a radio bridge: a device of its own beneath each key
			for _, inner := range block.inner {
				if inner.leaf != nil {
					b.sensor(b.block(block.key, block.key), inner, []string{block.key, inner.key})
					continue
				}
				b.leaves(b.block(block.key+" "+inner.key, inner.key), inner, []string{block.key, inner.key}, 2)
			}
			continue
		}
		b.leaves(b.block(block.key, block.key), block, []string{block.key}, 1)
	}
}

// block returns the component of a block. Names that are too long, or have nothing that an ID may have, are told apart by a
// number.
func (b *builder) block(key, name string) *devices.Component {
	id := devices.Slug(key)
	if id == "" {
		id = "sensor"
	}
	for n := 2; b.components[id] != nil && (b.components[id].Kind != devices.Sensor || b.components[id].Name != clean(name)); n++ {
		base := strings.TrimRight(clip(devices.Slug(key), 58), "-")
		if base == "" {
			base = "sensor"
		}
		id = base + "-" + strconv.Itoa(n)
	}
	return b.component(id, devices.Sensor, clean(name))
}

func (b *builder) leaves(c *devices.Component, place *branch, path []string, outer int) {
	for _, next := range place.inner {
		here := path[:len(path):len(path)]
		if next.index > 0 {
			here = append(here, "["+strconv.Itoa(next.index-1)+"]")
		} else {
			here = append(here, next.key)
		}
		if next.leaf == nil {
			b.leaves(c, next, here, outer)
			continue
		}
		b.property(c, next.leaf, here, outer)
	}
}

// sensor builds a value that has no block.
func (b *builder) sensor(c *devices.Component, place *branch, path []string) {
	b.property(c, place.leaf, path, len(path)-1)
}

// property builds one value. Its ID is that of what it measures where it is alone in its block, else the keys that lead to it.
func (b *builder) property(c *devices.Component, s *sensor, path []string, outer int) {
	words := path[outer:]
	s.path = strings.ReplaceAll(strings.Join(path, "."), ".[", "[")
	spelt := make([]string, 0, len(words))
	for _, w := range words {
		if rest, ok := strings.CutPrefix(w, "["); ok { // people count from one
			n, _ := strconv.Atoi(strings.TrimSuffix(rest, "]"))
			w = strconv.Itoa(n + 1)
		}
		spelt = append(spelt, hyphens(w))
	}
	id := devices.Slug(strings.Join(spelt, " "))
	if s.quantity.id != "" && s.datatype == devices.Float {
		switch {
		case len(words) == 1:
			id = s.quantity.id
		case len(words) == 2 && strings.HasPrefix(words[1], "["):
			id = s.quantity.id + "-" + spelt[1]
		}
	}
	if id == "" {
		id = devices.ValueID
	}
	base := strings.TrimRight(clip(id, 58), "-")
	for n := 2; c.Property(id) != nil; n++ {
		id = base + "-" + strconv.Itoa(n)
	}
	p := s.quantity.property(id, s.datatype)
	if p.Name = s.quantity.name; p.Name == "" {
		p.Name = clean(strings.Join(words, " "))
	}
	s.ref = b.add(c, p, nil)
}

// hyphens separates the words of a key: ApparentPower is Apparent-Power, GyroXAxis is Gyro-X-Axis.
func hyphens(key string) string {
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		if i > 0 && upper(c) && (lower(key[i-1]) || upper(key[i-1]) && i+1 < len(key) && lower(key[i+1])) {
			b.WriteByte('-')
		}
		b.WriteByte(c)
	}
	return b.String()
}

func upper(c byte) bool { return c >= 'A' && c <= 'Z' }
func lower(c byte) bool { return c >= 'a' && c <= 'z' }
