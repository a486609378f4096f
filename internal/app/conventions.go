package app

import (
	"errors"

	"home.arpa/homehub/devices/esphome"
	"home.arpa/homehub/devices/frigate"
	"home.arpa/homehub/devices/homeassistant"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/devices/openmqttgateway"
	"home.arpa/homehub/devices/owntracks"
	"home.arpa/homehub/devices/rtl433"
	"home.arpa/homehub/devices/shelly"
	"home.arpa/homehub/devices/tasmota"
	"home.arpa/homehub/devices/valetudo"
	"home.arpa/homehub/devices/wled"
	"home.arpa/homehub/devices/zigbee2mqtt"
	"home.arpa/homehub/devices/zwavejs"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/internal/config"
)

// Conventions are all languages of devices that the hub understands. They stand in the order of their worth: what devices say of
// themselves first, what gateways say of them next, and last what is announced to Home Assistant, which many of them do beside.
func Conventions(cfg config.Config) ([]hub.Convention, error) {
	var all conventions
	add(&all, shelly.New, shelly.Options{})
	add(&all, tasmota.New, tasmota.Options{})
	add(&all, zigbee2mqtt.New, zigbee2mqtt.Options{})
	add(&all, valetudo.New, valetudo.Options{})
	add(&all, wled.New, wled.Options{})
	all.list = append(all.list, homie.New())
	add(&all, esphome.New, esphome.Options{Prefix: cfg.HomeAssistant.Prefix})
	add(&all, openmqttgateway.New, openmqttgateway.Options{})
	add(&all, rtl433.New, rtl433.Options{})
	add(&all, zwavejs.New, zwavejs.Options{})
	add(&all, frigate.New, frigate.Options{})
	add(&all, owntracks.New, owntracks.Options{})
	add(&all, homeassistant.New, homeassistant.Options{Prefix: cfg.HomeAssistant.Prefix})
	return all.list, all.err
}

// conventions are those that were made, and why others were not.
type conventions struct {
	list []hub.Convention
	err  error
}

func add[C hub.Convention, O any](all *conventions, build func(O) (C, error), options O) {
	c, err := build(options)
	all.list, all.err = append(all.list, c), errors.Join(all.err, err)
}
