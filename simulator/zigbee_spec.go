package simulator

import (
	"cmp"
	"slices"
	"time"

	"home.arpa/homehub/broker"
)

// Zigbee2MQTT is the language of the Zigbee devices behind a bridge of that name.
const Zigbee2MQTT = "zigbee2mqtt"

var zigbeeLanguage = language{
	name: Zigbee2MQTT, title: "Zigbee2MQTT", topics: []string{"zigbee2mqtt/#"},
	kinds: []string{
		KindLight, KindThermostat, KindPlug, KindClimate, KindMotion, KindContact, KindCover, KindLock, KindFan, KindRemote,
	},
	keys: []string{"topic"},
	check: func(d DeviceSpec, fault func(format string, args ...any)) {
		if d.ID() == Zigbee2MQTT {
			fault("its id is the bridge's")
		}
		if why := zigbeeNameFault(d.zigbeeName()); why != "" {
			fault("as a friendly name, %s", why)
		}
	},
	bridge: func(h House, list []*device) bridge { return newZigbeeBridge(h.Zigbee2MQTT, list) },
}

// zigbeeName is the friendly name of a Zigbee device.
func (d DeviceSpec) zigbeeName() string {
	if d.Topic != "" {
		return d.Topic
	}
	return d.Name
}

// ZigbeeSpec says how the bridge of the Zigbee devices is set up.
type ZigbeeSpec struct {
	// Base is the first level of its topics; empty means zigbee2mqtt.
	Base string `yaml:"base"`
	// Old: it speaks as versions before 2.0 did, which say their state and the devices' availability in plain text.
	Old bool `yaml:"old"`
	// Output is json (default), attribute (each attribute has a topic of its own) or attribute_and_json.
	Output string `yaml:"output"`
	// Partial: a state holds what has changed only, not all that is known (the option cache_state set to false).
	Partial bool `yaml:"partial"`
	// Timeout is how long a device with mains power may be silent before the bridge asks whether it is there; 0 means a minute,
	// which is the least that Zigbee2MQTT allows (its own default is ten).
	Timeout time.Duration `yaml:"timeout"`
	// Blind: it does not watch availability at all, which is Zigbee2MQTT's own default.
	Blind bool `yaml:"blind"`
	// apart stands behind the bridge's name: see House.Apart.
	apart string
}

func (z ZigbeeSpec) base() string { return cmp.Or(z.Base, Zigbee2MQTT) }

func (z ZigbeeSpec) check(fault func(format string, args ...any)) {
	if slices.Contains([]string{"homeassistant", "homie", "sim", "esphome"}, z.Base) || broker.ValidTopic(z.Base+"x") != nil {
		fault("zigbee2mqtt: base is a topic that is not used by others, not %q", z.Base)
	}
	if !slices.Contains([]string{"", "json", "attribute", "attribute_and_json"}, z.Output) {
		fault("zigbee2mqtt: output is json, attribute or attribute_and_json, not %q", z.Output)
	}
	if z.Timeout != 0 && (z.Timeout < time.Minute || z.Timeout > 24*time.Hour) {
		fault("zigbee2mqtt: timeout is 1m to 24h, not %s", z.Timeout)
	}
}
