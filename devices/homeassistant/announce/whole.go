package announce

import (
	"encoding/json"
	"math"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// wholeTopic is the level below a component where it is told in one JSON object, in Home Assistant's words.
const wholeTopic = "$homeassistant"

// Whole tells Home Assistant in one JSON object what it takes only so: the state of a vacuum with its fan's speed, and the
// coordinates of a tracker.
func (a *Announcer) Whole(device string, c *devices.Component, value func(property string) devices.Value) (m broker.Message, ok bool) {
	var state any
	switch {
	case c.Kind == devices.Vacuum && vacuumState(c) != nil:
		state = vacuumSays(c, value)
	case c.Kind == devices.Tracker && located(c):
		state = trackerSays(value)
	default:
		return m, false
	}
	payload, err := json.Marshal(state)
	if err != nil {
		return m, false // texts and finite numbers always can be
	}
	topic := a.options.Domain + "/5/" + device + "/" + c.ID + "/" + wholeTopic
	return broker.Message{Topic: topic, Payload: payload, QoS: 1, Retain: true}, true
}

// vacuumSays is null as long as the state is not known: then Home Assistant takes it to be unknown.
func vacuumSays(c *devices.Component, value func(string) devices.Value) any {
	says := struct {
		State    *string `json:"state"`
		FanSpeed string  `json:"fan_speed,omitempty"`
	}{}
	if v := value(devices.State); !v.IsZero() {
		says.State = new(v.Text())
	}
	if fanSpeed(c) != nil {
		says.FanSpeed = value(devices.FanSpeed).Text()
	}
	return says
}

// trackerSays is empty as long as it is not known where the thing is. Home Assistant's accuracy is a whole number.
func trackerSays(value func(string) devices.Value) any {
	latitude, longitude, accuracy := value(devices.Latitude), value(devices.Longitude), value(devices.Accuracy)
	if latitude.IsZero() || longitude.IsZero() {
		return struct{}{}
	}
	return struct {
		Latitude  float64 `json:"latitude"`
		Longitude float64 `json:"longitude"`
		Accuracy  float64 `json:"gps_accuracy"`
	}{latitude.Float(), longitude.Float(), math.Round(accuracy.Float())}
}

// located says whether a tracker tells its coordinates.
func located(c *devices.Component) bool {
	for _, id := range []string{devices.Latitude, devices.Longitude} {
		p := c.Property(id)
		if p == nil || !p.Readable || p.Momentary || p.Datatype != devices.Float && p.Datatype != devices.Int {
			return false
		}
	}
	return true
}

// whole points a key to where the component is told in one.
func (b *builder) whole(c config, key string) { c[key] = b.base + wholeTopic }
