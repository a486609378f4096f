package frigate

import (
	"strconv"
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/fields"
	"home.arpa/homehub/devices/internal/jsontext"
)

// binding is a property in a topic.
type binding struct {
	component devices.Component
	property  devices.Property
	read      func(v jsontext.Value) (value devices.Value, want string)
	write     func(v devices.Value) string
}

func (b binding) ref() devices.Ref {
	return devices.Ref{Component: b.component.ID, Property: b.property.ID}
}

func itoa(n int) string { return strconv.Itoa(n) }

// switches are what Frigate can be told to do with a camera, with their names.
var switches = map[string]string{
	"enabled": "Enabled", "detect": "Detect objects", "recordings": "Record", "snapshots": "Snapshots", "audio": "Detect sounds", "motion": "Detect motion",
	"improve_contrast": "Improve contrast", "ptz_autotracker": "Follow objects", "birdseye": "Birdseye", "review_alerts": "Review alerts",
	"review_detections": "Review detections", "object_descriptions": "Describe objects", "review_descriptions": "Describe reviews", "notifications": "Notifications",
}

// numbers are a camera's settings that are numbers, with their greatest values.
var numbers = map[string]float64{"motion_threshold": 255, "motion_contour_area": 10000}

// own says whether a topic is one that only cameras have below their own.
func own(path string) bool {
	name, state := strings.CutSuffix(path, "/state")
	if state {
		return switches[name] != "" || numbers[name] > 0 || name == "birdseye_mode" || strings.HasPrefix(name, "zone/")
	}
	return path == "motion" || path == "review_status" || strings.HasPrefix(path, "status/") || strings.HasPrefix(path, "audio/") || strings.HasPrefix(path, "classification/")
}

// counted says whether a topic below a camera's is the count of some object.
func counted(path string) bool {
	return !strings.Contains(path, "/") && !own(path) && path != "events" && path != "reviews" && path != "ptz" && path != "set" && path != "state"
}

// describe is what a topic below the thing's own holds; nil for what is not known.
func (t *thing) describe(path string) []binding {
	if t == t.service.thing {
		return describeService(path)
	}
	if devices.Slug(path) == "" {
		return nil
	}
	head, rest, _ := strings.Cut(path, "/")
	deeper := devices.Slug(head) != "" && devices.Slug(rest) != "" // and both have a name that an identifier can be made of
	name, state := strings.CutSuffix(path, "/state")
	switch {
	case state && !strings.Contains(name, "/"):
		return describeSetting(name)
	case state && head == "zone":
		zone := strings.TrimPrefix(name, "zone/")
		if devices.Slug(zone) == "" {
			return nil
		}
		return []binding{toggle("zone-"+devices.Slug(zone), "Zone "+fields.Title(zone))}
	case state:
		return nil
	case path == "motion":
		return []binding{truth("motion", "Motion", "motion")}
	case path == "review_status":
		return []binding{words("review", "Review", "", []string{"none", "detection", "alert"})}
	case path == "events", path == "reviews":
		return event(path)
	case head == "stats" && deeper:
		return []binding{number("work", "Work", "diagnostic", devices.Slug(rest), "", devices.Float)}
	case head == "status" && deeper:
		return []binding{words("status-"+devices.Slug(rest), "Stream "+fields.Title(rest), "diagnostic", []string{"online", "offline", "disabled"})}
	case head == "audio" && deeper:
		return describeAudio(rest)
	case head == "classification" && deeper:
		return []binding{text("classification", "Classification", devices.Slug(rest))}
	case deeper && rest == "active" && counted(head):
		return []binding{number("active-objects", "Active objects", "", devices.Slug(head), "", devices.Int)}
	case counted(path):
		return count("objects", "Objects", "", path)
	}
	return nil
}

