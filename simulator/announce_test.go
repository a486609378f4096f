package simulator_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator"
)

// announced calls visit with what each device of a house of 60, which has every kind in both languages, says first.
func announced(t *testing.T, visit func(t *testing.T, tape *tape, said []broker.Message)) {
	t.Helper()
	house, err := twoLanguages(simulator.DefaultHouse()).Resize(60)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		live(t, house, simulator.Options{}, func(_ *simulator.Simulator, ts *tapes) {
			for _, tape := range ts.all {
				visit(t, tape, tape.taken())
			}
		})
	})
}

func TestHomieDevicesKeepToTheConvention(t *testing.T) {
	word := regexp.MustCompile(`^[a-z0-9-]+$`)
	devices := 0
	announced(t, func(t *testing.T, tape *tape, said []broker.Message) {
		base := "homie/5/" + tape.id + "/"
		if !strings.HasPrefix(said[0].Topic, "homie/") {
			return
		}
		devices++
		values := map[string]string{}
		if ready := slices.IndexFunc(said, func(m broker.Message) bool { return string(m.Payload) == "ready" }); ready > 0 {
			said = said[:ready+1] // what follows are changes
		}
		for _, m := range said {
			if !strings.HasPrefix(m.Topic, base) {
				t.Errorf("%s publishes to %s", tape.id, m.Topic)
			}
			if !m.Retain || m.QoS != 1 {
				t.Errorf("%s is not retained with QoS 1", m.Topic)
			}
			values[strings.TrimPrefix(m.Topic, base)] = string(m.Payload)
		}
		first, end := said[0], said[len(said)-1]
		if first.Topic != base+"$state" || string(first.Payload) != "init" || end.Topic != base+"$state" || string(end.Payload) != "ready" {
			t.Errorf("%s does not begin with init and end with ready", tape.id)
		}
		var d struct {
			Homie, Name string
			Version     int
			Nodes       map[string]struct {
				Type       string
				Properties map[string]struct {
					Datatype, Format, Unit string
					Settable               bool
					Retained               *bool
				}
			}
		}
		if err := json.Unmarshal([]byte(values["$description"]), &d); err != nil {
			t.Fatalf("%s: %v", tape.id, err)
		}
		if d.Homie != "5.0" || d.Version < 1 || d.Name == "" {
			t.Errorf("%s describes itself as %+v", tape.id, d)
		}
		count := 2
		for node, n := range d.Nodes {
			for id, p := range n.Properties {
				path := node + "/" + id
				if !word.MatchString(node) || !word.MatchString(id) || n.Type == "" {
					t.Errorf("%s: %s (%s) is no path", tape.id, path, n.Type)
				}
				if listens := tape.listens(base + path + "/set"); p.Settable && !listens {
					t.Errorf("%s does not listen for %s", tape.id, path)
				}
				value, has := values[path]
				if momentary := p.Retained != nil && !*p.Retained; momentary == has {
					t.Errorf("%s: %s is momentary: %v, and has a value: %v", tape.id, path, momentary, has)
				}
				if !has {
					continue
				}
				count++
				for _, v := range []string{value, values[path+"/$target"]} {
					if err := homieFits(p.Datatype, p.Format, v); v != "" && err != nil {
						t.Errorf("%s: %s: %v", tape.id, path, err)
					}
				}
				if _, has := values[path+"/$target"]; has {
					count++
				}
			}
		}
		if count != len(values) {
			t.Errorf("%s says %d things, of which %d are described", tape.id, len(values), count)
		}
	})
	if devices < 20 {
		t.Errorf("only %d devices speak Homie", devices)
	}
}

func homieFits(datatype, format, value string) error {
	low, high := "", ""
	switch datatype {
	case "boolean":
		if value != "true" && value != "false" {
			return fmt.Errorf("%q is no boolean", value)
		}
		return nil
	case "enum":
		if !slices.Contains(strings.Split(format, ","), value) {
			return fmt.Errorf("%q is not in %s", value, format)
		}
		return nil
	case "color":
		if format != "hsv" || !regexp.MustCompile(`^hsv(,[0-9.]+){3}$`).MatchString(value) {
			return fmt.Errorf("%q is no color of %s", value, format)
		}
		return nil
	case "integer":
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return err
		}
	case "float":
	default:
		return fmt.Errorf("there is no datatype %q", datatype)
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || format == "" {
		return err
	}
	low, rest, _ := strings.Cut(format, ":")
	high, _, _ = strings.Cut(rest, ":")
	if from, err := strconv.ParseFloat(low, 64); err != nil || f < from {
		return fmt.Errorf("%s is below %s (%w)", value, format, err)
	}
	if to, err := strconv.ParseFloat(high, 64); err != nil || f > to {
		return fmt.Errorf("%s is above %s (%w)", value, format, err)
	}
	return nil
}

