package simulator

import "home.arpa/homehub/broker"

// Hear lets a device hear a message without a connection, and returns what it would say.
func (s *Simulator) Hear(id string, m broker.Message) []broker.Message {
	d := s.byID[id]
	h := d.voice.hear(m)
	return append(h.said, d.voice.report(d.changed(s.world.Now, h.touched))...)
}

// Topics are the filters of all devices, by device.
func (s *Simulator) Topics() map[string][]string {
	out := map[string][]string{}
	for _, d := range s.devices {
		for _, f := range d.voice.filters() {
			out[d.id] = append(out[d.id], f.Filter)
		}
	}
	return out
}

// DefaultHouseFile is the house file of DefaultHouse.
func DefaultHouseFile() []byte { return defaultHouse }
