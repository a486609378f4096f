package homeassistant

import (
	"slices"
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// owner is what an entity's configuration says about the device that it belongs to.
type owner struct {
	identifiers                         []string
	connections                         []devices.Connection
	name, manufacturer, model, firmware string
	via, area                           string
}

// readOwner reads a device block. What has the wrong type is left out: a device without a model is better than none.
func readOwner(v template.Value) owner {
	c := expand(v, deviceKeys)
	o := owner{
		name: c.text("name", ""), manufacturer: c.text("manufacturer", ""), model: c.text("model", ""),
		firmware: c.text("sw_version", ""), via: c.text("via_device", ""), area: c.text("suggested_area", ""),
	}
	if o.model == "" {
		o.model = c.text("model_id", "")
	}
	switch ids := c["identifiers"]; ids.Kind() {
	case template.List:
		o.identifiers = c.list("identifiers")
	default:
		if id := c.text("identifiers", ""); id != "" {
			o.identifiers = []string{id}
		}
	}
	cns := c["connections"]
	for i := range cns.Len() {
		pair := cns.At(i)
		if pair.Kind() != template.List || pair.Len() != 2 || cns.Kind() != template.List {
			continue
		}
		if value := normalAddress(pair.At(1).Text()); value != "" {
			o.connections = append(o.connections, devices.Connection{Kind: strings.ToLower(pair.At(0).Text()), Value: value})
		}
	}
	for _, id := range o.identifiers {
		o.connect(id)
	}
	return o
}

// connect takes an address out of an identifier: many programs name a device by its MAC address, or by the IEEE address of
// Zigbee, and say nothing of connections. By it the device is recognised in what other conventions say.
func (o *owner) connect(id string) {
	cn := devices.Connection{Kind: "mac", Value: normalAddress(id)}
	if i := strings.LastIndex(id, "0x"); i >= 0 && len(id)-i == 18 && strings.Trim(id[i+2:], "0123456789abcdefABCDEF") == "" {
		cn = devices.Connection{Kind: "zigbee", Value: strings.ToLower(id[i:])}
	} else if len(cn.Value) != 17 || strings.Count(cn.Value, ":") != 5 || strings.Trim(cn.Value, "0123456789abcdef:") != "" {
		return
	}
	if !slices.ContainsFunc(o.connections, func(c devices.Connection) bool { return c.Value == cn.Value }) {
		o.connections = append(o.connections, cn)
	}
}

// normalAddress spells a MAC address, however it is written, in lower case with colons, and leaves anything else but for
// its case.
func normalAddress(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	digits := strings.NewReplacer(":", "", "-", "", ".", "").Replace(s)
	if len(digits) != 12 || strings.Trim(digits, "0123456789abcdef") != "" {
		return s
	}
	var b strings.Builder
	for i := 0; i < 12; i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(digits[i : i+2])
	}
	return b.String()
}

// handles are the names by which the device is found again.
func (o owner) handles() []string {
	out := make([]string, 0, len(o.identifiers)+len(o.connections))
	for _, id := range o.identifiers {
		out = append(out, "id:"+id)
	}
	for _, cn := range o.connections {
		out = append(out, cn.Kind+":"+cn.Value)
	}
	return out
}

// key is the device's key: its first handle in the order of the alphabet, identifiers before connections.
func (o owner) key() string {
	if len(o.identifiers) > 0 {
		return "id:" + slices.Min(o.identifiers)
	}
	if handles := o.handles(); len(handles) > 0 {
		return slices.Min(handles)
	}
	return ""
}
