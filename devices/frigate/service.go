package frigate

import (
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/fields"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

// keptPath is the topic below a camera's of the message by which it announces itself again, and the member with its topics.
const keptPath = "kept"

// service is a running Frigate.
type service struct {
	*thing
	c       *Convention
	base    string
	version string
	online  devices.Presence
	stats   bool // its statistics, and so all of its cameras, are known
	cameras map[string]*thing
	pending map[string]broker.Message // counts of a camera or a zone, by topic
}

// thing is a camera, or the service with its zones.
type thing struct {
	service   *service
	key, name string
	paths     []string             // the topics below its own that are known
	bindings  map[string][]binding // what is in them
	said      devices.Presence
}

func newService(c *Convention, base string) *service {
	s := &service{c: c, base: base, cameras: map[string]*thing{}, pending: map[string]broker.Message{}}
	s.thing = &thing{service: s, key: base}
	c.things[s.key] = s.thing
	return s
}

// topic is what stands before the thing's paths.
func (t *thing) topic() string {
	if t == t.service.thing {
		return t.service.base + "/"
	}
	return t.service.base + "/" + t.name + "/"
}

// announce tells the hub of a thing.
func (s *service) announce(t *thing, u *hub.Update) {
	d := devices.Device{Name: fields.Title(t.name), Manufacturer: "Frigate", Model: "Camera", Identifiers: []string{t.key}, Convention: Name, Via: s.key}
	if t == s.thing {
		d.Name, d.Model, d.Via, d.Firmware = "Frigate", "Frigate", "", s.version
		d.Components = append(d.Components, devices.Component{ID: "restart", Kind: devices.Button, Name: "Restart", Category: "config", Properties: []devices.Property{
			{ID: devices.Press, Datatype: devices.Bool, Settable: true, Momentary: true},
		}})
	}
	for _, path := range t.paths {
		for _, b := range t.bindings[path] {
			d.Components = fields.Put(d.Components, b.component, b.property)
		}
	}
	d.Sort()
	u.Devices = slices.DeleteFunc(u.Devices, func(a hub.Announced) bool { return a.Key == t.key })
	u.Devices = append(u.Devices, hub.Announced{Key: t.key, Device: d, Availability: true, Sources: []broker.Message{t.source()}})
}

// source is a message by which a thing announces itself again.
func (t *thing) source() broker.Message {
	quoted := make([]string, len(t.paths))
	for i, p := range t.paths {
		quoted[i] = jsontext.Quote(p)
	}
	name := t.name
	if t == t.service.thing {
		name = keptPath
	}
	return broker.Message{
		Topic: t.service.base + "/" + name + "/" + keptPath, Retain: true,
		Payload: []byte(`{"version":` + jsontext.Quote(t.service.version) + `,"` + keptPath + `":[` + strings.Join(quoted, ",") + "]}"),
	}
}

// hear takes a message of the service.
func (s *service) hear(p *parsed, m broker.Message, u *hub.Update) {
	switch {
	case p.path == keptPath:
		s.remember(p, u)
	case p.path != "":
		s.value(p, m, u)
	case p.name == "available":
		s.available(m, u)
	case p.name == "stats":
		s.statistics(p.value, m, u)
	case p.name == "camera_activity":
		s.activity(p.value, m, u)
	default:
		s.happening(p, m, u)
	}
}

func (s *service) remember(p *parsed, u *hub.Update) {
	t := s.thing
	if v := jsontext.Clip(p.value.Get("version").Text(), 40); s.version == "" {
		s.version = v
	}
	if p.name != keptPath {
		if t = s.camera(p.name, u); t == nil {
			return
		}
	}
	for x := range p.value.Get(keptPath).Children() {
		t.learn(x.Text())
	}
	s.announce(t, u)
}

// learn adds a topic to a thing's, and says whether it is new.
func (t *thing) learn(path string) bool {
	if t.bindings[path] != nil || len(t.paths) >= maxPaths || len(path) > 2*maxName {
		return false
	}
	b := t.describe(path)
	if b == nil {
		return false
	}
	if t.bindings == nil {
		t.bindings = map[string][]binding{}
	}
	path = strings.Clone(path)
	t.paths, t.bindings[path] = append(t.paths, path), b
	return true
}

// camera returns a camera, and makes it known; nil when there are too many.
func (s *service) camera(name string, u *hub.Update) *thing {
	t := s.cameras[name]
	if t == nil && len(s.cameras) < maxCameras && name != "" && len(name) <= maxName && !strings.ContainsAny(name, "/+#\x00") {
		name = strings.Clone(name)
		t = &thing{service: s, key: s.base + "/" + name, name: name}
		s.cameras[name], s.c.things[t.key] = t, t
		s.announce(t, u)
		s.follow(t, u)
		s.settle(u)
	}
	return t
}

// follow says that a camera is there as Frigate is, as long as Frigate does not say that it gets no picture of it.
func (s *service) follow(t *thing, u *hub.Update) {
	if s.online == devices.Online && t.said == "" {
		u.Reaches = append(u.Reaches, hub.Reached{Key: t.key, Reach: devices.Reach{Presence: devices.Online, Why: "Frigate watches it"}})
	}
}

// available takes the service's word about itself.
func (s *service) available(m broker.Message, u *hub.Update) {
	r := devices.Reach{Presence: devices.Offline, Why: "Frigate was stopped"}
	switch string(m.Payload) {
	case "online":
		r = devices.Reach{Presence: devices.Online, Why: "Frigate says that it is running"}
	case "stopped":
	case "offline":
		r.Why = "its will was published"
	default:
		u.Faults = append(u.Faults, hub.Fault{Key: s.key, Topic: m.Topic, Reason: "expected online, stopped or offline, got " + jsontext.Plain(m.Payload).Said()})
		return
	}
	s.online = r.Presence
	u.Reaches = append(u.Reaches, hub.Reached{Key: s.key, Reach: r})
	for _, t := range s.sorted() {
		s.follow(t, u)
	}
}

func (s *service) sorted() []*thing {
	out := make([]*thing, 0, len(s.cameras))
	for _, t := range s.cameras {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b *thing) int { return strings.Compare(a.name, b.name) })
	return out
}

