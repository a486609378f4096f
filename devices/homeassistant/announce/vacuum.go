package announce

import (
	"slices"

	"home.arpa/homehub/devices"
)

// vacuum is a robot that cleans. What it can be told goes to one topic.
func (b *builder) vacuum() config {
	state := vacuumState(b.component)
	if state == nil {
		return nil
	}
	c, features := config{}, []string{}
	b.used[state.ID] = true
	b.whole(c, "state_topic")
	can := func(feature, payload, order string) {
		features = append(features, feature)
		c[payload] = order
		b.anyCommand(c, "command_topic")
	}
	for _, way := range []struct{ state, feature, payload string }{
		{"cleaning", "start", "payload_start"}, {"paused", "pause", "payload_pause"}, {"docked", "return_home", "payload_return_to_base"},
	} {
		if state.Settable && slices.Contains(wanted(state), way.state) {
			can(way.feature, way.payload, state.ID+"="+way.state)
		}
	}
	for _, way := range []struct{ property, feature, payload string }{
		{devices.Stop, "stop", "payload_stop"}, {devices.CleanAt, "clean_spot", "payload_clean_spot"}, {devices.Locate, "locate", "payload_locate"},
	} {
		if p := b.act(way.property); p != nil {
			b.used[p.ID] = true
			can(way.feature, way.payload, p.ID+"=true")
		}
	}
	if p := fanSpeed(b.component); p != nil {
		features = append(features, "fan_speed")
		b.command(c, "set_fan_speed_topic", p)
		c["fan_speed_list"] = wanted(p)
	}
	c["supported_features"] = features
	return c
}

// vacuumState is the state of a vacuum if it has one that Home Assistant knows.
func vacuumState(c *devices.Component) *devices.Property {
	p := c.Property(devices.State)
	if p == nil || p.Datatype != devices.Enum || p.Momentary || !within(p.Choices, "cleaning", "docked", "paused", "idle", "returning", "error") {
		return nil
	}
	return p
}

// fanSpeed is how hard a vacuum sucks, if it can be told.
func fanSpeed(c *devices.Component) *devices.Property {
	p := c.Property(devices.FanSpeed)
	if p == nil || p.Datatype != devices.Enum || p.Momentary || !p.Settable || len(wanted(p)) == 0 {
		return nil
	}
	return p
}
