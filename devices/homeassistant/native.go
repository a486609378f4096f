package homeassistant

import "strings"

// natives are the programs that announce to Home Assistant what a convention of the hub understands better from the program's
// own topics, by a word that is in the name of the origin or the maker. Z-Wave JS UI is not among them, since it announces colors, sirens
// and more that the convention leaves out.
var natives = []struct{ word, convention string }{
	{"zigbee2mqtt", "zigbee2mqtt"},
	{"tasmota", "tasmota"},
	{"openmqttgateway", "openmqttgateway"},
	{"theengs", "openmqttgateway"},
	{"omg_community", "openmqttgateway"},
	{"valetudo", "valetudo"},
	{"wled", "wled"},
	{"rtl_433", "rtl433"},
	{"frigate", "frigate"},
}

// native is the convention that understands an entity's device better, empty when none is known. Who announces says it in
// origin; older programs do not, and are known by the maker's name and by the shape of their topics. ESPHome has no language of
// its own: its announcement is the best there is.
func native(origin string, own owner, e *entity) string {
	for _, said := range []string{origin, own.manufacturer} {
		said = strings.ToLower(said)
		for _, n := range natives {
			if strings.Contains(said, n.word) {
				return n.convention
			}
		}
	}
	for _, id := range own.identifiers {
		if strings.HasPrefix(strings.ToLower(id), "zigbee2mqtt_") {
			return "zigbee2mqtt"
		}
	}
	found := ""
	for _, topic := range append(filtersOf(e), e.commands...) {
		by := byTopic(topic)
		if by == "" || found != "" && found != by {
			return ""
		}
		found = by
	}
	return found
}

// byTopic is the convention whose topics have such a shape.
func byTopic(topic string) string {
	levels := strings.Split(topic, "/")
	last := levels[len(levels)-1]
	for i, level := range levels {
		next := ""
		if i+1 < len(levels) {
			next = levels[i+1]
		}
		switch {
		case strings.HasSuffix(level, "toMQTT") || strings.HasPrefix(level, "MQTTto"):
			return "openmqttgateway"
		case level == "status" && isShellyComponent(next), level == "events" && next == "rpc":
			return "shelly"
		}
	}
	switch {
	case levels[0] == "shellies", last == "rpc", last == "online" && len(levels) > 1:
		return "shelly"
	case levels[0] == "tele", levels[0] == "stat", levels[0] == "cmnd":
		return "tasmota"
	case len(levels) > 2 && (levels[1] == "tele" || levels[1] == "stat" || levels[1] == "cmnd"):
		return "tasmota"
	case levels[0] == "rtl_433":
		return "rtl433"
	}
	return ""
}

// isShellyComponent says whether a level is the name of a part of a Shelly of the second generation: a word, or a word with a
// number behind a colon, such as switch:0.
func isShellyComponent(level string) bool {
	word, number, numbered := strings.Cut(level, ":")
	if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return false
	}
	if numbered {
		return number != "" && strings.Trim(number, "0123456789") == ""
	}
	switch word {
	case "sys", "wifi", "mqtt", "rpc", "cloud", "ble", "eth", "ws", "matter":
		return true
	}
	return false
}

// native is the convention in which all of the device's entities are understood better.
func (d *device) native() string {
	for _, m := range d.members {
		if m.entity.native == "" || m.entity.native != d.members[0].entity.native {
			return ""
		}
	}
	if len(d.members) == 0 {
		return ""
	}
	return d.members[0].entity.native
}
