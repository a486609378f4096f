package homeassistant

import (
	"fmt"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// sourceConfig is one topic that tells whether an entity can be reached.
type sourceConfig struct {
	topic, tplText, on, off string
	tpl                     *template.Template
}

// same says whether two entities mean the same source, so that the device looks at it once.
func (s sourceConfig) id() [4]string { return [4]string{s.topic, s.tplText, s.on, s.off} }

// availability reads either one topic or a list of them.
func (b *builder) availability() {
	b.mode = b.text("availability_mode", "latest")
	switch b.mode {
	case "all", "any", "latest":
	default:
		b.fault("availability_mode is %.20q", b.mode)
		b.mode = "latest"
	}
	entries := b.config["availability"]
	if entries.Kind() == template.List {
		for i := range min(entries.Len(), 32) {
			entry := expand(entries.At(i), entityKeys)
			entry["topic"] = template.Of(tilde(entry.text("topic", ""), b.text("~", "~")))
			b.source(entry, "topic", "value_template")
		}
		return
	}
	if entries.Kind() == template.Dict { // one entry without the list around it
		entry := expand(entries, entityKeys)
		entry["topic"] = template.Of(tilde(entry.text("topic", ""), b.text("~", "~")))
		b.source(entry, "topic", "value_template")
		return
	}
	if b.has("availability_topic") {
		b.source(b.config, "availability_topic", "availability_template")
	}
}

func (b *builder) source(c config, topicKey, templateKey string) {
	s := sourceConfig{
		topic: c.text(topicKey, ""), tplText: c.text(templateKey, ""),
		on: c.text("payload_available", "online"), off: c.text("payload_not_available", "offline"),
	}
	_, _, shared := broker.SplitShared(s.topic)
	if err := broker.ValidFilter(s.topic); err != nil || shared {
		b.fault("availability: %q is not a topic to subscribe to", s.topic)
		return
	}
	if s.tplText != "" {
		var err error
		if s.tpl, err = b.discovery.templates.Compile(s.tplText); err != nil {
			b.fault("availability: %v", err)
			return
		}
	}
	b.sources = append(b.sources, s)
}

// source is one availability topic of one device, with what it said last.
type source struct {
	sourceConfig
	says  devices.Presence // Unknown, Online, Offline
	heard uint64           // when, in the order of all messages
	bad   bool             // it could not be read last time
}

// hear takes a message of the source's topic. Other payloads than the two change nothing.
func (s *source) hear(doc *template.Document, now uint64) (changed bool, err error) {
	said := strings.TrimSpace(doc.Text())
	if s.tpl != nil {
		if said, err = s.tpl.Render(template.Context{Document: doc}); err != nil {
			return false, err
		}
	}
	switch {
	case strings.EqualFold(said, s.on):
		s.says = devices.Online
	case strings.EqualFold(said, s.off):
		s.says = devices.Offline
	default:
		return false, nil
	}
	s.heard = now
	return true, nil
}

// why is the reason that the source gives, for people.
func (s *source) why() string {
	said := s.on
	if s.says == devices.Offline {
		said = s.off
	}
	return fmt.Sprintf("availability topic %s says %.40s", s.topic, said)
}

// reach is what an entity's sources say together, and which of them decides.
func reach(mode string, sources []*source) (devices.Presence, *source) {
	var latest, on, off *source
	unknown := false
	for _, s := range sources {
		switch s.says {
		case devices.Online:
			if on == nil || s.heard > on.heard {
				on = s
			}
		case devices.Offline:
			if off == nil || s.heard > off.heard {
				off = s
			}
		default:
			unknown = true
			continue
		}
		if latest == nil || s.heard > latest.heard {
			latest = s
		}
	}
	switch {
	case mode == "latest" && latest != nil:
		return latest.says, latest
	case mode == "all" && off != nil, mode == "any" && off != nil && on == nil && !unknown:
		return devices.Offline, off
	case mode == "all" && on != nil && !unknown, mode == "any" && on != nil:
		return devices.Online, on
	}
	return devices.Unknown, nil
}
