package simulator

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"home.arpa/homehub/simulator/physics"
)

// zigbeeNode is a Zigbee device as the bridge knows it.
type zigbeeNode struct {
	device  *device
	number  int // in the bridge's list
	ieee    string
	network int
	name    string // the friendly name
	model   zigbeeModel
	hash    uint32
	// battery: it runs on one. sleepy: it is awake only when it reports, so that commands wait and questions fail.
	battery, sleepy bool

	exposes    []expose
	attributes []*zigbeeAttribute
	converters []*zigbeeConverter
	state      map[string]any // what the bridge knows; an attribute that was never heard of is nil
	options    map[string]any
	pending    []map[string]any // commands for when it wakes

	powered, available, removed bool
	seen, told                  time.Time // heard of, and told of
	colorMode                   string
	xy                          [2]float64 // of the color that was set last, for which it is exact
	xyColor                     physics.Color
	kept                        map[string]any // settings that are stored in the device
	updating                    float64        // the share of an update of the firmware that is done; negative: none runs
	lock                        physics.Value
	ordered                     bool // the lock turns because it was told to
}

// zigbeeModel says what a device is.
type zigbeeModel struct {
	vendor, model, description, modelID, manufacturer string
	router                                            bool
}

// zigbeeAttribute is one member of a device's state.
type zigbeeAttribute struct {
	name  string
	of    []*physics.Property // what it is made of
	value func() any
	// asked: the device tells it only when it is asked.
	asked bool
}

// zigbeeConverter carries out the commands of some keys. It is used once for each message.
type zigbeeConverter struct {
	keys []string
	// set returns the properties that have taken a value, or why it did nothing. nil: the keys cannot be set.
	set func(key string, message map[string]any) ([]*physics.Property, error)
	// gets: the keys can be asked for.
	gets bool
}

func newZigbeeNode(d *device, number int) *zigbeeNode {
	hash := hash32("zigbee " + d.id)
	n := &zigbeeNode{
		device: d, ieee: fmt.Sprintf("0x00158d00%08x", hash), network: 1 + (number*7919+int(hash%5000))%65000, name: d.spec.zigbeeName(), hash: hash,
		number: number, state: map[string]any{}, options: map[string]any{}, powered: true, updating: -1, kept: map[string]any{},
	}
	n.describe()
	for _, a := range n.attributes {
		n.state[a.name] = nil
	}
	return n
}

// refresh has the device report the attributes that are made of the changed properties (nil: all but those that it tells only when
// it is asked). It says whether the bridge knows anything new.
func (n *zigbeeNode) refresh(now time.Time, changed []*physics.Property) bool {
	news := false
	for _, a := range n.attributes {
		if a.asked || changed != nil && !slices.ContainsFunc(a.of, func(p *physics.Property) bool { return slices.Contains(changed, p) }) {
			continue
		}
		news = n.read(a) || news
	}
	n.state["linkquality"] = n.linkQuality(now)
	return news
}

// read takes an attribute's value from the device.
func (n *zigbeeNode) read(a *zigbeeAttribute) bool {
	v := a.value()
	news := fmt.Sprint(v) != fmt.Sprint(n.state[a.name])
	n.state[a.name] = v
	return news
}

// linkQuality is how well the device is heard, 0 to 255.
func (n *zigbeeNode) linkQuality(now time.Time) float64 {
	base := 70 + float64(n.hash%110)
	return math.Round(base + 12*math.Sin(float64(now.Unix()%86400)/900+float64(n.hash%7)))
}

// payload is the state as it is told: all of it, or, where only changes are told, the attributes of the changed properties (nil:
// all).
func (n *zigbeeNode) payload(now time.Time, partial bool, changed []*physics.Property) map[string]any {
	if !partial || changed == nil {
		return maps.Clone(n.state)
	}
	out := map[string]any{"linkquality": n.linkQuality(now)}
	for _, a := range n.attributes {
		if slices.ContainsFunc(a.of, func(p *physics.Property) bool { return slices.Contains(changed, p) }) {
			out[a.name] = n.state[a.name]
		}
	}
	return out
}

// set carries out a command, and says whether there is anything to tell. The bridge answers for the device at once, as it does.
func (b *zigbeeBridge) set(n *zigbeeNode, message map[string]any) bool {
	var touched []*physics.Property
	used := map[*zigbeeConverter]bool{}
	done := false
	for _, key := range sortedKeys(message) {
		i := slices.IndexFunc(n.converters, func(c *zigbeeConverter) bool { return slices.Contains(c.keys, key) })
		switch {
		case i < 0 || n.converters[i].set == nil:
			b.log("error", "No converter available for '%s' on '%s': (%s)", key, n.name, marshal(message[key]))
			continue
		case used[n.converters[i]]:
			continue
		}
		used[n.converters[i]] = true
		if !n.powered {
			b.log("error", "Publish 'set' '%s' to '%s' failed: 'Error: ZCL command %s/1 failed (Delivery failed for '%d'.)'", key, n.name, n.ieee, n.network)
			continue
		}
		list, err := n.converters[i].set(key, message)
		if err != nil {
			b.log("error", "Publish 'set' '%s' to '%s' failed: 'Error: %s'", key, n.name, err)
			continue
		}
		touched, done = append(touched, list...), true
	}
	if !done {
		return false
	}
	n.device.changed(b.now, touched, false)
	n.seen = b.now
	n.refresh(b.now, nil)
	return true
}

// get asks a device for attributes. One that sleeps does not answer.
func (b *zigbeeBridge) get(n *zigbeeNode, message map[string]any) {
	answered := false
	for _, key := range sortedKeys(message) {
		i := slices.IndexFunc(n.converters, func(c *zigbeeConverter) bool { return slices.Contains(c.keys, key) })
		switch {
		case i < 0 || !n.converters[i].gets:
			b.log("error", "No converter available for 'get' '%s' (%s)", key, marshal(message[key]))
			continue
		case n.sleepy || !n.powered:
			b.log("error", "Publish 'get' '%s' to '%s' failed: 'Error: ZCL command %s/1 read failed (Timeout - %d - 1 after 10000ms)'", key, n.name, n.ieee, n.network)
			continue
		}
		answered = true
		for _, a := range n.attributes {
			if a.name == key || slices.Contains(n.converters[i].keys, a.name) && !a.asked {
				n.read(a)
			}
		}
	}
	if answered {
		n.seen = b.now
		b.publishState(n, nil)
	}
}

// acts says what was done with the device among what has changed: a press of a button, or a lock that has turned.
func (n *zigbeeNode) acts(changed []*physics.Property) string {
	for _, p := range changed {
		if p.Times != nil {
			return p.Read().(string)
		}
	}
	p := n.device.find("lock", "state")
	if p == nil {
		return ""
	}
	was := n.lock
	n.lock = p.Read()
	if was == nil || was == n.lock || n.lock != physics.Locked && n.lock != physics.Unlocked {
		return ""
	}
	verb := map[physics.Value]string{physics.Locked: "lock", physics.Unlocked: "unlock"}[n.lock]
	if !n.ordered {
		verb = "manual_" + verb
	}
	n.ordered = false
	return verb
}

// powerOn is what a device does when it gets its power back.
func (n *zigbeeNode) powerOn() {
	on := n.device.find("light", "on")
	if on == nil {
		on = n.device.find("switch", "on")
	}
	if on == nil {
		return
	}
	switch n.kept["power_on_behavior"] {
	case "on":
		on.Write(true)
	case "off":
		on.Write(false)
	case "toggle":
		on.Write(!on.Read().(bool))
	}
}
