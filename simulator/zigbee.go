package simulator

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"home.arpa/homehub/broker"
)

// passiveTimeout is how long a device with a battery may be silent before the bridge takes it for gone.
const passiveTimeout = 25 * time.Hour

// zigbeeBridge is Zigbee2MQTT (zigbee2mqtt.io, github.com/Koenkk/zigbee2mqtt): one client of the broker, with all Zigbee devices
// behind it.
type zigbeeBridge struct {
	spec   ZigbeeSpec
	nodes  []*zigbeeNode // in the house's order, also those that were removed
	groups []*zigbeeGroup
	hash   uint32
	now    time.Time
	out    []broker.Message // what is said in the present call
	// ordering is the group that is told something just now.
	ordering *zigbeeGroup
	// permit is until when devices may join, of the clock on the wall, since that is told; next is when the next one does, of the
	// model.
	permit, next time.Time
	open         bool
	options      map[string]any
}

func newZigbeeBridge(spec ZigbeeSpec, list []*device) *zigbeeBridge {
	spec.Base = spec.base()
	if spec.Timeout == 0 {
		spec.Timeout = time.Minute
	}
	b := &zigbeeBridge{spec: spec, options: map[string]any{}, hash: hash32("bridge " + spec.Base)}
	for _, d := range list {
		b.nodes = append(b.nodes, newZigbeeNode(d, len(b.nodes)))
	}
	var lights []*zigbeeNode
	for _, n := range b.nodes {
		if n.device.spec.Kind == KindLight {
			lights = append(lights, n)
		}
	}
	if len(lights) >= 2 {
		b.groups = append(b.groups, &zigbeeGroup{id: 1, name: b.freeName("All lights"), members: lights})
	}
	return b
}

func hash32(text string) uint32 {
	f := fnv.New32a()
	_, _ = f.Write([]byte(text)) // never fails
	return f.Sum32()
}

func (b *zigbeeBridge) name() string { return Zigbee2MQTT + b.spec.apart }

func (b *zigbeeBridge) will() broker.Message {
	return broker.Message{Topic: b.spec.Base + "/bridge/state", Payload: b.presence(false), QoS: 1, Retain: true}
}

// presence is how the bridge says that it, or a device, is there.
func (b *zigbeeBridge) presence(online bool) []byte {
	word := "offline"
	if online {
		word = "online"
	}
	if b.spec.Old {
		return []byte(word)
	}
	return fmt.Appendf(nil, `{"state":"%s"}`, word)
}

func (b *zigbeeBridge) goodbye() []broker.Message { return []broker.Message{b.will()} }

// filters: the bridge subscribes to all that is below its base, its own messages too, which it ignores.
func (b *zigbeeBridge) filters() []broker.Subscription {
	return []broker.Subscription{{Filter: b.spec.Base + "/#"}}
}

func (b *zigbeeBridge) announce(now time.Time) []broker.Message {
	b.out, b.now = nil, now
	b.out = append(b.out, broker.Message{Topic: b.spec.Base + "/bridge/state", Payload: b.presence(true), QoS: 1, Retain: true})
	b.publishInfo()
	b.publishDevices()
	b.publishGroups()
	b.publish("bridge/definitions", []byte(`{"actions":[],"clusters":{},"custom_clusters":{}}`), true)
	for _, n := range b.present() {
		if n.powered {
			n.device.recount(now)
			n.refresh(now, nil)
			n.seen = now
		}
		b.publishState(n, nil)
	}
	for _, g := range b.groups {
		b.publishGroup(g, nil)
	}
	for _, n := range b.present() {
		n.available = n.powered
		b.publishAvailability(n.name, n.available)
	}
	for _, g := range b.groups {
		g.available = g.reachable()
		b.publishAvailability(g.name, g.available)
	}
	return b.said()
}

// present are the devices of the network.
func (b *zigbeeBridge) present() (list []*zigbeeNode) {
	for _, n := range b.nodes {
		if !n.removed {
			list = append(list, n)
		}
	}
	return list
}

func (b *zigbeeBridge) pass(now time.Time) []broker.Message {
	b.now = now
	for _, n := range b.present() {
		if n.powered {
			b.listen(n)
		}
		b.watch(n)
	}
	b.join()
	return b.said()
}

// listen hears what a device reports by itself.
func (b *zigbeeBridge) listen(n *zigbeeNode) {
	changed := n.device.changed(b.now, nil, false)
	action := n.acts(changed)
	if len(changed) > 0 {
		n.seen = b.now
		pending := n.pending
		n.pending = nil
		for _, o := range pending { // the device is awake
			b.set(n, o)
		}
		if n.refresh(b.now, changed) || b.now.Sub(n.told) >= 10*time.Second || len(pending) > 0 {
			b.publishState(n, changed)
		}
	}
	if action != "" {
		b.publishAction(n, action)
	}
	b.update(n)
}

