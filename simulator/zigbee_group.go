package simulator

import (
	"math"
	"slices"
)

// zigbeeGroup is a group of lights, which are told something together.
type zigbeeGroup struct {
	id        int
	name      string
	members   []*zigbeeNode
	available bool
	last      string // what was told of it last
}

func (g *zigbeeGroup) has(n *zigbeeNode) bool { return slices.Contains(g.members, n) }

// reachable says whether one of the members is there.
func (g *zigbeeGroup) reachable() bool {
	return slices.ContainsFunc(g.members, func(n *zigbeeNode) bool { return n.available })
}

// state is what the members have in common: on when one of them is on, and the rest of the first that is on.
func (g *zigbeeGroup) state(first *zigbeeNode) map[string]any {
	out := map[string]any{"state": "OFF"}
	for _, n := range append([]*zigbeeNode{first}, g.members...) {
		if n == nil || n.state["state"] != "ON" {
			continue
		}
		out["state"] = "ON"
		for _, key := range []string{"brightness", "color_temp", "color", "color_mode"} {
			if v, has := n.state[key]; has && out[key] == nil && v != nil {
				out[key] = v
			}
		}
	}
	return out
}

// publishGroup tells the state of a group if it has changed, of which a member (or nil: none) has just told its own.
func (b *zigbeeBridge) publishGroup(g *zigbeeGroup, member *zigbeeNode) {
	state := g.state(member)
	if text := string(marshal(state)); text != g.last {
		g.last = text
		b.publishOutput(g.name, state, false)
	}
}

// setGroup carries out a command to a group: each member gets it, and what a member cannot do it ignores.
func (b *zigbeeBridge) setGroup(g *zigbeeGroup, message map[string]any) {
	b.ordering = g
	for _, n := range g.members {
		own := map[string]any{}
		for key, v := range message {
			if slices.ContainsFunc(n.converters, func(c *zigbeeConverter) bool { return c.set != nil && slices.Contains(c.keys, key) }) {
				own[key] = v
			}
		}
		if len(own) > 0 && n.powered && b.set(n, own) {
			b.publishState(n, nil)
		}
	}
	b.ordering, g.last = nil, "" // it is told in any case
	b.publishGroup(g, nil)
}

// updateState is the state of a device's firmware.
func (n *zigbeeNode) updateState() any {
	installed, latest := n.kept["installed_version"], n.kept["latest_version"]
	state := map[string]any{"installed_version": installed, "latest_version": latest, "state": "idle"}
	switch {
	case n.updating >= 0:
		state["state"] = "updating"
		state["progress"] = math.Floor(n.updating * 100)
		state["remaining"] = math.Round((1 - n.updating) * updateTakes.Seconds())
	case installed != latest:
		state["state"] = "available"
	}
	return state
}
