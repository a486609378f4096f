package simulator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// definition is what the bridge says of a device's model.
func (n *zigbeeNode) definition() map[string]any {
	return map[string]any{
		"source": "native", "model": n.model.model, "vendor": n.model.vendor, "description": n.model.description, "exposes": n.exposes,
		"supports_ota": !n.battery, "icon": nil, "version": "0.0.0", "options": []expose{
			exposed("numeric", "transition", zSet, "value_min", 0, "value_step", 0.1,
				"description", "Controls the transition time (in seconds) of on/off, brightness and color changes"),
		},
	}
}

// publishDevices tells all devices, the coordinator first.
func (b *zigbeeBridge) publishDevices() {
	list := []map[string]any{{
		"ieee_address": b.coordinator(), "type": "Coordinator", "network_address": 0, "supported": true, "friendly_name": "Coordinator",
		"disabled": false, "definition": nil, "power_source": nil, "software_build_id": nil, "date_code": nil, "model_id": nil,
		"interviewing": false, "interview_completed": true, "interview_state": "SUCCESSFUL", "manufacturer": nil,
		"endpoints": map[string]any{"1": endpoint(nil, nil)},
	}}
	for _, n := range b.present() {
		list = append(list, n.entry())
	}
	b.publish("bridge/devices", marshal(list), true)
}

func (b *zigbeeBridge) coordinator() string { return fmt.Sprintf("0x00124b00%08x", b.hash) }

func endpoint(input, output []string) map[string]any {
	if input == nil {
		input, output = []string{}, []string{}
	}
	return map[string]any{
		"name": nil, "bindings": []any{}, "configured_reportings": []any{}, "scenes": []any{},
		"clusters": map[string]any{"input": input, "output": output},
	}
}

// entry is a device in the list of devices. What the real bridge does not know of a device it says as null or leaves out.
func (n *zigbeeNode) entry() map[string]any {
	kind, source, build := "EndDevice", "Battery", any(nil)
	if n.model.router {
		kind, source, build = "Router", "Mains (single phase)", "2.3.087"
	}
	e := map[string]any{
		"ieee_address": n.ieee, "type": kind, "network_address": n.network, "supported": true, "friendly_name": n.name,
		"disabled": n.options["disabled"] == true, "definition": n.definition(), "power_source": source, "software_build_id": build,
		"date_code": "20220101", "model_id": n.model.modelID, "interviewing": false, "interview_completed": true,
		"interview_state": "SUCCESSFUL", "manufacturer": n.model.manufacturer,
		"endpoints": map[string]any{"1": endpoint([]string{"genBasic", "genPowerCfg"}, []string{"genOta"})},
	}
	if d, ok := n.options["description"].(string); ok {
		e["description"] = d
	}
	return e
}

func (b *zigbeeBridge) publishGroups() {
	list := []map[string]any{}
	for _, g := range b.groups {
		members := []map[string]any{}
		for _, n := range g.members {
			members = append(members, map[string]any{"ieee_address": n.ieee, "endpoint": 1})
		}
		list = append(list, map[string]any{"id": g.id, "friendly_name": g.name, "description": nil, "scenes": []any{}, "members": members})
	}
	b.publish("bridge/groups", marshal(list), true)
}

// publishInfo tells of the bridge itself.
func (b *zigbeeBridge) publishInfo() {
	version, output := "2.1.3", b.spec.Output
	if b.spec.Old {
		version = "1.42.0"
	}
	if output == "" {
		output = "json"
	}
	devices, groups := map[string]any{}, map[string]any{}
	for _, n := range b.present() {
		options := maps.Clone(n.options)
		options["friendly_name"] = n.name
		devices[n.ieee] = options
	}
	for _, g := range b.groups {
		groups[strconv.Itoa(g.id)] = map[string]any{"friendly_name": g.name}
	}
	info := map[string]any{
		"version": version, "commit": "7d0a1b8", "log_level": "info", "permit_join": b.open, "restart_required": false,
		"coordinator": map[string]any{"ieee_address": b.coordinator(), "type": "zStack3x0", "meta": map[string]any{"revision": 20230507}},
		"network":     map[string]any{"channel": 11, "pan_id": 6754, "extended_pan_id": "0xdddddddddddddddd"},
		"config": map[string]any{
			"advanced":     map[string]any{"output": output, "cache_state": !b.spec.Partial, "last_seen": "disable"},
			"availability": map[string]any{"enabled": !b.spec.Blind, "active": map[string]any{"timeout": b.spec.Timeout.Minutes()}, "passive": map[string]any{"timeout": passiveTimeout.Minutes()}},
			"devices":      devices, "groups": groups, "mqtt": map[string]any{"base_topic": b.spec.Base}, "homeassistant": map[string]any{"enabled": false},
		},
		"config_schema": map[string]any{},
	}
	if b.open {
		info["permit_join_end"] = b.permit.UnixMilli()
	}
	b.publish("bridge/info", marshal(info), true)
}

