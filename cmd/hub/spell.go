package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// meanings are the words for false and true of a bool, by the property's class.
var meanings = map[string][2]string{
	"outlet": {"off", "on"}, "switch": {"off", "on"},
	"door": {"closed", "open"}, "garage_door": {"closed", "open"}, "window": {"closed", "open"}, "opening": {"closed", "open"},
	"lock":   {"locked", "unlocked"},
	"motion": {"clear", "motion"}, "occupancy": {"clear", "occupied"}, "presence": {"away", "present"},
	"smoke": {"clear", "smoke"}, "moisture": {"dry", "wet"}, "gas": {"clear", "gas"}, "carbon_monoxide": {"clear", "gas"},
	"battery": {"normal", "low"}, "problem": {"fine", "problem"}, "vibration": {"still", "moving"},
}

// spell writes a value for people: rounded, with its unit, in words. Those who want it exactly take --json.
func (p property) spell(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	switch v := v.(type) {
	case string:
		return v
	case bool:
		words, ok := meanings[p.Class]
		if p.ID == "on" {
			words, ok = meanings["switch"], true
		}
		switch {
		case !ok:
			return strconv.FormatBool(v)
		case v:
			return words[1]
		}
		return words[0]
	case float64:
		text := round(v, p.Unit)
		if p.Unit != "" {
			text += " " + p.Unit
		}
		return text
	case map[string]any:
		hue, ok1 := v["hue"].(float64)
		saturation, ok2 := v["saturation"].(float64)
		if ok1 && ok2 {
			return round(hue, "°") + "," + round(saturation, "%") // as "hub device set" takes it
		}
	}
	return string(raw)
}

// round spells a number with as many digits as people can use: one after the point of a percentage or an angle, else three,
// but three in all of what is less than one.
func round(v float64, unit string) string {
	places := 3
	switch a := math.Abs(v); {
	case unit == "%" || unit == "°":
		places = 1
	case a > 0 && a < 1:
		places = 2 - int(math.Floor(math.Log10(a)))
	}
	text := strconv.FormatFloat(v, 'f', places, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}

// takes says what the property can be set to.
func (p property) takes() string {
	choices := p.Choices
	if len(p.Wanted) > 0 {
		choices = p.Wanted
	}
	switch {
	case !p.Settable:
		return ""
	case len(choices) > 0:
		return strings.Join(choices, "|")
	case p.Datatype == "bool" && p.Momentary:
		return "true"
	case p.Datatype == "bool" && p.ID == "on":
		return "on|off"
	case p.Datatype == "bool":
		return "true|false"
	case p.Datatype == "color":
		return "HUE,SATURATION or #rrggbb"
	case p.Min != nil && p.Max != nil:
		return round(*p.Min, p.Unit) + " to " + round(*p.Max, p.Unit)
	case p.Datatype == "int" || p.Datatype == "float":
		return "a number"
	}
	return p.Datatype
}

// ago spells how long ago a time was.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return span(now.Sub(t)) + " ago"
}

// span spells a duration in one or two units.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < 0:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}
