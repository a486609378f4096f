package homeassistant

import (
	"fmt"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// entity is one component as its configuration describes it. What Parse has made is not changed, but for what the functions that
// read and write its values remember of them.
type entity struct {
	id    string // component/node object
	topic string // of the announcement
	wish  string // component ID, before it is made unique

	kind           devices.Kind
	name, category string
	hidden         bool   // not enabled by default
	group          string // entities of one group are one component; empty for those that are one of their own
	owner          owner
	soleKey        string // the device's key when there is no device block
	deviceWish     string // wished device ID
	native         string // the convention that understands the device better
	qos            byte   // of subscriptions
	latin          bool   // payloads are single bytes, not UTF-8

	properties []devices.Property
	readers    []reader
	writers    map[string]writer
	sources    []sourceConfig
	mode       string    // of availability: all, any, latest
	commands   []string  // the topics that hear commands
	attributes [2]string // topic and template of the attributes, if there are any
}

// reader turns the messages of one topic into readings.
type reader struct {
	filter string
	read   func(in input, out *sink) error
}

// input is one message as readers see it.
type input struct {
	doc *template.Document
	// replayed: the broker kept the message. It is a state, but not an event.
	replayed bool
	// whole is the payload as attributes, made by the first who asks for them.
	whole *devices.Value
}

// sink takes the readings of one message.
type sink []found

type found struct {
	property string
	value    devices.Value
}

func (s *sink) add(property string, v devices.Value) { *s = append(*s, found{property, v}) }

// float adds a number, whatever is left of it to be a number.
func (s *sink) float(property string, f float64) error {
	v, err := devices.FloatValue(f)
	if err != nil {
		return err
	}
	s.add(property, v)
	return nil
}

// writer renders a command.
type writer func(v devices.Value) ([]broker.Message, error)

// builder makes an entity of a configuration. What cannot be used is reported as a fault of the discovery, and the rest of the
// entity works all the same.
type builder struct {
	*entity
	config
	discovery *discovery
	failed    bool
}

func (b *builder) fault(format string, args ...any) {
	b.failed = true
	b.discovery.fault("%s: %s", b.id, fmt.Sprintf(format, args...))
}

func (b *builder) property(p devices.Property) {
	if p.Readable || p.Settable {
		b.properties = append(b.properties, p)
	}
}

// template compiles the template under a key; ok is false when it cannot be, nil means that there is none.
func (b *builder) template(key string) (t *template.Template, ok bool) {
	if !b.has(key) {
		return nil, true
	}
	t, err := b.discovery.templates.Compile(b.text(key, ""))
	if err != nil {
		b.fault("%s: %v", key, err)
		return nil, false
	}
	return t, true
}

// reads makes a reader of a state topic and its template, and says whether there is one.
func (b *builder) reads(topicKey, templateKey string, read func(v template.Value, out *sink) error) bool {
	return b.readsInput(topicKey, templateKey, func(v template.Value, _ input, out *sink) error { return read(v, out) })
}

func (b *builder) readsInput(topicKey, templateKey string, read func(v template.Value, in input, out *sink) error) bool {
	filter := b.text(topicKey, "")
	if filter == "" {
		return false
	}
	if _, _, shared := broker.SplitShared(filter); shared {
		b.fault("%s: a shared subscription cannot report a state", topicKey)
		return false
	}
	if err := broker.ValidFilter(filter); err != nil {
		b.fault("%s: %v", topicKey, err)
		return false
	}
	t, ok := b.template(templateKey)
	if !ok {
		return false
	}
	b.readers = append(b.readers, reader{filter, func(in input, out *sink) error {
		v := template.Of(strings.TrimSpace(in.doc.Text()))
		if t != nil {
			var err error
			if v, err = t.Eval(template.Context{Document: in.doc}); err != nil {
				return err
			}
		}
		if !known(v) {
			return nil
		}
		if err := read(v, in, out); err != nil {
			if t != nil {
				return fmt.Errorf("%s %.100s: %w", templateKey, t.Source(), err)
			}
			return fmt.Errorf("%s: %w", topicKey, err)
		}
		return nil
	}})
	return true
}

// known says whether a template's result is a state: nothing and None are not.
func known(v template.Value) bool {
	switch v.Kind() {
	case template.Undefined, template.None:
		return false
	case template.String:
		return v.Text() != "" && v.Text() != "None"
	}
	return true
}

// outlet is a topic that hears commands.
type outlet struct {
	topic string
	tpl   *template.Template
	latin bool // payloads are single bytes
}

// hears makes an outlet of a command topic and its template; nil when there is none.
func (b *builder) hears(topicKey, templateKey string) *outlet {
	topic := b.text(topicKey, "")
	if topic == "" {
		return nil
	}
	if err := broker.ValidTopic(topic); err != nil {
		b.fault("%s: %v", topicKey, err)
		return nil
	}
	t, ok := b.template(templateKey)
	if !ok {
		return nil
	}
	b.commands = append(b.commands, topic)
	return &outlet{topic: topic, tpl: t, latin: b.latin}
}

// plain publishes a payload as it is.
func (o *outlet) plain(payload string) broker.Message {
	if o.latin {
		return broker.Message{Topic: o.topic, Payload: toLatin(payload)}
	}
	return broker.Message{Topic: o.topic, Payload: []byte(payload)}
}

// send publishes a payload, or what the command template makes of the value. vars are more variables: name, value, ….
func (o *outlet) send(payload string, value template.Value, vars ...any) (broker.Message, error) {
	if o.tpl == nil {
		return o.plain(payload), nil
	}
	context := template.Context{Vars: map[string]template.Value{"value": value}}
	for i := 0; i+1 < len(vars); i += 2 {
		context.Vars[vars[i].(string)] = template.Of(vars[i+1])
	}
	s, err := o.tpl.Render(context)
	if err != nil {
		return broker.Message{}, err
	}
	return o.plain(s), nil
}

func one(m broker.Message, err error) ([]broker.Message, error) {
	if err != nil {
		return nil, err
	}
	return []broker.Message{m}, nil
}

// sendText is a writer that publishes the value's own text, or another one for it.
func (o *outlet) sendText(spell func(v devices.Value) string) writer {
	return func(v devices.Value) ([]broker.Message, error) {
		s := spell(v)
		return one(o.send(s, template.Of(s)))
	}
}

// sendNumber is a writer of a number in the device's own unit.
func (o *outlet) sendNumber(convert func(f float64) float64, variable string) writer {
	return func(v devices.Value) ([]broker.Message, error) {
		f := convert(v.Float())
		if variable == "" {
			return one(o.send(devices.FormatNumber(f), plain(f)))
		}
		return one(o.send(devices.FormatNumber(f), plain(f), variable, plain(f)))
	}
}

// is compares a state with a payload: without regard to case, so that JSON's true is Python's True.
func is(v template.Value, payload string) bool { return strings.EqualFold(v.Text(), payload) }

// expected is the error about a state that is not what it should be.
func expected(what string, got template.Value) error {
	return fmt.Errorf("expected %s, got %.60q", what, got.Text())
}

// object is a state that is a JSON object, whether a template made it or its text did.
func object(v template.Value) (template.Value, error) {
	read := v
	if v.Kind() == template.String {
		read = template.ReadText(v.Text()).JSON()
	}
	if read.Kind() != template.Dict {
		return template.Value{}, expected("a JSON object", v)
	}
	return read, nil
}

// oneOf spells choices for people.
func oneOf(choices []string) string {
	if n := len(choices); n > 12 {
		return "one of " + strings.Join(choices[:12], ", ") + fmt.Sprintf(" and %d more", n-12)
	}
	return "one of " + strings.Join(choices, ", ")
}

// choice finds a state among choices, without regard to case.
func choice(v template.Value, choices []string) (string, error) {
	s := v.Text()
	for _, c := range choices {
		if c == s {
			return c, nil
		}
	}
	for _, c := range choices {
		if strings.EqualFold(c, s) {
			return c, nil
		}
	}
	return "", expected(oneOf(choices), v)
}

// number reads a state that is a number. The words by which devices say that they do not know are no mistake.
func number(v template.Value) (f float64, ok bool, err error) {
	if f, ok = v.Number(); ok {
		return f, true, nil
	}
	switch strings.ToLower(v.Text()) {
	case "unknown", "unavailable", "null", "nan", "inf", "-inf", "n/a", "-":
		return 0, false, nil
	}
	return 0, false, expected("a number", v)
}

// readsNumber is reads for a number that is converted to the model's unit.
func (b *builder) readsNumber(topicKey, templateKey, property string, convert func(f float64) float64) bool {
	return b.reads(topicKey, templateKey, func(v template.Value, out *sink) error {
		f, ok, err := number(v)
		if !ok {
			return err
		}
		return out.float(property, convert(f))
	})
}

// readsBool is reads for two payloads.
func (b *builder) readsBool(topicKey, templateKey, property, on, off string) bool {
	return b.reads(topicKey, templateKey, func(v template.Value, out *sink) error {
		switch {
		case is(v, on):
			out.add(property, devices.BoolValue(true))
		case is(v, off):
			out.add(property, devices.BoolValue(false))
		default:
			return expected(on+" or "+off, v)
		}
		return nil
	})
}

// readsChoice is reads for an enum; without choices any text is taken.
func (b *builder) readsChoice(topicKey, templateKey, property string, choices []string) bool {
	return b.reads(topicKey, templateKey, func(v template.Value, out *sink) error {
		s := v.Text()
		if len(choices) > 0 {
			var err error
			if s, err = choice(v, choices); err != nil {
				return err
			}
		}
		out.add(property, devices.EnumValue(s))
		return nil
	})
}

// enum adds an enum property with a pair of topics, as climates and fans have several of.
func (b *builder) enum(property, prefix, stateTemplate string, choices []string) {
	p := devices.Property{ID: property, Datatype: devices.Enum, Choices: choices}
	reset := b.text("payload_reset_"+prefix, "None")
	p.Readable = b.reads(prefix+"_state_topic", stateTemplate, func(v template.Value, out *sink) error {
		if is(v, reset) && lacking(choices, reset) {
			return nil // it is not known any more
		}
		s, err := choice(v, choices)
		if err != nil {
			return err
		}
		out.add(property, devices.EnumValue(s))
		return nil
	})
	if o := b.hears(prefix+"_command_topic", prefix+"_command_template"); o != nil {
		p.Settable = true
		b.writers[property] = o.sendText(devices.Value.Text)
	}
	b.property(p)
}

// toggle adds a bool property of two payloads.
func (b *builder) toggle(p devices.Property, o *outlet, on, off string) {
	p.Datatype = devices.Bool
	if o != nil {
		p.Settable = true
		b.writers[p.ID] = o.sendText(func(v devices.Value) string {
			if v.Bool() {
				return on
			}
			return off
		})
	}
	b.property(p)
}