func TestDiscoveryNamesTopicsThatAreThere(t *testing.T) {
	unique := map[string]string{}
	devices := 0
	announced(t, func(t *testing.T, tape *tape, said []broker.Message) {
		if !strings.HasPrefix(said[0].Topic, "homeassistant/") {
			return
		}
		devices++
		topics := map[string]string{}
		for _, m := range said {
			topics[m.Topic] = string(m.Payload)
		}
		if topics["sim/"+tape.id+"/availability"] != "online" {
			t.Errorf("%s is not available", tape.id)
		}
		check := func(c map[string]any) {
			base, _ := c["~"].(string)
			id, _ := either(c, "unique_id", "uniq_id").(string)
			if other, twice := unique[id]; twice || id == "" {
				t.Errorf("%s: the unique id %q is also %s's", tape.id, id, other)
			}
			unique[id] = tape.id
			commands := 0
			for key, v := range c {
				text, ok := v.(string)
				if !ok || !(strings.HasSuffix(key, "_topic") || strings.HasSuffix(key, "_t")) {
					continue
				}
				topic := text
				if rest, ok := strings.CutPrefix(text, "~"); ok && base != "" {
					topic = base + rest
				}
				if strings.Contains(key, "command") || strings.Contains(key, "cmd") || strings.HasPrefix(key, "set_pos") {
					commands++
					if !tape.listens(topic) {
						t.Errorf("%s names %s %s, but does not listen there", tape.id, key, topic)
					}
				} else if _, ok := topics[topic]; !ok {
					t.Errorf("%s names %s %s, but says nothing there", tape.id, key, topic)
				}
			}
			for key, v := range c {
				if text, ok := v.(string); ok && strings.Contains(text, "{{") {
					value := topics["sim/"+tape.id]
					path := regexp.MustCompile(`[a-z_-]+`).FindAllString(strings.TrimPrefix(text, "{{ value_json"), -1)
					for _, word := range path {
						if word != "int" && !strings.Contains(value, `"`+word+`"`) {
							t.Errorf("%s: %s %s is not in %s", tape.id, key, text, value)
						}
					}
				}
			}
		}
		configs := 0
		for _, m := range said {
			if !strings.HasSuffix(m.Topic, "/config") {
				continue
			}
			configs++
			if !m.Retain {
				t.Errorf("%s is not retained", m.Topic)
			}
			var c map[string]any
			if err := json.Unmarshal(m.Payload, &c); err != nil {
				t.Fatalf("%s: %v", m.Topic, err)
			}
			origin, _ := either(c, "origin", "o").(map[string]any)
			device, _ := either(c, "device", "dev").(map[string]any)
			if origin["name"] != "Homehub simulator" || device["name"] == "" || either(device, "suggested_area", "sa") == nil {
				t.Errorf("%s has the origin %v and the device %v", m.Topic, origin, device)
			}
			components, inDeviceForm := either(c, "components", "cmps").(map[string]any)
			if !inDeviceForm {
				check(c)
			}
			for key, v := range components {
				component, _ := v.(map[string]any)
				if either(component, "platform", "p") == nil {
					t.Errorf("%s: component %s has no platform", m.Topic, key)
				}
				check(component)
			}
		}
		if configs == 0 {
			t.Errorf("%s has no discovery", tape.id)
		}
	})
	if devices < 20 {
		t.Errorf("only %d devices speak Home Assistant discovery", devices)
	}
}

func either(m map[string]any, keys ...string) any {
	for _, key := range keys {
		if v, ok := m[key]; ok {
			return v
		}
	}
	return nil
}

func TestTheDevicesThatTheDocumentationNamesAreThere(t *testing.T) {
	said := map[string][]broker.Message{}
	announced(t, func(_ *testing.T, tape *tape, list []broker.Message) { said[tape.id] = list })
	for device, want := range map[string]string{
		"living-room-lamp": `"components":{"light":{"brightness":true`,
		"motion-hall":      `"motion":{"dev_cla":"occupancy"`,
		"hall-lamp":        `"nodes":{"light":{"name":"Light","type":"light","properties":{"brightness"`,
	} {
		if !strings.Contains(show(said[device]), want) {
			t.Errorf("%s announces itself without %s:\n%s", device, want, show(said[device]))
		}
	}
}
