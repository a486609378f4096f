package shelly

import (
	"iter"
	"strings"

	"home.arpa/homehub/devices/internal/jsontext"
)

// collect puts together what is known of each component. Notifications that tell nothing more are dropped.
func (d *modern) collect() map[string]*facts {
	all := map[string]*facts{}
	of := func(key string) *facts {
		f := all[key]
		if kind, id, ok := splitKey(key); f == nil && ok && builders[kind] != nil && len(all) < maxParts {
			f = &facts{key: strings.Clone(key), kind: strings.Clone(kind), id: id, seen: map[string]bool{}}
			all[f.key] = f
		}
		return f
	}
	for v := range d.doc(docConfig).Children() {
		if f := of(v.Key()); f != nil {
			f.config = v
		}
	}
	for v := range d.doc(docStatus).Children() {
		if f := of(v.Key()); f != nil {
			f.note(v)
		}
	}
	paged := false
	for name := range d.docs {
		if !strings.HasPrefix(name, docPage) {
			continue
		}
		paged = true
		for v := range components(d.doc(name)) {
			if f := of(v.Get("key").Text()); f != nil {
				f.config, f.attrs = v.Get("config"), v.Get("attrs")
				f.note(v.Get("status"))
			}
		}
	}
	kept := d.extra[:0]
	for _, m := range d.extra {
		more := false
		for key, status := range told(m.Topic, m.Payload) {
			f := all[key]
			if _, id, _ := splitKey(key); f == nil && !(paged && id >= firstAdded) {
				f = of(key)
				more = more || f != nil
			}
			if f != nil && f.note(status) {
				more = true
			}
		}
		if more {
			kept = append(kept, m)
		}
	}
	clear(d.extra[len(kept):])
	d.extra = kept
	thermostats(all)
	return all
}

// firstAdded is the lowest number of components that people add to a device.
const firstAdded = 200

// components are the items of a list of components. Some lists were seen inside a list.
func components(page jsontext.Value) iter.Seq[jsontext.Value] {
	return func(yield func(jsontext.Value) bool) {
		for v := range page.Get("components").Children() {
			if inner := v.Get("components"); inner.Kind() == jsontext.List {
				for w := range inner.Children() {
					if !yield(w) {
						return
					}
				}
			} else if !yield(v) {
				return
			}
		}
	}
}

// told are the components' states in a notification or in a message of a status topic. An event of a button counts as one.
func told(topic string, payload []byte) iter.Seq2[string, jsontext.Value] {
	return func(yield func(string, jsontext.Value) bool) {
		doc, err := jsontext.Read(payload)
		if err != nil {
			return
		}
		if !strings.HasSuffix(topic, "/events/rpc") {
			yield(topic[strings.LastIndexByte(topic, '/')+1:], doc)
			return
		}
		params := doc.Get("params")
		for v := range params.Children() {
			if v.Kind() == jsontext.Object && !yield(v.Key(), v) {
				return
			}
		}
		for v := range params.Get("events").Children() {
			if !yield(v.Get("component").Text(), v) {
				return
			}
		}
	}
}

// note takes down what a status has that is not null, and says whether that is more than before.
func (f *facts) note(status jsontext.Value) (more bool) {
	see := func(s string) {
		if !f.seen[s] && len(f.seen) < maxSeen && len(s) <= maxName {
			f.seen[strings.Clone(s)], more = true, true
		}
	}
	if status.Get("event").Kind() == jsontext.Text {
		if f.kind == "bthomedevice" {
			see(pressOf + eventIndex(f.kind, status))
		}
		return more
	}
	for v := range status.Children() {
		switch {
		case v.Kind() == jsontext.Object:
			for w := range v.Children() {
				if w.Is() {
					see(v.Key() + "." + w.Key())
				}
			}
		case v.Is():
			see(v.Key())
		}
	}
	if status.Get("value").Kind() == jsontext.Bool {
		see(truthSeen)
	}
	return more
}

// thermostats marks the virtual components that together are a thermostat.
func thermostats(all map[string]*facts) {
	roles := map[string]map[string]bool{}
	for _, f := range all {
		role, owner := f.attrs.Get("role").Text(), f.attrs.Get("owner").Text()
		if kind, _, ok := splitKey(owner); !ok || kind != "service" {
			continue
		}
		if roles[owner] == nil {
			roles[owner] = map[string]bool{}
		}
		want := "number"
		if role == "enable" {
			want = "boolean"
		}
		roles[owner][role] = f.kind == want
	}
	for _, f := range all {
		role, owner := f.attrs.Get("role").Text(), f.attrs.Get("owner").Text()
		if r := roles[owner]; r["current_temperature"] && r["target_temperature"] && r[role] {
			f.seen[thermostatOf+owner] = true
		}
	}
}
