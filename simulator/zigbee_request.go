package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// request answers a request to the bridge. Those that the simulator does not know stay without an answer, as they do with the real
// one.
func (b *zigbeeBridge) request(what string, payload []byte) {
	handlers := map[string]func(zigbeeRequest) (map[string]any, error){
		"permit_join": b.permitJoin, "device/rename": b.renameDevice, "device/remove": b.removeDevice, "device/options": b.deviceOptions,
		"device/interview": b.interview, "device/ota_update/check": b.checkUpdate, "device/ota_update/update": b.startUpdate,
		"group/add": b.addGroup, "group/remove": b.removeGroup, "group/rename": b.renameGroup, "group/members/add": b.addMember,
		"group/members/remove": b.removeMember, "health_check": b.health, "restart": b.restart, "options": b.bridgeOptions,
	}
	do := handlers[strings.ToLower(what)]
	if do == nil {
		return
	}
	r := zigbeeRequest{text: string(payload)}
	if json.Unmarshal(payload, &r.fields) == nil && r.fields != nil {
		r.text = ""
	}
	data, err := do(r)
	if err != nil {
		b.log("error", "Request '%s/bridge/request/%s' failed with error: '%s'", b.spec.Base, what, err)
	}
	b.respond(what, r, data, err)
}

// respond answers, with the word by which the asker knows its question again.
func (b *zigbeeBridge) respond(what string, r zigbeeRequest, data map[string]any, err error) {
	answer := map[string]any{"data": data, "status": "ok"}
	if err != nil {
		answer = map[string]any{"data": map[string]any{}, "status": "error", "error": err.Error()}
	}
	if t, has := r.fields["transaction"]; has {
		answer["transaction"] = t
	}
	b.publish("bridge/response/"+what, marshal(answer), false)
}

// zigbeeRequest is the payload of a request: the members of an object, or a text.
type zigbeeRequest struct {
	fields map[string]any
	text   string
}

// word returns the text of a member, or of the whole payload where it is a text.
func (r zigbeeRequest) word(key string) string {
	if r.fields == nil {
		return strings.Trim(strings.TrimSpace(r.text), `"`)
	}
	switch v := r.fields[key].(type) {
	case string:
		return v
	case float64:
		return decimal(v)
	}
	return ""
}

func (r zigbeeRequest) flag(key string) bool {
	on, _ := r.fields[key].(bool)
	return on
}

var errInvalidPayload = errors.New("Invalid payload") //nolint:staticcheck // the bridge's own words

// device finds the device that a request names.
func (b *zigbeeBridge) node(name string) (*zigbeeNode, error) {
	if n, _ := b.find(name); n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("Device '%s' does not exist", name) //nolint:staticcheck // the bridge's own words
}

func (b *zigbeeBridge) group(name string) (*zigbeeGroup, error) {
	if _, g := b.find(name); g != nil {
		return g, nil
	}
	return nil, fmt.Errorf("Group '%s' does not exist", name) //nolint:staticcheck // the bridge's own words
}

// zigbeeNameFault says why a name cannot be a friendly name; empty when it can.
func zigbeeNameFault(name string) string {
	_, last, many := strings.Cut(name, "/")
	for many && strings.Contains(last, "/") {
		_, last, _ = strings.Cut(last, "/")
	}
	switch {
	case name == "":
		return "friendly_name must be at least 1 char long"
	case strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/"):
		return "friendly_name is not allowed to end or start with /"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "friendly_name is not allowed to contain control char"
	case many && strings.Trim(last, "0123456789") == "":
		return fmt.Sprintf("Friendly name cannot end with a \"/DIGIT\" ('%s')", name)
	case strings.ContainsAny(name, "+#"):
		return fmt.Sprintf("MQTT wildcard (+ and #) not allowed in friendly_name ('%s')", name)
	}
	return ""
}

// freeName is a name for a group that no device has.
func (b *zigbeeBridge) freeName(name string) string {
	for n, g := b.find(name); n != nil || g != nil; n, g = b.find(name) {
		name += " (group)"
	}
	return name
}

