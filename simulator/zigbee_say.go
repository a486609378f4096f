package simulator

import (
	"fmt"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator/physics"
)

// publish says something below the base, with QoS 0.
func (b *zigbeeBridge) publish(path string, payload []byte, retain bool) {
	b.out = append(b.out, broker.Message{Topic: b.spec.Base + "/" + path, Payload: payload, Retain: retain})
}

// log says something on the topic of the bridge's log.
func (b *zigbeeBridge) log(level, format string, args ...any) {
	b.publish("bridge/logging", marshal(map[string]string{
		"level": level, "message": fmt.Sprintf(format, args...), "namespace": "z2m",
	}), false)
}

// said returns what the present call has said.
func (b *zigbeeBridge) said() []broker.Message {
	out := b.out
	b.out = nil
	return out
}

func (b *zigbeeBridge) publishAvailability(name string, online bool) {
	if !b.spec.Blind {
		b.out = append(b.out, broker.Message{
			Topic: b.spec.Base + "/" + name + "/availability", Payload: b.presence(online), QoS: 1, Retain: true,
		})
	}
}

// publishState tells what is known of a device: all of it, or what has changed (nil: all) where the bridge is set up so.
func (b *zigbeeBridge) publishState(n *zigbeeNode, changed []*physics.Property) {
	state := n.payload(b.now, b.spec.Partial, changed)
	retain, _ := n.options["retain"].(bool)
	n.told = b.now
	b.publishOutput(n.name, state, retain)
	for _, g := range b.groups {
		if g.has(n) && g != b.ordering {
			b.publishGroup(g, n)
		}
	}
}

// publishAction tells what was done with a device. It is no state, so that it is told once and then forgotten.
func (b *zigbeeBridge) publishAction(n *zigbeeNode, action string) {
	state := n.payload(b.now, b.spec.Partial, []*physics.Property{})
	state["action"] = action
	b.publishOutput(n.name, state, false)
}

// publishOutput tells a state as one document, as a topic for each attribute, or both.
func (b *zigbeeBridge) publishOutput(name string, state map[string]any, retain bool) {
	if b.spec.Output != "attribute" {
		b.publish(name, marshal(state), retain)
	}
	if b.spec.Output == "attribute" || b.spec.Output == "attribute_and_json" {
		b.publishAttributes(name+"/", state, retain)
	}
}

func (b *zigbeeBridge) publishAttributes(root string, state map[string]any, retain bool) {
	for _, key := range sortedKeys(state) {
		switch v := state[key].(type) {
		case nil:
			b.publish(root+key, nil, retain)
		case map[string]any:
			b.publishAttributes(root+key+"-", v, retain)
		case string:
			b.publish(root+key, []byte(v), retain)
		default:
			b.publish(root+key, marshal(v), retain)
		}
	}
}
