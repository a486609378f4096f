package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const summarised = 4 // values

// summary is the device's most telling values in a few words, and what is wrong with it.
func (d device) summary() string {
	var parts []string
	for _, ref := range d.Telling {
		if r, ok := d.Reported[ref]; ok && len(parts) < summarised {
			parts = append(parts, d.label(ref)+d.propertyAt(ref).spell(r.Value))
		}
	}
	text := strings.Join(parts, ", ")
	if d.Faults > 0 {
		text = strings.TrimSpace(fmt.Sprintf("%s (%s not understood)", text, messages(d.Faults)))
	}
	return text
}

// vague are the IDs of properties that say nothing without their component's.
var vague = map[string]bool{"on": true, "state": true, "value": true, "option": true, "text": true, "event": true, "duration": true}

// label is what stands before a property's value in a summary, with a space behind it. "on" and "locked" need none, unless the
// device has several of the kind, or has a switch that does something else than to switch it, such as "running".
func (d device) label(ref string) string {
	component, id, _ := strings.Cut(ref, "/")
	if !vague[id] {
		return id + " "
	}
	alike := 0
	for _, other := range d.Telling {
		if strings.HasSuffix(other, "/"+id) {
			alike++
		}
	}
	if alike == 1 && (id == "on" || id == "state") && d.plainly(component) {
		return ""
	}
	return component + " "
}

// plainly says whether a component is named after what it is: light, switch-0, relay.
func (d device) plainly(id string) bool {
	i := slices.IndexFunc(d.Components, func(c component) bool { return c.ID == id })
	return i >= 0 && (strings.HasPrefix(id, d.Components[i].Kind) || strings.HasPrefix(id, "relay") || d.Components[i].Kind != "switch")
}

func (d device) propertyAt(ref string) property {
	component, id, _ := strings.Cut(ref, "/")
	return d.property(component, id)
}

// fault is a message that could not be understood.
type fault struct {
	Topic  string    `json:"topic"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Count  int       `json:"count"`
	Sample string    `json:"sample"`
}

// text says what was wrong where, when, and with what.
func (f fault) text(now time.Time) string {
	text := fmt.Sprintf("%s (on %s, ", f.Reason, f.Topic)
	if f.Count > 1 {
		text += fmt.Sprintf("%d times, last ", f.Count)
	}
	text += ago(f.At, now) + ")"
	if f.Sample != "" {
		text += ": " + f.Sample
	}
	return text
}

func messages(n int) string {
	if n == 1 {
		return "1 message"
	}
	return fmt.Sprintf("%d messages", n)
}
