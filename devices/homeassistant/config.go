package homeassistant

import (
	"math"
	"strings"

	"home.arpa/homehub/devices/homeassistant/template"
)

// config is one component's configuration with full keys and with ~ replaced.
type config map[string]template.Value

// expand writes out a dict's keys. Keys of some firmware have white space at their end.
func expand(v template.Value, abbreviations map[string]string) config {
	out := make(config, v.Len())
	for i := range v.Len() {
		key := strings.TrimSpace(v.Key(i))
		if full, ok := abbreviations[key]; ok {
			key = full
		}
		out[key] = v.At(i)
	}
	return out
}

// inherited are the keys that the components of a device's message take from its top.
var inherited = []string{
	"availability", "availability_mode", "availability_template", "availability_topic", "command_topic", "state_topic",
	"encoding", "qos", "payload_available", "payload_not_available", "message_expiry_interval", "~",
}

// inherit takes from the top of a device's message what the component does not say itself.
func (c config) inherit(top config) {
	_, many := c["availability"]
	_, one := c["availability_topic"]
	for _, key := range inherited {
		if _, own := c[key]; own || (many || one) && strings.Contains(key, "availab") {
			continue
		}
		if v, ok := top[key]; ok {
			c[key] = v
		}
	}
}

// rebase replaces ~ at the beginning and the end of topics by the base topic.
func (c config) rebase() {
	base := c["~"]
	if base.Kind() != template.String {
		return
	}
	for key, v := range c {
		if strings.HasSuffix(key, "topic") && v.Kind() == template.String {
			c[key] = template.Of(tilde(v.Text(), base.Text()))
		}
	}
}

func tilde(topic, base string) string {
	if rest, ok := strings.CutPrefix(topic, "~"); ok {
		topic = base + rest
	}
	if rest, ok := strings.CutSuffix(topic, "~"); ok {
		topic = rest + base
	}
	return topic
}

// has says whether a key is there and not null.
func (c config) has(key string) bool {
	v, ok := c[key]
	return ok && v.Kind() != template.None
}

// isNull says whether a key is there and null.
func (c config) isNull(key string) bool { return c[key].Kind() == template.None }

// text is a value as text: what is not text is spelt as Python does, but for lists and dicts, which are spelt as JSON.
func (c config) text(key, def string) string {
	switch v := c[key]; v.Kind() {
	case template.Undefined, template.None:
		return def
	case template.List, template.Dict:
		s, _ := v.JSON()
		return s
	default:
		return v.Text()
	}
}

// number is a number, or a text that spells one.
func (c config) number(key string) (float64, bool) { return c[key].Number() }

// numberOr is number with a default.
func (c config) numberOr(key string, def float64) float64 {
	if f, ok := c.number(key); ok {
		return f
	}
	return def
}

// yes is a bool, or a text that spells one.
func (c config) yes(key string) bool {
	v := c[key]
	if v.Kind() == template.String {
		switch strings.ToLower(v.Text()) {
		case "true", "1", "yes", "on", "enable":
			return true
		}
		return false
	}
	return v.Truth()
}

// list is a list of texts. Some firmware sends the list as text: as JSON, or with commas.
func (c config) list(key string) []string {
	v := c[key]
	if v.Kind() == template.String {
		if d := template.ReadText(strings.ReplaceAll(v.Text(), "'", `"`)); d.JSON().Kind() == template.List {
			v = d.JSON()
		} else {
			var out []string
			for part := range strings.SplitSeq(v.Text(), ",") {
				if part = strings.TrimSpace(part); part != "" {
					out = append(out, part)
				}
			}
			return unique(out)
		}
	}
	if v.Kind() != template.List {
		return nil
	}
	out := make([]string, 0, v.Len())
	for i := range v.Len() {
		if k := v.At(i).Kind(); k != template.None && k != template.List && k != template.Dict {
			out = append(out, v.At(i).Text())
		}
	}
	return unique(out)
}

func unique(list []string) []string {
	seen := make(map[string]bool, len(list))
	out := list[:0]
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// plain is a number as templates should see it: an int when it is whole.
func plain(f float64) template.Value {
	if f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
		return template.Of(int64(f))
	}
	return template.Of(f)
}
