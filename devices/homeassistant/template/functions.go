package template

import (
	"math"
	"strings"
	"time"
)

// initFunctions fills the table of functions. Those that ask Home Assistant for the state of another entity answer as it
// does for one that it does not know.
func initFunctions() {
	constantly := func(v Value) *operation {
		return &operation{params: []string{"*"}, do: func(*frame, []Value) (Value, error) { return v, nil }}
	}
	functions = map[string]*operation{
		"float":        {params: []string{"value", "default"}, needed: 1, do: toFloat},
		"int":          {params: []string{"value", "default", "base"}, needed: 1, do: toInt},
		"bool":         {params: []string{"value", "default"}, needed: 1, do: toBool},
		"max":          {params: []string{"*"}, do: func(f *frame, a []Value) (Value, error) { return f.extreme(a, greater) }},
		"min":          {params: []string{"*"}, do: func(f *frame, a []Value) (Value, error) { return f.extreme(a, less) }},
		"is_number":    {params: []string{"value"}, needed: 1, do: func(f *frame, a []Value) (Value, error) { return isNumber(f, a[0]) }},
		"iif":          {params: []string{"value", "if_true", "if_false", "if_none"}, needed: 1, do: iif},
		"now":          {do: func(f *frame, _ []Value) (Value, error) { return text(spellTime(f.now(), " ")), nil }},
		"utcnow":       {do: func(f *frame, _ []Value) (Value, error) { return text(spellTime(f.now().UTC(), " ")), nil }},
		"as_timestamp": {params: []string{"value", "default"}, needed: 1, do: asTimestamp},
		"range":        {params: []string{"start", "stop", "step"}, needed: 1, do: rangeOf},
		"zip":          {params: []string{"*"}, do: zip},
		"states":       constantly(text("unknown")),
		"state_attr":   constantly(none),
		"is_state":     constantly(boolean(false)),
		"has_value":    constantly(boolean(false)),
	}
}

func (f *frame) now() time.Time {
	if f.Now.IsZero() {
		return time.Now()
	}
	return f.Now
}

// spellTime writes a time as Python's datetime does: with microseconds if there are any.
func spellTime(t time.Time, between string) string {
	layout := "2006-01-02" + between + "15:04:05"
	if t.Nanosecond()/1000 != 0 {
		layout += ".000000"
	}
	return t.Format(layout + "-07:00")
}

func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{
		"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00",
		"2006-01-02",
	} {
		if t, err := time.Parse(layout, strings.Replace(strings.TrimSpace(s), " ", "T", 1)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func timestampOf(s string) (Value, error) {
	t, ok := parseTime(s)
	if !ok {
		return Value{}, mistake("%.40q is not a time", s)
	}
	return floating(float64(t.UnixMicro()) / 1e6), nil
}

func isoFormat(s string) (Value, error) {
	t, ok := parseTime(s)
	if !ok {
		return Value{}, mistake("%.40q is not a time", s)
	}
	return text(spellTime(t, "T")), nil
}

func asTimestamp(_ *frame, a []Value) (Value, error) {
	if a[0].kind == Int || a[0].kind == Float {
		return floating(a[0].asFloat()), nil
	}
	if v, err := timestampOf(brief(a[0])); err == nil {
		return v, nil
	}
	return otherwise("as_timestamp", a[0], a[1])
}

func timestampLocal(f *frame, a []Value) (Value, error) { return timestampIn(f.now().Location(), a) }
func timestampUTC(_ *frame, a []Value) (Value, error)   { return timestampIn(time.UTC, a) }

func timestampIn(zone *time.Location, a []Value) (Value, error) {
	seconds, ok := number(a[0])
	if !ok || !(math.Abs(seconds) < 1e11) {
		return otherwise("a timestamp", a[0], a[1])
	}
	return text(spellTime(time.UnixMicro(int64(math.Round(seconds*1e6))).In(zone), "T")), nil
}
