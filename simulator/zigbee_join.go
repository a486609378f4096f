package simulator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (b *zigbeeBridge) permitJoin(r zigbeeRequest) (map[string]any, error) {
	seconds := 0.0
	switch v := r.fields["time"].(type) {
	case float64:
		seconds = v
	case string:
		r.text = v
	case nil:
		if r.fields != nil {
			return nil, errInvalidPayload
		}
	}
	if r.text != "" {
		f, err := strconv.ParseFloat(strings.TrimSpace(r.text), 64)
		if err != nil {
			return nil, errInvalidPayload
		}
		seconds = f
	}
	switch {
	case !(seconds >= 0):
		return nil, errInvalidPayload
	case seconds > 254:
		return nil, errors.New("Cannot permit join for more than 254 seconds.") //nolint:staticcheck,revive // the bridge's own words
	}
	data := map[string]any{"time": float64(int(seconds))}
	if via := r.word("device"); via != "" && r.fields != nil {
		n, err := b.node(via)
		if err != nil {
			return nil, err
		}
		data["device"] = n.name
	}
	b.open = int(seconds) > 0
	b.permit, b.next = time.Now().Add(time.Duration(seconds)*time.Second), b.now.Add(5*time.Second)
	b.log("info", "Zigbee: %s", map[bool]string{true: "allowing new devices to join.", false: "disabling joining new devices."}[b.open])
	b.publishInfo()
	return data, nil
}

// join lets devices that were removed join again while that is permitted, one after the other.
func (b *zigbeeBridge) join() {
	if !b.open {
		return
	}
	if !time.Now().Before(b.permit) {
		b.open = false
		b.publishInfo()
		return
	}
	i := slices.IndexFunc(b.nodes, func(n *zigbeeNode) bool { return n.removed && n.powered })
	if i < 0 || b.now.Before(b.next) {
		return
	}
	n := b.nodes[i]
	b.next = b.now.Add(5 * time.Second)
	n.removed, n.name, n.seen, n.available = false, n.ieee, b.now, false
	n.options, n.pending = map[string]any{}, nil
	b.publishDevices()
	b.event("device_joined", n, nil)
	b.introduce(n)
	b.watch(n)
	n.device.recount(b.now)
	n.refresh(b.now, nil)
	b.publishState(n, nil)
}

// event tells what happened to a device.
func (b *zigbeeBridge) event(kind string, n *zigbeeNode, more map[string]any) {
	data := map[string]any{"friendly_name": n.name, "ieee_address": n.ieee}
	maps.Copy(data, more)
	b.publish("bridge/event", marshal(map[string]any{"type": kind, "data": data}), false)
}

// introduce tells that a device is asked what it is, and what it answered.
func (b *zigbeeBridge) introduce(n *zigbeeNode) {
	b.event("device_interview", n, map[string]any{"status": "started"})
	b.event("device_interview", n, map[string]any{"status": "successful", "supported": true, "definition": n.definition()})
	b.publishDevices()
}

func (b *zigbeeBridge) interview(r zigbeeRequest) (map[string]any, error) {
	if r.fields == nil || r.fields["id"] == nil {
		return nil, errInvalidPayload
	}
	n, err := b.node(r.word("id"))
	if err != nil {
		return nil, err
	}
	if !n.powered || n.sleepy {
		return nil, fmt.Errorf("interview of '%s' failed", n.name)
	}
	b.introduce(n)
	return map[string]any{"id": r.word("id")}, nil
}
