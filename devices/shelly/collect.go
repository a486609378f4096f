package shelly

import (
	"iter"
	"strings"
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
	for v := range d.doc(docConfig).children() {
		if f := of(v.key()); f != nil {
			f.config = v
		}
	}
	for v := range d.doc(docStatus).children() {
		if f := of(v.key()); f != nil {
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
			if f := of(v.get("key").text()); f != nil {
				f.config, f.attrs = v.get("config"), v.get("attrs")
				f.note(v.get("status"))
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
				more = f != nil
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
func components(page val) iter.Seq[val] {
	return func(yield func(val) bool) {
		for v := range page.get("components").children() {
			if inner := v.get("components"); inner.form() == list {
				for w := range inner.children() {
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
func told(topic string, payload []byte) iter.Seq2[string, val] {
	return func(yield func(string, val) bool) {
		doc, err := readJSON(payload)
		if err != nil {
			return
		}
		if !strings.HasSuffix(topic, "/events/rpc") {
			yield(topic[strings.LastIndexByte(topic, '/')+1:], doc.root())
			return
		}
		params := doc.root().get("params")
		for v := range params.children() {
			if v.form() == object && !yield(v.key(), v) {
				return
			}
		}
		for v := range params.get("events").children() {
			if !yield(v.get("component").text(), v) {
				return
			}
		}
	}
}

// note takes down what a status has that is not null, and says whether that is more than before.
func (f *facts) note(status val) (more bool) {
	see := func(s string) {
		if !f.seen[s] && len(f.seen) < maxSeen && len(s) <= maxName {
			f.seen[strings.Clone(s)], more = true, true
		}
	}
	if status.get("event").form() == text {
		if f.kind == "bthomedevice" {
			see(pressOf + eventIndex(f.kind, status))
		}
		return more
	}
	for v := range status.children() {
		switch {
		case v.form() == object:
			for w := range v.children() {
				if w.is() {
					see(v.key() + "." + w.key())
				}
			}
		case v.is():
			see(v.key())
		}
	}
	if status.get("value").form() == boolean {
		see(truthSeen)
	}
	return more
}

// thermostats marks the virtual components that together are a thermostat.
func thermostats(all map[string]*facts) {
	roles := map[string]map[string]bool{}
	for _, f := range all {
		role, owner := f.attrs.get("role").text(), f.attrs.get("owner").text()
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
		role, owner := f.attrs.get("role").text(), f.attrs.get("owner").text()
		if r := roles[owner]; r["current_temperature"] && r["target_temperature"] && r[role] {
			f.seen[thermostatOf+owner] = true
		}
	}
}
