package homeassistant

import (
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// siren sounds an alarm. Its tone, duration and volume are told together with the alarm only; so they are remembered for the
// next one, and told at once while it sounds.
type siren struct {
	command, off      *outlet
	onPayload         string
	offPayload        string
	sounding          bool
	tone              string
	duration, loudest float64
	timed, loud       bool // a duration, a volume was chosen
}

func (b *builder) siren() {
	b.kind = devices.Siren
	s := &siren{onPayload: b.text("payload_on", "ON"), offPayload: b.text("payload_off", "OFF")}
	on, off := b.text("state_on", s.onPayload), b.text("state_off", s.offPayload)
	stateTemplate := "state_value_template"
	if !b.has(stateTemplate) {
		stateTemplate = "value_template"
	}
	p := devices.Property{ID: devices.On, Datatype: devices.Bool}
	p.Readable = b.reads("state_topic", stateTemplate, func(v template.Value, out *sink) error {
		if d := template.ReadText(v.Text()).JSON(); d.Kind() == template.Dict {
			if v = d.Get("state"); !known(v) {
				return nil // a tone or a duration only
			}
		}
		switch {
		case is(v, on):
			s.sounding = true
		case is(v, off):
			s.sounding = false
		default:
			return expected(on+" or "+off, v)
		}
		out.add(devices.On, devices.BoolValue(s.sounding))
		return nil
	})
	s.command = b.hears("command_topic", "command_template")
	if b.has("command_off_template") {
		s.off = b.hears("command_topic", "command_off_template")
	}
	if s.command != nil {
		p.Settable = true
		b.writers[devices.On] = func(v devices.Value) ([]broker.Message, error) {
			s.sounding = v.Bool()
			return s.tell()
		}
	}
	b.property(p)
	if s.command != nil {
		b.sirenChoices(s)
	}
}

// sirenChoices adds what an alarm may be like. None of it is confirmed: a siren that is silent does not repeat it.
func (b *builder) sirenChoices(s *siren) {
	add := func(p devices.Property, remember func(v devices.Value)) {
		p.Settable = true
		b.property(p)
		b.writers[p.ID] = func(v devices.Value) ([]broker.Message, error) {
			remember(v)
			return s.tell()
		}
	}
	if tones := b.list("available_tones"); len(tones) > 0 {
		add(devices.Property{ID: devices.Tone, Datatype: devices.Enum, Choices: tones}, func(v devices.Value) { s.tone = v.Text() })
	}
	if !b.has("support_duration") || b.yes("support_duration") {
		add(devices.Property{ID: devices.Duration, Datatype: devices.Float, Class: "duration", Unit: "s", Min: bound(0), Max: bound(86400), Step: 1},
			func(v devices.Value) { s.duration, s.timed = v.Float(), true })
	}
	if !b.has("support_volume_set") || b.yes("support_volume_set") {
		add(devices.Property{ID: devices.Volume, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Step: 1},
			func(v devices.Value) { s.loudest, s.loud = v.Float(), true })
	}
}

// tell is the command for what the siren is to do now: a template makes it, else it is JSON.
func (s *siren) tell() ([]broker.Message, error) {
	if !s.sounding {
		o := s.command
		if s.off != nil {
			o = s.off
		}
		name, _ := template.Of(s.offPayload).JSON()
		return one(o.send(`{"state":`+name+`}`, template.Of(s.offPayload), "state", s.offPayload))
	}
	vars := []any{"state", s.onPayload}
	if s.tone != "" {
		vars = append(vars, "tone", s.tone)
	}
	if s.timed {
		vars = append(vars, "duration", plain(s.duration))
	}
	if s.loud {
		vars = append(vars, "volume_level", s.loudest/100)
	}
	var payload strings.Builder
	for i := 0; i < len(vars); i += 2 {
		value, _ := template.Of(vars[i+1]).JSON()
		payload.WriteString(map[bool]string{true: "{", false: ","}[i == 0] + `"` + vars[i].(string) + `":` + value)
	}
	payload.WriteString("}")
	return one(s.command.send(payload.String(), template.Of(s.onPayload), vars...))
}
