package valetudo

import (
	"strings"

	"home.arpa/homehub/devices"
)

// part is how a node is called here.
type part struct{ id, category string }

// parts are the nodes that stay what they are in Homie, under names for people.
var parts = map[string]part{
	battery:                                 {"battery", "diagnostic"},
	status:                                  {"status", "diagnostic"},
	"attachmentstateattribute":              {"attachments", "diagnostic"},
	"dockstatusstateattribute":              {"dock", "diagnostic"},
	"dockcomponentstateattribute":           {"dock-supplies", "diagnostic"},
	"currentstatisticscapability":           {"current-statistics", "diagnostic"},
	"totalstatisticscapability":             {"total-statistics", "diagnostic"},
	"wificonfigurationcapability":           {"wifi", "diagnostic"},
	"waterusagecontrolcapability":           {"water", ""},
	"operationmodecontrolcapability":        {"mode", ""},
	"keylockcapability":                     {"key-lock", "config"},
	"carpetmodecontrolcapability":           {"carpet-mode", "config"},
	"carpetsensormodecontrolcapability":     {"carpet-sensor-mode", "config"},
	"obstacleavoidancecontrolcapability":    {"obstacle-avoidance", "config"},
	"petobstacleavoidancecontrolcapability": {"pet-obstacle-avoidance", "config"},
	"speakervolumecontrolcapability":        {"speaker-volume", "config"},
	"autoemptydockmanualtriggercapability":  {"empty-dustbin", ""},
	"gotolocationcapability":                {"go-to-location", "config"},
	"mapsegmentationcapability":             {"clean-segments", "config"},
	"zonecleaningcapability":                {"clean-zones", "config"},
}

// other takes over a node that the vacuum is not made of, or what is left of one: the battery's charging, the description of an error.
func (r *robot) other(c devices.Component) {
	name, known := parts[c.ID]
	if !known {
		name = part{strings.TrimSuffix(strings.TrimSuffix(c.ID, "capability"), "stateattribute"), "diagnostic"}
	}
	out := devices.Component{ID: name.id, Kind: c.Kind, Name: c.Name, Category: name.category}
	if out.ID == "" || r.device.Component(out.ID) != nil {
		out.ID = c.ID
	}
	for _, p := range c.Properties {
		from := devices.Ref{Component: c.ID, Property: p.ID}
		if _, used := r.readers[from]; used || c.ID == control || c.ID == locate || c.ID == status && p.ID == "error" {
			continue
		}
		to := devices.Ref{Component: out.ID, Property: p.ID}
		switch {
		case p.Datatype == devices.Enum && p.Settable && len(p.Choices) == 1 && p.Choices[0] == perform:
			p = act(devices.Press)
			out.Kind, to.Property = devices.Button, p.ID
			r.writers[to] = writer{from, word(perform)}
		default:
			if p.Momentary && p.Settable {
				p.Readable = false // it answers with the same words, which are no event
				out.Hidden = true
			}
			if p.Readable {
				r.readers[from] = reader{ref: to}
			}
			if p.Settable {
				r.writers[to] = writer{ref: from}
			}
		}
		out.Properties = append(out.Properties, p)
	}
	if len(out.Properties) > 0 {
		r.device.Components = append(r.device.Components, out)
	}
}
