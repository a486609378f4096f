package homie_test

import (
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homie"
	shared "home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/hub"
)

// FuzzParseApply feeds lines of "topic payload" (R in front for a replay) and checks that the convention stays sane: values
// belong to announced properties and have their type, what was reported can be told back, and the exporter can spell it.
func FuzzParseApply(f *testing.F) {
	seeds := 0
	var all strings.Builder
	for _, m := range shared.File(f, "house.tsv") {
		if m.Retain {
			all.WriteString("R")
		}
		all.WriteString(m.Topic + " " + string(m.Payload) + "\n")
		f.Add(m.Topic + " " + string(m.Payload))
		seeds++
	}
	f.Add(all.String())
	if seeds == 0 {
		f.Fatal("the seed corpus is empty")
	}
	f.Fuzz(func(t *testing.T, script string) {
		c, e := homie.New(), homie.NewExporter("hub")
		known := map[string]devices.Device{}
		for line := range strings.SplitSeq(script, "\n") {
			topic, payload, _ := strings.Cut(line, " ")
			topic, replay := strings.CutPrefix(topic, "R")
			if broker.ValidTopic(topic) != nil {
				continue
			}
			m := broker.Message{Topic: topic, Payload: []byte(payload), Retain: replay}
			u := c.Apply(m, c.Parse(m))
			for _, a := range u.Devices {
				known[a.Key] = a.Device
				e.Describe(hub.View{Device: a.Device})
			}
			for _, r := range append(u.Readings, u.Targets...) {
				d := known[r.Key]
				p := d.Property(r.Ref)
				if p == nil {
					t.Fatalf("%q: a value of %s %s, which is not known", line, r.Key, r.Ref)
				}
				if r.Value.IsZero() {
					continue
				}
				if r.Value.Datatype() != p.Datatype {
					t.Fatalf("%q: %s is a %s, not a %s", line, r.Ref, r.Value.Datatype(), p.Datatype)
				}
				e.Value(d.ID, *p, r.Ref, r.Value)
				if p.Check(r.Value) == nil {
					if _, err := c.Encode(r.Key, r.Ref, r.Value); err != nil {
						t.Fatalf("%q: %s = %v cannot be told back: %v", line, r.Ref, r.Value, err)
					}
				}
			}
			for _, key := range u.Gone {
				delete(known, key)
			}
		}
		for key := range known {
			c.Forget(key)
		}
	})
}

func TestCollectedMessages(t *testing.T) {
	l := listen(t)
	faults := 0
	for _, m := range shared.Recorded(t, "homie.tsv") {
		for _, said := range l.take(m) {
			if strings.HasPrefix(said, "fault") {
				t.Errorf("%s %s: %s", m.Topic, m.Payload, said)
				faults++
			}
		}
	}
	if len(l.devices) != 1 || faults > 0 {
		t.Errorf("announced %v with %d faults", l.devices, faults)
	}
}
