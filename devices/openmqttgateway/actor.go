package openmqttgateway

import (
	"fmt"
	"math"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/fields"
	"home.arpa/homehub/devices/internal/jsontext"
)

// The Bluetooth devices that OpenMQTTGateway steers (its page "BLE", "SwitchBot … control"), by the decoder's model.
const (
	switchBot     = "X1"
	switchCurtain = "W070160X"
)

const (
	switchID = "switch"
	coverID  = "cover"
)

// steered is what a property of a device that can be steered is in the model. A SwitchBot Bot that only presses has no state.
func steered(key, model string, all jsontext.Value) (m fields.Meaning, ok bool) {
	switch {
	case model == switchBot && key == "state" && all.Get("mode").Text() == "on/off":
		return fields.Meaning{
			Component: switchID, Kind: devices.Switch, Property: devices.Property{ID: devices.On, Datatype: devices.Bool, Settable: true},
		}, true
	case model == switchCurtain && key == "position": // the device counts from open to closed
		low, top := 0.0, 100.0
		return fields.Meaning{
			Component: coverID, Kind: devices.Cover, Factor: -1, Offset: 100,
			Property: devices.Property{ID: devices.Position, Datatype: devices.Float, Unit: "%", Min: &low, Max: &top, Step: 1, Settable: true},
		}, true
	}
	return m, false
}

// encode renders a command for the device, which the gateway that it is shown behind carries out.
func (s *sensor) encode(ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	g, model := s.ears.best(), s.hints[0]
	if s.mac == "" || g.listens() {
		return nil, unsteerable(s.key, ref)
	}
	order := ""
	switch {
	case model == switchBot && ref == devices.Ref{Component: switchID, Property: devices.On}:
		order = `"cmd":"off"`
		if v.Bool() {
			order = `"cmd":"on"`
		}
	case model == switchCurtain && ref == devices.Ref{Component: coverID, Property: devices.Position}:
		order = fmt.Sprintf(`"position":%d`, int(math.Round(100-v.Float())))
	default:
		return nil, unsteerable(s.key, ref)
	}
	body := `{"model_id":"` + model + `",` + order + `,"id":"` + strings.ToUpper(s.mac) + `"}`
	return []broker.Message{{Topic: g.prefix + "/commands/MQTTtoBT", Payload: []byte(body)}}, nil
}