// value takes a value in a topic of its own.
func (s *service) value(p *parsed, m broker.Message, u *hub.Update) {
	t, path := s.cameras[p.name], p.path
	switch {
	case t != nil:
	case p.name == "notifications" || p.name == "profile":
		t, path = s.thing, p.name+"/"+p.path
	case own(path):
		if t = s.camera(p.name, u); t == nil {
			return
		}
	case !s.stats:
		if len(s.pending) < maxPending {
			s.pending[strings.Clone(m.Topic)] = broker.Message{Topic: strings.Clone(m.Topic), Payload: slices.Clone(m.Payload), Retain: m.Retain}
		}
		return
	default: // what is no camera is a zone
		t, path = s.thing, p.name+"/"+p.path
	}
	if t.learn(path) {
		s.announce(t, u)
	}
	t.report(path, p.value, m, u)
	if path == "status/detect" {
		t.picture(p.value.Text(), u)
	}
}

// picture takes Frigate's word about a camera's stream.
func (t *thing) picture(word string, u *hub.Update) {
	r := devices.Reach{Presence: devices.Online, Why: "Frigate gets its pictures"}
	switch word {
	case "offline":
		r = devices.Reach{Presence: devices.Offline, Why: "Frigate gets no picture of it"}
	case "online", "disabled":
	default:
		return
	}
	t.said = r.Presence
	u.Reaches = append(u.Reaches, hub.Reached{Key: t.key, Reach: r})
}

// settle takes the counts that waited until it was known whose they are.
func (s *service) settle(u *hub.Update) {
	for topic, m := range s.pending {
		name, path, _ := strings.Cut(strings.TrimPrefix(topic, s.base+"/"), "/")
		if s.cameras[name] != nil || s.stats {
			delete(s.pending, topic)
			s.value(&parsed{base: s.base, name: name, path: path, value: jsontext.Plain(m.Payload)}, m, u)
		}
	}
}

// report tells what a topic says.
func (t *thing) report(path string, v jsontext.Value, m broker.Message, u *hub.Update) {
	for _, b := range t.bindings[path] {
		if b.property.Momentary && m.Retain {
			continue
		}
		value, want := b.read(v)
		if want == "" {
			u.Readings = append(u.Readings, hub.Reported{Key: t.key, Ref: b.ref(), Value: value})
		} else if len(u.Faults) < maxFaults {
			u.Faults = append(u.Faults, hub.Fault{Key: t.key, Topic: m.Topic, Reason: "expected " + want + ", got " + v.Said()})
		}
	}
}

// statistics takes what Frigate says of its work once a minute.
func (s *service) statistics(v jsontext.Value, m broker.Message, u *hub.Update) {
	for x := range v.Get("cameras").Children() {
		if t := s.camera(x.Key(), u); t != nil {
			s.number(t, "stats/camera_fps", x.Get("camera_fps"), m, u)
			s.number(t, "stats/detection_fps", x.Get("detection_fps"), m, u)
		}
	}
	if version := jsontext.Clip(v.At("service", "version").Text(), 40); version != "" && version != s.version {
		s.version = version
		s.announce(s.thing, u)
	}
	s.number(s.thing, "stats/detection_fps", v.Get("detection_fps"), m, u)
	s.number(s.thing, "stats/uptime", v.At("service", "uptime"), m, u)
	if !s.stats && v.Get("cameras").Kind() == jsontext.Object {
		s.stats = true
		s.settle(u)
	}
}

func (s *service) number(t *thing, path string, v jsontext.Value, m broker.Message, u *hub.Update) {
	if !v.Is() {
		return
	}
	if t.learn(path) {
		s.announce(t, u)
	}
	t.report(path, v, m, u)
}

// activity takes the answer to Greet: what each camera sees.
func (s *service) activity(v jsontext.Value, m broker.Message, u *hub.Update) {
	for x := range v.Children() {
		t := s.camera(x.Key(), u)
		if t == nil || x.Get("objects").Kind() != jsontext.List {
			continue
		}
		if motion := x.Get("motion"); motion.Kind() == jsontext.Bool {
			s.number(t, "motion", motion, m, u)
		}
		counts := map[string]int{"all": 0}
		for o := range x.Get("objects").Children() {
			counts[o.Get("label").Text()]++
			counts["all"]++
		}
		for _, path := range t.paths {
			if n, ok := counts[path]; (ok || counted(path)) && path != "motion" {
				t.report(path, jsontext.Plain([]byte(itoa(n))), m, u)
			}
		}
	}
}

// happening takes a tracked object's or a review's beginning, change, or end.
func (s *service) happening(p *parsed, m broker.Message, u *hub.Update) {
	name := p.value.At("after", "camera").Text()
	t := s.cameras[name]
	if t == nil {
		if t = s.camera(name, u); t == nil {
			return
		}
	}
	if t.learn(p.name) {
		s.announce(t, u)
	}
	t.report(p.name, p.value, m, u)
}
