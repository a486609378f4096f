// Package rtldata reads what the decoders of rtl_433 say of a sensor: flat JSON objects with a field for each value, whose names end in
// their units. rtl_433 itself publishes them, and so do gateways that have its decoders built in; the conventions of both call this
// package. It is pure and bounded.
//
// The sources are rtl_433's docs/DATA_FORMAT.md and the field names of its decoders.
package rtldata

import (
	"slices"
	"strings"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/fields"
	"home.arpa/homehub/devices/internal/jsontext"
)

// maxPart is the greatest length of one part of an identity, in bytes.
const maxPart = 40

// Identity is what makes a sensor that sensor. Most of them draw the ID anew when their battery is changed: then they are another sensor,
// to rtl_433 as to us.
type Identity struct {
	// Key is type, model, subtype, channel and ID as far as there are some, spelt as rtl_433 spells them in topics, with slashes
	// between.
	Key     string
	Model   string
	Channel string
	ID      string
}

// AppendKey appends the Key of a sensor's identity; nothing when the object is no sensor's. It is for looking up a sensor that is
// known: Identify says all.
func AppendKey(b []byte, v jsontext.Value) []byte {
	if model := v.Get("model"); model.Kind() != jsontext.Text || model.Text() == "" {
		return b
	}
	start := len(b)
	for _, name := range [...]string{"type", "model", "subtype", "channel", "id"} {
		s := part(v.Get(name))
		if s == "" {
			continue
		}
		if len(b) > start {
			b = append(b, '/')
		}
		b = sanitize(b, s)
	}
	return b
}

// Identify reads the identity of a sensor; ok is false when the object is no sensor's.
func Identify(v jsontext.Value) (i Identity, ok bool) {
	i.Key = string(AppendKey(nil, v))
	i.Model = strings.Clone(part(v.Get("model")))
	i.Channel, i.ID = strings.Clone(part(v.Get("channel"))), strings.Clone(part(v.Get("id")))
	return i, i.Key != ""
}

// part is a part of the identity as text, cut if it is longer than any of a decoder's.
func part(v jsontext.Value) string {
	s := ""
	switch v.Kind() {
	case jsontext.Text:
		s = v.Text()
	case jsontext.Number:
		s = v.JSON()
	}
	if len(s) > maxPart {
		s = s[:maxPart]
	}
	return strings.ToValidUTF8(s, "?")
}

// sanitize appends a text as rtl_433 spells it in topics.
func sanitize(b []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c != '-' && c != '.' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			c = '_'
		}
		b = append(b, c)
	}
	return b
}

// Name is what people call the sensor until they give it a better name: its model, and its channel or else its ID.
func (i Identity) Name() string {
	name := strings.ReplaceAll(i.Model, "_", " ")
	switch {
	case i.Channel != "":
		return name + " channel " + i.Channel
	case i.ID != "":
		return name + " " + i.ID
	}
	return name
}

// Maker splits a model into manufacturer and model, as the naming rule of rtl_433 has them.
func (i Identity) Maker() (manufacturer, model string) {
	if a, b, ok := strings.Cut(i.Model, "-"); ok && a != "" && b != "" {
		return a, b
	}
	return "", i.Model
}

// skipped are fields that say nothing of the house: what identifies the sensor, and how its signal was.
var skipped = set("time", "type", "model", "subtype", "channel", "id", "mic", "mod", "freq", "freq1", "freq2", "protocol", "description",
	"sequence_num", "sequence", "seq", "message_type", "msg_type", "msg_counter", "exception", "raw_msg", "raw", "raw_message", "data", "len",
	"flags", "flags1", "flags2", "unknown", "unknown1", "unknown2", "codes", "rows", "num_rows", "rolling", "encrypted", "length", "tag", "key",
	"duration", "repeat", "origin", "mhz", "RTLRssiThresh", "freemem", "passes", "radio_clock", "startup", "test")

func set(words ...string) map[string]bool {
	m := map[string]bool{}
	for _, w := range words {
		m[w] = true
	}
	return m
}

// Meaning is what a field is in the model; ok is false for one that is skipped. The sample is its first value, which tells the type of
// what no table has.
func Meaning(key string, sample jsontext.Value) (m fields.Meaning, ok bool) {
	if skipped[key] || len(key) > maxPart {
		return m, false
	}
	if m, ok = known[key]; ok {
		return m, true
	}
	if m, ok = measured(key); ok {
		if _, number := sample.Numeric(); number {
			return m, true
		}
	}
	return fields.Unknown(key, sample)
}

// seldom are fields of what speaks when something happens, and of wheels, which sleep when they stand.
var seldom = []string{"contact_open", "reed_open", "closed", "opened", "motion", "pressure_PSI", "pressure_kPa", "pressure_bar"}

// Silence is the longest time that a sensor with these fields keeps silent: what measures the weather speaks every minute or so, and
// half an hour of silence is more than bad reception. Remotes, doors and motion sensors speak when something happens; of
// those it is not known.
func Silence(s *fields.Set) time.Duration {
	for _, c := range s.Components() {
		if c.Kind == devices.EventSource {
			return 0
		}
	}
	for _, key := range []string{
		"temperature_C", "temperature_F", "humidity", "wind_avg_km_h", "wind_avg_m_s", "wind_avg_mi_h", "rain_mm", "rain_in", "power_W", "moisture",
	} {
		if s.Knows(key) && !slices.ContainsFunc(seldom, s.Knows) {
			return 30 * time.Minute
		}
	}
	return 0
}