// watch says that a device is there, or has gone.
func (b *zigbeeBridge) watch(n *zigbeeNode) {
	online := n.available
	switch {
	case n.powered && (n.seen.Equal(b.now) || !n.battery):
		online = true // it reports, or answers the bridge's question
	case !n.powered && !n.battery:
		online = b.now.Sub(n.seen) < b.spec.Timeout
	case !n.powered:
		online = b.now.Sub(n.seen) < passiveTimeout
	}
	if n.powered && !n.battery {
		n.seen = b.now
	}
	if online == n.available {
		return
	}
	n.available = online
	b.publishAvailability(n.name, online)
	for _, g := range b.groups {
		if reachable := g.reachable(); g.has(n) && reachable != g.available {
			g.available = reachable
			b.publishAvailability(g.name, reachable)
		}
	}
}

// power takes the power from a device, which nobody notices at once, or gives it back, when it joins the network again.
func (b *zigbeeBridge) power(now time.Time, d *device, on bool) []broker.Message {
	b.now = now
	n := b.nodes[slices.IndexFunc(b.nodes, func(n *zigbeeNode) bool { return n.device == d })]
	n.powered = on
	if !on || n.removed {
		return b.said()
	}
	n.powerOn()
	n.seen = now
	b.publish("bridge/event", marshal(map[string]any{
		"type": "device_announce", "data": map[string]any{"friendly_name": n.name, "ieee_address": n.ieee},
	}), false)
	b.watch(n)
	n.device.recount(now)
	n.refresh(now, nil)
	b.publishState(n, nil)
	return b.said()
}

// hear takes a message below the base. What is neither a command nor a request is an echo of the bridge's own words.
func (b *zigbeeBridge) hear(now time.Time, m broker.Message) ([]broker.Message, string) {
	b.now = now
	path, ok := strings.CutPrefix(m.Topic, b.spec.Base+"/")
	if !ok {
		return nil, ""
	}
	m.Payload = []byte(strings.ToValidUTF8(string(m.Payload), "\uFFFD")) // as the bridge reads text
	if what, ok := strings.CutPrefix(path, "bridge/request/"); ok {
		b.request(what, m.Payload)
		return b.said(), ""
	}
	if strings.HasPrefix(path, "bridge") {
		return nil, ""
	}
	name, verb, attribute := zigbeePath(path)
	if verb == "" {
		return nil, ""
	}
	why := b.order(name, verb, attribute, m.Payload)
	return b.said(), why
}

// zigbeePath takes a topic apart at its first level get or set: a name, which may have several levels, and an attribute, which may
// be empty. The verb is empty when there is none.
func zigbeePath(path string) (name, verb, attribute string) {
	levels := strings.Split(path, "/")
	for i, l := range levels {
		if i > 0 && (l == "get" || l == "set") {
			return strings.Join(levels[:i], "/"), l, strings.Join(levels[i+1:], "/")
		}
	}
	return "", "", ""
}

// order carries out a command or a question to a device or a group, and says why not.
func (b *zigbeeBridge) order(name, verb, attribute string, payload []byte) string {
	n, g := b.find(name)
	if n == nil && g == nil {
		why := fmt.Sprintf("Entity '%s' is unknown", name)
		b.log("error", "%s", why)
		return why
	}
	message := zigbeeMessage(attribute, payload)
	if message == nil {
		b.log("error", "Invalid message '%v', skipping...", message)
		return "the payload is not known"
	}
	switch {
	case verb == "get" && n != nil:
		b.get(n, message)
	case verb == "get":
		for _, member := range g.members {
			b.get(member, message)
		}
	case n != nil && n.sleepy:
		if len(n.pending) < 10 {
			n.pending = append(n.pending, message)
		}
	case n != nil:
		if b.set(n, message) {
			b.publishState(n, nil)
		}
	default:
		b.setGroup(g, message)
	}
	return ""
}

// zigbeeMessage reads a command: a JSON object, one attribute's JSON or text, or one of the words that stand for a state.
func zigbeeMessage(attribute string, payload []byte) map[string]any {
	var v any
	err := json.Unmarshal(payload, &v)
	if attribute != "" {
		if err != nil {
			v = string(payload)
		}
		return map[string]any{attribute: v}
	}
	message, _ := v.(map[string]any)
	if err != nil && slices.Contains([]string{"on", "off", "toggle", "open", "close", "stop", "lock", "unlock"}, strings.ToLower(string(payload))) {
		return map[string]any{"state": string(payload)}
	}
	return message
}

// find returns the device or the group of a friendly name; a device is also found by its address.
func (b *zigbeeBridge) find(name string) (*zigbeeNode, *zigbeeGroup) {
	for _, n := range b.nodes {
		if !n.removed && (n.name == name || n.ieee == name) {
			return n, nil
		}
	}
	for _, g := range b.groups {
		if g.name == name || fmt.Sprint(g.id) == name {
			return nil, g
		}
	}
	return nil, nil
}
