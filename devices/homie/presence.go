package homie

import (
	"fmt"
	"maps"
	"slices"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// The values of $state.
const (
	starting     = "init"
	ready        = "ready"
	disconnected = "disconnected"
	sleeping     = "sleeping"
	lost         = "lost"
	alert        = "alert" // before Homie 5 only
)

// reaches says what a $state means.
var reaches = map[string]devices.Reach{
	starting:     {Presence: devices.Starting, Why: "it is connected and says what it is; it is not ready for commands yet"},
	ready:        {Presence: devices.Online, Why: "it says that it is ready"},
	disconnected: {Presence: devices.Offline, Why: "it said goodbye"},
	sleeping:     {Presence: devices.Asleep, Why: "it said that it goes to sleep"},
	lost:         {Presence: devices.Offline, Why: "its connection was lost (its will was published)"},
}

// state applies a $state.
func (c *Convention) state(m broker.Message, s stated) hub.Update {
	key := keyOf(s.domain, s.id)
	if _, ok := reaches[s.state]; !ok {
		return fault(key, m.Topic, fmt.Sprintf("%.40q is not a state of a device", s.state))
	}
	d := c.device(key)
	if d == nil {
		return fault("", m.Topic, fmt.Sprintf("more than %d devices", maxDevices))
	}
	wasLost := d.state == lost
	d.state = s.state
	var u hub.Update
	if d.waiting != nil {
		u = c.install(d, d.waiting)
	} else if d.announced != nil {
		if r, ok := c.reach(d); ok {
			u.Reaches = append(u.Reaches, hub.Reached{Key: key, Reach: r})
		}
	}
	u.Reaches = append(u.Reaches, c.children(key, wasLost, s.state == lost)...)
	return u
}

// reach is a device's presence; ok is false while nothing is known of it.
func (c *Convention) reach(d *device) (r devices.Reach, ok bool) {
	if d.announced != nil && d.announced.root != "" {
		if root := c.devices[d.announced.root]; root != nil && root.state == lost {
			return devices.Reach{Presence: devices.Offline, Why: fmt.Sprintf("the connection of %s, through which it is reached, was lost", root.id)}, true
		}
	}
	r, ok = reaches[d.state]
	return r, ok
}

// children is the news about all devices below a root that was lost or came back.
func (c *Convention) children(root string, wasLost, isLost bool) []hub.Reached {
	if wasLost == isLost {
		return nil
	}
	var news []hub.Reached
	for _, key := range slices.Sorted(maps.Keys(c.devices)) {
		if d := c.devices[key]; d.announced != nil && d.announced.root == root && key != root {
			if r, ok := c.reach(d); ok {
				news = append(news, hub.Reached{Key: key, Reach: r})
			}
		}
	}
	return news
}