func (b *zigbeeBridge) addGroup(r zigbeeRequest) (map[string]any, error) {
	if len(b.groups) >= 100 {
		return nil, errors.New("too many groups")
	}
	name, err := b.newName(r.word("friendly_name"))
	if err != nil {
		return nil, err
	}
	id := 1
	for slices.ContainsFunc(b.groups, func(g *zigbeeGroup) bool { return g.id == id }) {
		id++
	}
	b.groups = append(b.groups, &zigbeeGroup{id: id, name: name})
	b.publishGroups()
	return map[string]any{"friendly_name": name, "id": id}, nil
}

func (b *zigbeeBridge) removeGroup(r zigbeeRequest) (map[string]any, error) {
	g, err := b.group(r.word("id"))
	if err != nil {
		return nil, err
	}
	b.groups = slices.DeleteFunc(b.groups, func(other *zigbeeGroup) bool { return other == g })
	b.publish(g.name, nil, true)
	if !b.spec.Blind {
		b.publish(g.name+"/availability", nil, true)
	}
	b.publishGroups()
	return map[string]any{"id": r.word("id"), "force": r.flag("force")}, nil
}

func (b *zigbeeBridge) renameGroup(r zigbeeRequest) (map[string]any, error) {
	if _, ok := r.fields["to"].(string); !ok || r.fields["from"] == nil {
		return nil, errInvalidPayload
	}
	g, err := b.group(r.word("from"))
	if err != nil {
		return nil, err
	}
	to, err := b.newName(r.word("to"))
	if err != nil {
		return nil, err
	}
	from := g.name
	g.name, g.last = to, ""
	b.publish(from, nil, true)
	if !b.spec.Blind {
		b.publish(from+"/availability", nil, true)
	}
	b.publishAvailability(to, g.available)
	b.publishGroups()
	b.publishInfo()
	b.publishGroup(g, nil)
	return map[string]any{"from": from, "to": to, "homeassistant_rename": r.flag("homeassistant_rename")}, nil
}

// member finds the group and the device that a request names.
func (b *zigbeeBridge) member(r zigbeeRequest) (*zigbeeGroup, *zigbeeNode, error) {
	if r.fields["group"] == nil || r.fields["device"] == nil {
		return nil, nil, errInvalidPayload
	}
	g, err := b.group(r.word("group"))
	if err != nil {
		return nil, nil, err
	}
	n, err := b.node(r.word("device"))
	return g, n, err
}

func (b *zigbeeBridge) addMember(r zigbeeRequest) (map[string]any, error) {
	g, n, err := b.member(r)
	if err != nil {
		return nil, err
	}
	if !g.has(n) {
		g.members = append(g.members, n)
	}
	b.publishGroups()
	return map[string]any{"device": r.word("device"), "endpoint": "default", "group": r.word("group")}, nil
}

func (b *zigbeeBridge) removeMember(r zigbeeRequest) (map[string]any, error) {
	g, n, err := b.member(r)
	if err != nil {
		return nil, err
	}
	g.members = slices.DeleteFunc(g.members, func(m *zigbeeNode) bool { return m == n })
	b.publishGroups()
	return map[string]any{"device": r.word("device"), "endpoint": "default", "group": r.word("group")}, nil
}
