package zigbee2mqtt

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// coverWords are what covers report, in the model's words. Some converters say ON and OFF.
var coverWords = []word{
	{"OPEN", "open"},
	{"CLOSE", "closed"},
	{"STOP", "stopped"},
	{"ON", "open"},
	{"OFF", "closed"},
	{"CLOSED", "closed"},
	{"OPENING", "opening"},
	{"CLOSING", "closing"},
	{"STOPPED", "stopped"},
}

// cover is a blind, a curtain or a gate. 100 % is open.
func (b *builder) cover(e *expose) {
	p := b.specific(e, devices.Cover)
	if f := e.feature("state"); f != nil {
		words := [2]string{`"OPEN"`, `"CLOSE"`}
		if !slices.Contains(f.values, "OPEN") && slices.Contains(f.values, "ON") {
			words = [2]string{`"ON"`, `"OFF"`}
		}
		p.add(devices.Property{
			ID: devices.State, Datatype: devices.Enum,
			Choices: []string{"open", "opening", "closed", "closing", "stopped"}, Wanted: []string{"open", "closed"},
		}, f, &reader{read: readEnum, words: coverWords}, func(v devices.Value) (string, error) {
			if v.Text() == "open" {
				return set(f.property, words[0]), nil
			}
			return set(f.property, words[1]), nil
		})
		if len(f.values) == 0 || slices.Contains(f.values, "STOP") {
			p.add(devices.Property{ID: devices.Stop, Datatype: devices.Bool, Momentary: true}, f, nil, func(v devices.Value) (string, error) {
				if !v.Bool() {
					return "", fmt.Errorf("%w: %s takes true only", devices.ErrValue, devices.Stop)
				}
				return set(f.property, `"STOP"`), nil
			})
		}
		b.ask(f)
	}
	for _, l := range []struct{ id, name string }{{devices.Position, "position"}, {devices.Tilt, "tilt"}} {
		if f := e.feature(l.name); f != nil {
			p.level(l.id, f, steps{orElse(f.low, 0), orElse(f.high, 100)}, 0)
			b.ask(f)
		}
	}
	b.rest(e, "state", "position", "tilt")
}

// lock is a lock. Its state is what the lock itself says (lock_state), and between two such reports what it was told.
func (b *builder) lock(e *expose) {
	p := b.specific(e, devices.Lock)
	f, said := e.feature("state"), e.feature("lock_state")
	if f == nil {
		b.rest(e)
		return
	}
	lock, unlock := f.on, f.off
	if lock.kind == none || unlock.kind == none {
		lock, unlock = literal{kind: text, raw: []byte("LOCK")}, literal{kind: text, raw: []byte("UNLOCK")}
	}
	yes, no := set(f.property, lock.json()), set(f.property, unlock.json())
	words := []word{{lock.String(), "locked"}, {unlock.String(), "unlocked"}}
	p.add(devices.Property{
		ID: devices.State, Datatype: devices.Enum,
		Choices: []string{"locked", "unlocked", "locking", "unlocking", "jammed"}, Wanted: []string{"locked", "unlocked"},
	}, f, &reader{read: readEnum, words: words}, func(v devices.Value) (string, error) {
		if v.Text() == "locked" {
			return yes, nil
		}
		return no, nil
	})
	if prop := p.Component.Property(devices.State); said != nil && said.reports() && prop != nil {
		prop.Readable = true
		p.listen(said.property, devices.State, &reader{read: readEnum, late: true, words: []word{
			{"locked", "locked"}, {"unlocked", "unlocked"}, {"not_fully_locked", "jammed"},
		}})
	}
	b.ask(f)
	b.rest(e, "state", "lock_state")
}