// describeService is describe for the topics of the service, among them the counts of zones.
func describeService(path string) []binding {
	switch path {
	case "notifications/state":
		return []binding{toggle("notifications", "Notifications")}
	case "profile/state":
		return []binding{text("profile", "Profile", "profile")}
	case "stats/detection_fps", "stats/uptime":
		unit := ""
		if path == "stats/uptime" {
			unit = "s"
		}
		return []binding{number("work", "Work", "diagnostic", devices.Slug(strings.TrimPrefix(path, "stats/")), unit, devices.Float)}
	}
	zone, rest, ok := strings.Cut(path, "/")
	id := devices.Slug(zone)
	if !ok || id == "" || devices.Slug(rest) == "" || len(id) > 40 {
		return nil
	}
	if object, active := strings.CutSuffix(rest, "/active"); active && counted(object) && devices.Slug(object) != "" {
		return []binding{number("zone-"+id+"-active", fields.Title(zone)+" active", "", devices.Slug(object), "", devices.Int)}
	}
	if !counted(rest) {
		return nil
	}
	return count("zone-"+id, fields.Title(zone), id+"-", rest)
}

// count is how many of an object are seen; persons are also somebody who is there, or nobody.
func count(component, name, prefix, object string) []binding {
	out := []binding{number(component, name, "", devices.Slug(object), "", devices.Int)}
	if object == "person" {
		b := truth(prefix+"person", strings.TrimSpace(name+" person"), "occupancy")
		if prefix == "" {
			b.component.Name = "Person"
		}
		b.read = func(v jsontext.Value) (devices.Value, string) {
			n, ok := v.Number()
			if !ok {
				return devices.Value{}, "a number"
			}
			return devices.BoolValue(n > 0), ""
		}
		out = append(out, b)
	}
	return out
}

func describeSetting(name string) []binding {
	id := devices.Slug(name)
	switch {
	case name == "motion":
		return []binding{toggle("motion-detection", switches[name])}
	case switches[name] != "":
		return []binding{toggle(id, switches[name])}
	case numbers[name] > 0:
		b := number(id, fields.Title(name), "config", devices.ValueID, "", devices.Int)
		low, top := 1.0, numbers[name]
		b.component.Kind, b.property.Settable, b.property.Min, b.property.Max = devices.Number, true, &low, &top
		b.write = devices.Value.String
		return []binding{b}
	case name == "birdseye_mode":
		b := words(id, "Birdseye mode", "config", []string{"CONTINUOUS", "MOTION", "OBJECTS", "OFF"})
		b.component.Kind, b.property.ID, b.property.Settable = devices.Select, devices.Option, true
		b.property.Wanted = []string{"CONTINUOUS", "MOTION", "OBJECTS"}
		b.write = devices.Value.Text
		return []binding{b}
	}
	return nil
}

func describeAudio(kind string) []binding {
	id := devices.Slug(kind)
	switch {
	case id == "" || strings.Contains(kind, "/"):
		return nil
	case kind == "dBFS":
		return []binding{number("sound", "Sound", "diagnostic", "level", "dB", devices.Float)}
	case kind == "rms":
		return []binding{number("sound", "Sound", "diagnostic", "rms", "", devices.Float)}
	case kind == "transcription":
		return []binding{text("transcription", "Transcription", devices.ValueID)}
	}
	return []binding{truth("sound-"+id, "Sound "+kind, "sound")}
}

func truth(id, name, class string) binding {
	return binding{
		component: devices.Component{ID: trim(id), Kind: devices.BinarySensor, Name: name},
		property:  devices.Property{ID: class, Datatype: devices.Bool, Class: class, Readable: true},
		read:      onOff,
	}
}

func toggle(id, name string) binding {
	return binding{
		component: devices.Component{ID: trim(id), Kind: devices.Switch, Name: name, Category: "config"},
		property:  devices.Property{ID: devices.On, Datatype: devices.Bool, Readable: true, Settable: true},
		read:      onOff,
		write: func(v devices.Value) string {
			if v.Bool() {
				return "ON"
			}
			return "OFF"
		},
	}
}

