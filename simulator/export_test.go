package simulator

import "home.arpa/homehub/broker"

// Hear lets a device hear a message without a connection, and returns what it would say.
func (s *Simulator) Hear(id string, m broker.Message) []broker.Message {
	for _, l := range s.lines {
		if l.id == id {
			said, _ := l.who.hear(s.world.Now, m)
			return said
		}
	}
	return nil
}

// Topics are the filters of all clients, by device or bridge.
func (s *Simulator) Topics() map[string][]string {
	out := map[string][]string{}
	for _, l := range s.lines {
		for _, f := range l.who.filters() {
			out[l.id] = append(out[l.id], f.Filter)
		}
	}
	return out
}

// DefaultHouseFile is the house file of DefaultHouse.
func DefaultHouseFile() []byte { return defaultHouse }
