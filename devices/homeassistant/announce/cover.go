package announce

import (
	"slices"

	"home.arpa/homehub/devices"
)

// movement is what a cover and a valve have in common.
type movement struct {
	state, position, stop *devices.Property // nil when there is none
}

func (b *builder) movement() movement {
	m := movement{state: b.has(devices.State, devices.Enum), position: b.has(devices.Position, devices.Int, devices.Float), stop: b.act(devices.Stop)}
	if m.state != nil && !within(m.state.Choices, "open", "opening", "closed", "closing", "stopped") {
		m.state = nil
	}
	return m
}

// orders are how it is told to open, to close and to stop, all on one topic; empty when it cannot be. whole says that they are spelled with
// the property that they are for.
func (m movement) orders() (p *devices.Property, open, closed string) {
	switch {
	case m.state != nil && m.state.Settable && slices.Contains(wanted(m.state), "open") && slices.Contains(wanted(m.state), "closed"):
		return m.state, "open", "closed"
	case m.position != nil && m.position.Settable:
		return m.position, "100", "0"
	}
	return nil, "", ""
}

// cover is a shutter, a blind, an awning or a gate.
func (b *builder) cover() config {
	c, m := config{}, b.movement()
	orders, open, closed := m.orders()
	switch {
	case m.state == nil && m.position == nil, orders == nil && m.stop == nil:
		return nil
	case m.stop == nil:
		b.command(c, "command_topic", orders)
		c["payload_open"], c["payload_close"], c["payload_stop"] = open, closed, nil
	default:
		b.anyCommand(c, "command_topic")
		c["payload_open"], c["payload_close"], c["payload_stop"] = nil, nil, m.stop.ID+"=true"
		b.used[m.stop.ID] = true
		if orders != nil {
			c["payload_open"], c["payload_close"] = orders.ID+"="+open, orders.ID+"="+closed
		}
	}
	if m.state != nil {
		b.state(c, "state_topic", m.state)
	}
	if p := m.position; p != nil && p.Readable {
		b.state(c, "position_topic", p)
		if p.Settable {
			b.command(c, "set_position_topic", p)
		}
	}
	if p := b.settable(devices.Tilt, devices.Int, devices.Float); p != nil {
		b.state(c, "tilt_status_topic", p)
		b.command(c, "tilt_command_topic", p)
	}
	c.class(b, devices.State, coverClasses)
	return c
}

// valve is a valve for water or gas. One with a position is told by that alone, as Home Assistant wants it.
func (b *builder) valve() config {
	c, m := config{}, b.movement()
	orders, open, closed := m.orders()
	if m.stop != nil {
		c["payload_stop"] = m.stop.ID + "=true"
		b.used[m.stop.ID] = true
	}
	switch p := m.position; {
	case p != nil && p.Readable && p.Settable:
		c["reports_position"] = true
		b.state(c, "state_topic", p)
		b.command(c, "command_topic", p)
		if m.stop != nil {
			b.anyCommand(c, "command_topic")
			c["command_template"] = "{{ value if value is string else 'position=%s' | format(value) }}"
		}
		if m.state != nil && m.state.Settable {
			b.used[m.state.ID] = true // the position says it
		}
	case m.state == nil || orders == nil:
		return nil
	case m.stop != nil:
		b.anyCommand(c, "command_topic")
		b.used[orders.ID] = true
		c["payload_open"], c["payload_close"] = orders.ID+"="+open, orders.ID+"="+closed
		b.valveState(c, m.state)
	default:
		b.command(c, "command_topic", orders)
		c["payload_open"], c["payload_close"] = open, closed
		b.valveState(c, m.state)
	}
	c.class(b, devices.State, valveClasses)
	return c
}

// valveState announces the state of a valve without a position; a valve that has stopped on its way is open.
func (b *builder) valveState(c config, p *devices.Property) {
	b.state(c, "state_topic", p)
	if slices.Contains(p.Choices, "stopped") && p.Readable {
		c["value_template"] = "{{ 'open' if value == 'stopped' else value }}"
	}
}

// lock is a door lock; to pull the latch is an order of its own.
func (b *builder) lock() config {
	p := b.settable(devices.State, devices.Enum)
	if p == nil || !within(p.Choices, "locked", "unlocked", "locking", "unlocking", "jammed") {
		return nil
	}
	c := config{}
	b.state(c, "state_topic", p)
	for _, state := range []string{"locked", "unlocked", "locking", "unlocking", "jammed"} {
		c["state_"+state] = state
	}
	if open := b.act(devices.Open); open != nil {
		b.used[open.ID] = true
		b.anyCommand(c, "command_topic")
		c["payload_lock"], c["payload_unlock"], c["payload_open"] = "state=locked", "state=unlocked", open.ID+"=true"
		return c
	}
	b.command(c, "command_topic", p)
	c["payload_lock"], c["payload_unlock"] = "locked", "unlocked"
	return c
}