// speeds are the words among a fan's modes that are levels, from slow to fast.
var speeds = []string{"low", "medium", "high", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

// fan is a fan with a speed of its own, or with modes some of which are speeds.
func (b *builder) fan(e *expose) {
	p := b.specific(e, devices.Fan)
	state := e.feature("state")
	if state != nil {
		p.boolean(devices.On, "", state)
		b.ask(state)
	}
	if f := e.feature("speed"); f != nil {
		low := orElse(f.low, 1)
		p.level(devices.Speed, f, steps{low - 1, orElse(f.high, 254)}, low)
	}
	if f := e.feature("mode"); f != nil {
		p.modes(f, state)
		if state == nil {
			b.ask(f)
		}
	}
	b.rest(e, "state", "speed", "mode")
}

// modes makes a fan's modes its speed and its preset.
func (p *part) modes(f, state *expose) {
	var levels, presets []string
	for _, s := range speeds {
		if slices.Contains(f.values, s) {
			levels = append(levels, s)
		}
	}
	for _, s := range f.values {
		if s != "off" && !slices.Contains(levels, s) {
			presets = append(presets, s)
		}
	}
	raw := func(mode string) string {
		if i := slices.Index(f.values, mode); i >= 0 {
			return set(f.property, f.raw[i])
		}
		return set(f.property, quote(mode))
	}
	off := raw("off")
	if state != nil && !slices.Contains(f.values, "off") {
		off = set(state.property, state.off.json())
	}
	switchedOn := devices.Ref{Component: p.ID, Property: devices.On}
	// The first property that the mode tells reads it, for all of them.
	rd := &reader{read: func(r *reader, l literal, out *[]hub.Reported) error {
		mode := strings.ToLower(l.String())
		if !slices.Contains(f.values, mode) && mode != "off" {
			return fmt.Errorf("expected one of %.100s", strings.Join(f.values, ", "))
		}
		level := slices.Index(levels, mode)
		if len(levels) > 0 && (level >= 0 || mode == "off") {
			v, err := devices.FloatValue(rounded(float64(level+1)*100/float64(len(levels)), 2))
			if err != nil {
				return err
			}
			*out = append(*out, hub.Reported{Ref: devices.Ref{Component: p.ID, Property: devices.Speed}, Value: v})
		}
		if len(presets) > 0 {
			preset := "none"
			if level < 0 && mode != "off" {
				preset = mode
			}
			*out = append(*out, hub.Reported{Ref: devices.Ref{Component: p.ID, Property: devices.Preset}, Value: devices.EnumValue(preset)})
		}
		if state == nil {
			*out = append(*out, hub.Reported{Ref: switchedOn, Value: devices.BoolValue(mode != "off")})
		}
		return nil
	}}
	quiet := func() *reader { // the reader above speaks for this property, too
		return &reader{read: func(*reader, literal, *[]hub.Reported) error { return nil }}
	}
	if len(levels) > 0 {
		at := steps{0, float64(len(levels))}
		p.add(devices.Property{ID: devices.Speed, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Step: at.step()}, f, quiet(),
			func(v devices.Value) (string, error) {
				if v.Float() == 0 {
					return off, nil
				}
				i, err := strconv.Atoi(devices.FormatNumber(max(at.out(v.Float()), 1)))
				if err != nil || i > len(levels) {
					return "", fmt.Errorf("%w: speed %s", devices.ErrValue, v)
				}
				return raw(levels[i-1]), nil
			})
	}
	if len(presets) > 0 {
		choices := presets
		if !slices.Contains(choices, "none") {
			choices = append(slices.Clone(presets), "none")
		}
		p.add(devices.Property{ID: devices.Preset, Datatype: devices.Enum, Choices: choices, Wanted: presets}, f, quiet(),
			func(v devices.Value) (string, error) { return raw(v.Text()), nil })
	}
	if state == nil {
		p.add(devices.Property{ID: devices.On, Datatype: devices.Bool}, f, quiet(), func(v devices.Value) (string, error) {
			switch {
			case !v.Bool():
				return off, nil
			case slices.Contains(f.values, "on"):
				return raw("on"), nil
			case len(levels) > 0:
				return raw(levels[len(levels)-1]), nil
			case len(presets) > 0:
				return raw(presets[0]), nil
			}
			return "", fmt.Errorf("%w: the fan has no mode to be on in", devices.ErrValue)
		})
	}
	if f.reports() {
		p.listen(f.property, "", rd)
	}
}