func (b *zigbeeBridge) newName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if n, g := b.find(name); n != nil || g != nil {
		return "", fmt.Errorf("friendly_name '%s' is already in use", name)
	}
	if why := zigbeeNameFault(name); why != "" {
		return "", errors.New(why)
	}
	if len(name) > 200 {
		return "", errors.New("friendly_name is too long")
	}
	return name, nil
}

func (b *zigbeeBridge) renameDevice(r zigbeeRequest) (map[string]any, error) {
	if _, ok := r.fields["to"].(string); !ok || r.fields["from"] == nil {
		return nil, errInvalidPayload
	}
	n, err := b.node(r.word("from"))
	if err != nil {
		return nil, err
	}
	to, err := b.newName(r.word("to"))
	if err != nil {
		return nil, err
	}
	from := n.name
	n.name = to
	b.publish(from, nil, true)
	if !b.spec.Blind {
		b.publish(from+"/availability", nil, true)
	}
	b.publishAvailability(to, n.available)
	b.publishDevices()
	b.publishInfo()
	b.publishState(n, nil)
	return map[string]any{"from": from, "to": to, "homeassistant_rename": r.flag("homeassistant_rename")}, nil
}

func (b *zigbeeBridge) removeDevice(r zigbeeRequest) (map[string]any, error) {
	n, err := b.node(r.word("id"))
	if err != nil {
		return nil, err
	}
	id, block, force := r.word("id"), r.flag("block"), r.flag("force")
	how := fmt.Sprintf(" (block: %v, force: %v)", block, force)
	b.log("info", "Removing device '%s'%s", n.name, how)
	if !force && (!n.powered || n.sleepy) {
		return nil, fmt.Errorf("Failed to remove device '%s'%s (Error: Timeout)", n.name, how) //nolint:staticcheck // the bridge's own words
	}
	n.removed = true
	for _, g := range b.groups {
		g.members = slices.DeleteFunc(g.members, func(m *zigbeeNode) bool { return m == n })
	}
	b.publish(n.name, nil, true)
	b.log("info", "Successfully removed device '%s'%s", n.name, how)
	b.event("device_leave", n, nil)
	if !b.spec.Blind {
		b.publish(n.name+"/availability", nil, true)
	}
	b.publishGroups()
	b.publishDevices()
	return map[string]any{"id": id, "block": block, "force": force}, nil
}

// plainOptions are options without those that cannot be set so.
func plainOptions(options map[string]any) map[string]any {
	out := maps.Clone(options)
	for _, key := range []string{"friendlyName", "friendly_name", "ID", "type", "devices"} {
		delete(out, key)
	}
	return out
}

func (b *zigbeeBridge) deviceOptions(r zigbeeRequest) (map[string]any, error) {
	options, ok := r.fields["options"].(map[string]any)
	if !ok || r.fields["id"] == nil {
		return nil, errInvalidPayload
	}
	n, err := b.node(r.word("id"))
	if err != nil {
		return nil, err
	}
	from, to := n.options, maps.Clone(n.options)
	maps.Copy(to, plainOptions(options))
	if len(to) > 50 {
		return nil, errors.New("too many options")
	}
	n.options = to
	b.publishInfo()
	b.publishDevices()
	b.log("info", "Changed config for device %s", r.word("id"))
	return map[string]any{"from": from, "to": to, "id": r.word("id"), "restart_required": false}, nil
}

func (b *zigbeeBridge) bridgeOptions(r zigbeeRequest) (map[string]any, error) {
	options, ok := r.fields["options"].(map[string]any)
	if !ok || len(options)+len(b.options) > 50 {
		return nil, errInvalidPayload
	}
	maps.Copy(b.options, options)
	b.publishInfo()
	return map[string]any{"restart_required": false}, nil
}

func (b *zigbeeBridge) health(zigbeeRequest) (map[string]any, error) {
	return map[string]any{"healthy": true}, nil
}

func (b *zigbeeBridge) restart(zigbeeRequest) (map[string]any, error) {
	b.log("info", "Restarting Zigbee2MQTT")
	b.nodes[0].device.line.leave(b.goodbye(), 10*time.Second)
	return map[string]any{}, nil
}