func number(component, name, category, id, unit string, t devices.Datatype) binding {
	return binding{
		component: devices.Component{ID: trim(component), Kind: devices.Sensor, Name: name, Category: category},
		property:  devices.Property{ID: id, Name: fields.Title(id), Datatype: t, Unit: unit, Readable: true},
		read: func(v jsontext.Value) (devices.Value, string) {
			n, ok := v.Number()
			if !ok || t == devices.Int && !(n >= -1<<53 && n <= 1<<53) {
				return devices.Value{}, "a number"
			}
			if t == devices.Int {
				return devices.IntValue(int64(n)), ""
			}
			value, _ := devices.FloatValue(n)
			return value, ""
		},
	}
}

func words(id, name, category string, choices []string) binding {
	return binding{
		component: devices.Component{ID: trim(id), Kind: devices.Sensor, Name: name, Category: category},
		property:  devices.Property{ID: devices.ValueID, Datatype: devices.Enum, Choices: choices, Readable: true},
		read: func(v jsontext.Value) (devices.Value, string) {
			for _, c := range choices {
				if strings.EqualFold(c, v.Text()) {
					return devices.EnumValue(c), ""
				}
			}
			return devices.Value{}, "one of " + strings.Join(choices, ", ")
		},
	}
}

func text(component, name, id string) binding {
	return binding{
		component: devices.Component{ID: trim(component), Kind: devices.Sensor, Name: name},
		property:  devices.Property{ID: id, Datatype: devices.String, Readable: true},
		read: func(v jsontext.Value) (devices.Value, string) {
			s := v.Text()
			if v.Kind() != jsontext.Text {
				s = v.JSON()
			}
			return devices.TextValue(jsontext.Clip(s, fields.MaxText)), ""
		},
	}
}

// event is what happened to a tracked object or a review, and the part of it that is worth reading: no pictures, no coordinates.
func event(path string) []binding {
	name := map[string]string{"events": "Objects tracked", "reviews": "Reviews"}[path]
	b := words(path, name, "", []string{"new", "update", "end"})
	b.component.Kind, b.property.ID, b.property.Momentary = devices.EventSource, devices.EventType, true
	read := b.read
	b.read = func(v jsontext.Value) (devices.Value, string) { return read(v.Get("type")) }
	details := binding{component: b.component, property: devices.Property{ID: devices.Attributes, Datatype: devices.JSON, Readable: true, Momentary: true}, read: readDetails}
	return []binding{b, details}
}

func readDetails(v jsontext.Value) (devices.Value, string) {
	const most = 400
	var b strings.Builder
	after := v.Get("after")
	for _, key := range []string{"id", "label", "sub_label", "score", "severity", "entered_zones", "current_zones", "stationary", "recognized_license_plate"} {
		if x := after.Get(key); x.Is() && len(x.JSON()) <= most {
			b.WriteString("," + jsontext.Quote(key) + ":" + x.JSON())
		}
	}
	for _, key := range []string{"objects", "sub_labels", "zones", "audio"} {
		if x := after.At("data", key); x.Is() && len(x.JSON()) <= most {
			b.WriteString("," + jsontext.Quote(key) + ":" + x.JSON())
		}
	}
	if b.Len() == 0 {
		return devices.Value{}, "what happened, at after"
	}
	value, err := devices.JSONValue("{" + b.String()[1:] + "}")
	if err != nil {
		return devices.Value{}, "JSON"
	}
	return value, ""
}

func onOff(v jsontext.Value) (devices.Value, string) {
	if b, ok := v.Bool(); ok {
		return devices.BoolValue(b), ""
	}
	switch v.Text() {
	case "ON":
		return devices.BoolValue(true), ""
	case "OFF":
		return devices.BoolValue(false), ""
	}
	return devices.Value{}, "ON or OFF"
}

// trim keeps an ID within the length of one.
func trim(id string) string { return strings.TrimRight(id[:min(len(id), 64)], "-") }
