package shelly

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

// answer takes what a device answers to the hub, or to somebody else.
func (c *Convention) answer(m broker.Message, f *frame, u *hub.Update) {
	if f.bad != nil {
		c.unreadable(m, c.prefixes[f.prefix], f.bad, u)
		return
	}
	v := f.doc
	id, result := v.Get("src").Text(), v.Get("result")
	if id == "" || v.Get("method").Is() {
		return // a request, or nothing that is known
	}
	if v.Get("error").Is() {
		if f.prefix != "" {
			c.refused(m, c.modern[strings.ToLower(id)], v, u)
		}
		return
	}
	what := classify(result)
	if what == "" {
		c.done(c.modern[strings.ToLower(id)], v, u)
		return
	}
	prefix := f.prefix
	if prefix == "" {
		prefix = c.prefixOf(id, result)
	}
	if !goodPrefix(prefix) || prefix == c.source || strings.HasPrefix(prefix, c.source+"/") {
		return
	}
	d := c.meet(prefix, id)
	if d == nil {
		return
	}
	if what == docPage {
		c.takePage(m, d, result, f.prefix != "", u)
	} else {
		d.keep(what, m)
	}
	switch what {
	case docConfig:
		mqtt := result.Get("mqtt")
		told, known := mqtt.Get("rpc_ntf").Bool()
		topics, _ := mqtt.Get("status_ntf").Bool()
		d.silent = known && !told && !topics
	case docStatus:
		d.rhythm.note(result.Get("sys"))
	}
	c.awake(m, d, u)
	if c.settle(d, u) {
		d.replay(m, u)
	}
	switch {
	case len(d.told) == 0:
	case what == docConfig:
		d.reportSettings(u)
	case what == docStatus:
		for status := range result.Children() {
			d.report(m, status.Key(), status, u)
		}
	case what == docPage:
		last := map[string]jsontext.Value{} // a list may have one twice; then the last counts, as for its configuration
		for v := range components(result) {
			last[v.Get("key").Text()] = v.Get("status")
		}
		for _, key := range slices.Sorted(maps.Keys(last)) {
			d.report(m, key, last[key], u)
		}
		d.reportSettings(u)
	}
	c.want(d, u)
}

// classify says which of the descriptions an answer is; empty for any other answer.
func classify(result jsontext.Value) string {
	sys := result.Get("sys")
	switch {
	case result.Get("components").Kind() == jsontext.List:
		return docPage
	case sys.Get("device").Kind() == jsontext.Object:
		return docConfig
	case sys.Kind() == jsontext.Object:
		return docStatus
	case result.Get("mac").Kind() == jsontext.Text && (result.Get("gen").Is() || result.Get("model").Is() || result.Get("app").Is()):
		return docInfo
	}
	return ""
}

// prefixOf finds the prefix of a device that answered somebody else.
func (c *Convention) prefixOf(id string, result jsontext.Value) string {
	if s := result.Get("mqtt").Get("topic_prefix").Text(); s != "" {
		return s
	}
	for v := range components(result) {
		if s := v.Get("config").Get("topic_prefix").Text(); s != "" && v.Get("key").Text() == "mqtt" {
			return s
		}
	}
	if d := c.modern[strings.ToLower(id)]; d != nil {
		return d.prefix
	}
	return id
}

// takePage takes one page of the list of components, and asks for the next.
func (c *Convention) takePage(m broker.Message, d *modern, page jsontext.Value, ours bool, u *hub.Update) {
	offset, _ := page.Get("offset").Whole(65535)
	count := 0
	for range page.Get("components").Children() {
		count++
	}
	total, known := page.Get("total").Whole(65535)
	clear(d.forgotten)
	for name := range d.docs {
		if other, ok := strings.CutPrefix(name, docPage); ok {
			var at int
			if _, err := fmt.Sscanf(other, "%d", &at); err == nil && (at > offset && at < offset+count || known && at > 0 && at >= total) {
				delete(d.docs, name)
				d.dirty = true
			}
		}
	}
	if offset < maxPages*8 && (offset == 0 || count > 0) {
		d.keep(fmt.Sprintf("%s%05d", docPage, offset), m)
	}
	if next := offset + count; ours && known && count > 0 && next < total && next < maxPages*8 {
		u.Ask = append(u.Ask, c.page(d.prefix, next))
	}
}

// called finds the command of the hub's that an answer belongs to.
func (c *Convention) called(answer jsontext.Value) (call, bool) {
	number, ok := answer.Get("id").Number()
	if !ok || number < firstCommand || number >= 1<<53 {
		return call{}, false
	}
	sent := c.sent[int64(number)%int64(len(c.sent))]
	return sent, float64(sent.id) == number
}

// refused refuses the command that a device did not want to carry out. What else it does not want to tell is a fault.
func (c *Convention) refused(m broker.Message, d *modern, v jsontext.Value, u *hub.Update) {
	if d == nil {
		return
	}
	code, _ := v.Get("error").Get("code").Number()
	reason := fmt.Sprintf("%s (error %.0f)", jsontext.Clip(v.Get("error").Get("message").Text(), 200), code)
	if code == 401 {
		reason = "it wants a password, which the hub does not have"
	}
	if sent, ok := c.called(v); ok {
		if _, told := d.told[sent.key]; told {
			u.Refusals = append(u.Refusals, hub.Refusal{Key: sent.key, Ref: sent.Ref, Reason: "the device refused: " + reason})
			return
		}
	}
	if number, _ := v.Get("id").Number(); number == askComponents && code != 401 {
		d.noPages = true // an older firmware
		return
	}
	key := ""
	if len(d.told) > 0 {
		key = d.key
	}
	u.Faults = append(u.Faults, hub.Fault{Key: key, Topic: m.Topic, Reason: "the device refused the hub's question: " + reason})
}

// done takes the answer to a command: an act has been done. A device that was told not to tell changes is asked for them.
func (c *Convention) done(d *modern, v jsontext.Value, u *hub.Update) {
	sent, ok := c.called(v)
	if d == nil || !ok {
		return
	}
	if device, told := d.told[sent.key]; told {
		p := device.Property(sent.Ref)
		// What was as it is wanted before is in no notification, since it did not change.
		if p != nil && (p.Answers || d.isSetting(sent.target) || p.Same(sent.value, d.saidOf(sent.target))) {
			u.Readings = append(u.Readings, hub.Reported{Key: sent.key, Ref: sent.Ref, Value: sent.value})
		}
	}
	if d.silent {
		u.Ask = append(u.Ask, c.questions(d.prefix, askStatus)...)
	}
}
