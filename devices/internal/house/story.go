package house

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/hub"
)

// File are the messages of a file under testdata: lines of topic, retained, payload with tabs between; columns after these and lines
// that begin with # are for people.
func File(t testing.TB, name string) []broker.Message {
	t.Helper()
	return read(t, filepath.Join("testdata", name))
}

// read reads a file of messages, which must have some.
func read(t testing.TB, path string) []broker.Message {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []broker.Message
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(f) >= 3 && !strings.HasPrefix(line, "#") {
			out = append(out, broker.Message{Topic: f[0], Retain: f[1] == "1", Payload: []byte(f[2])})
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s has no messages", path)
	}
	return out
}

// Seeds are the houses that Fuzz begins with: all messages together, and each alone.
func Seeds(messages []broker.Message) [][]string {
	whole := make([]string, len(messages))
	out := [][]string{whole}
	for i, m := range messages {
		if whole[i] = m.Topic + " " + string(m.Payload); m.Retain {
			whole[i] = "=" + whole[i]
		}
		out = append(out, whole[i:i+1])
	}
	return out
}

// Say gives a message to a convention, and returns what it made of it as Spell has it.
func Say(c hub.Convention, topic, payload string) []string {
	m := broker.Message{Topic: topic, Payload: []byte(payload)}
	return Spell(c.Apply(m, c.Parse(m)))
}

// Spell spells an update, one thing a line.
func Spell(u hub.Update) []string {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, a := range u.Devices {
		d := a.Device
		say("device %s %q %v %s %s %s", a.Key, d.Name, d.Connections, d.Manufacturer, d.Model, d.Firmware)
		for _, c := range d.Components {
			for _, p := range c.Properties {
				say("  %s %s/%s", c.Kind, c.ID, property(p))
			}
		}
	}
	for _, key := range u.Gone {
		say("gone %s", key)
	}
	for _, r := range u.Reaches {
		say("%s is %s: %s", r.Key, r.Presence, r.Why)
	}
	for _, r := range u.Readings {
		say("%s %s = %.60s", r.Key, r.Ref, r.Value)
	}
	for _, f := range u.Faults {
		say("fault %s at %s: %s", f.Key, f.Topic, f.Reason)
	}
	return lines
}

// Story is what a convention makes of one message after the other, as golden files have it.
func Story(c hub.Convention, messages []broker.Message) string {
	var b strings.Builder
	for _, m := range messages {
		fmt.Fprintf(&b, "%s %.60s\n", m.Topic, m.Payload)
		for _, line := range Spell(c.Apply(m, c.Parse(m))) {
			b.WriteString("    " + line + "\n")
		}
	}
	return b.String()
}
