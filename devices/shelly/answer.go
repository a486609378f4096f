package shelly

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/hub"
)

// answer takes what a device answers to the hub, or to somebody else.
func (c *Convention) answer(m broker.Message, f *frame, u *hub.Update) {
	if f.bad != nil {
		c.unreadable(m, c.prefixes[f.prefix], f.bad, u)
		return
	}
	v := f.doc.root()
	id, result := v.get("src").text(), v.get("result")
	if id == "" || v.get("method").is() {
		return // a request, or nothing that is known
	}
	if v.get("error").is() {
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
		mqtt := result.get("mqtt")
		told, known := mqtt.get("rpc_ntf").truth()
		topics, _ := mqtt.get("status_ntf").truth()
		d.silent = known && !told && !topics
	case docStatus:
		d.rhythm.note(result.get("sys"))
	}
	c.awake(m, d, u)
	if c.settle(d, u) {
		d.replay(m, u)
	}
	switch {
	case len(d.told) == 0:
	case what == docStatus:
		for status := range result.children() {
			d.report(m, status.key(), status, u)
		}
	case what == docPage:
		last := map[string]val{} // a list may have one twice; then the last counts, as for its configuration
		for v := range components(result) {
			last[v.get("key").text()] = v.get("status")
		}
		for _, key := range slices.Sorted(maps.Keys(last)) {
			d.report(m, key, last[key], u)
		}
	}
	c.want(d, u)
}

// classify says which of the descriptions an answer is; empty for any other answer.
func classify(result val) string {
	sys := result.get("sys")
	switch {
	case result.get("components").form() == list:
		return docPage
	case sys.get("device").form() == object:
		return docConfig
	case sys.form() == object:
		return docStatus
	case result.get("mac").form() == text && (result.get("gen").is() || result.get("model").is() || result.get("app").is()):
		return docInfo
	}
	return ""
}

// prefixOf finds the prefix of a device that answered somebody else.
func (c *Convention) prefixOf(id string, result val) string {
	if s := result.get("mqtt").get("topic_prefix").text(); s != "" {
		return s
	}
	for v := range components(result) {
		if s := v.get("config").get("topic_prefix").text(); s != "" && v.get("key").text() == "mqtt" {
			return s
		}
	}
	if d := c.modern[strings.ToLower(id)]; d != nil {
		return d.prefix
	}
	return id
}

// takePage takes one page of the list of components, and asks for the next.
func (c *Convention) takePage(m broker.Message, d *modern, page val, ours bool, u *hub.Update) {
	offset, _ := page.get("offset").whole()
	count := 0
	for range page.get("components").children() {
		count++
	}
	total, known := page.get("total").whole()
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
func (c *Convention) called(answer val) (call, bool) {
	number, ok := answer.get("id").number()
	if !ok || number < firstCommand || number >= 1<<53 {
		return call{}, false
	}
	sent := c.sent[int64(number)%int64(len(c.sent))]
	return sent, float64(sent.id) == number
}

// refused refuses the command that a device did not want to carry out. What else it does not want to tell is a fault.
func (c *Convention) refused(m broker.Message, d *modern, v val, u *hub.Update) {
	if d == nil {
		return
	}
	code, _ := v.get("error").get("code").number()
	reason := fmt.Sprintf("%s (error %.0f)", short(v.get("error").get("message").text(), 200), code)
	if code == 401 {
		reason = "it wants a password, which the hub does not have"
	}
	if sent, ok := c.called(v); ok {
		if _, told := d.told[sent.key]; told {
			u.Refusals = append(u.Refusals, hub.Refusal{Key: sent.key, Ref: sent.Ref, Reason: "the device refused: " + reason})
			return
		}
	}
	if number, _ := v.get("id").number(); number == askComponents && code != 401 {
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
func (c *Convention) done(d *modern, v val, u *hub.Update) {
	sent, ok := c.called(v)
	if d == nil || !ok {
		return
	}
	if device, told := d.told[sent.key]; told {
		if p := device.Property(sent.Ref); p != nil && p.Answers {
			u.Readings = append(u.Readings, hub.Reported{Key: sent.key, Ref: sent.Ref, Value: sent.value})
		}
	}
	if d.silent {
		u.Ask = append(u.Ask, c.questions(d.prefix, askStatus)...)
	}
}
