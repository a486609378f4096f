package crosscheck_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// waves is a gateway as far as its nodes need one: it answers who it is and which nodes there are, and does what it is told.
type waves struct {
	link interface {
		Publish(ctx context.Context, m broker.Message) error
	}
	mu   sync.Mutex
	told []string
	all  sync.WaitGroup
}

const (
	wavesInfo  = `{"success":true,"message":"Success zwave api call","result":{"uptime":1,"homeid":3774873600,"name":"0xe1000000","controllerId":1}}`
	wavesNodes = `{"success":true,"message":"Success zwave api call","result":[{"id":5,"name":"Plug","loc":"Kitchen","manufacturer":"Fibaro","productLabel":"FGWPE102","isListening":true}]}`
)

func (w *waves) HandleMessage(_ context.Context, m broker.Message) {
	own, ok := strings.CutSuffix(m.Topic, "/set")
	if !ok {
		return
	}
	w.mu.Lock()
	w.told = append(w.told, m.Topic+" "+string(m.Payload))
	w.mu.Unlock()
	var out broker.Message
	switch {
	case strings.HasSuffix(own, "/api/getInfo"):
		out = broker.Message{Topic: own, Payload: []byte(wavesInfo)}
	case strings.HasSuffix(own, "/api/getNodes"):
		out = broker.Message{Topic: own, Payload: []byte(wavesNodes)}
	case strings.HasSuffix(own, "/targetValue"):
		out = kept(strings.Replace(own, "target", "current", 1), string(m.Payload))
	default:
		var v struct {
			Value json.RawMessage `json:"value"`
		}
		if json.Unmarshal(m.Payload, &v) != nil || v.Value == nil {
			v.Value = m.Payload
		}
		out = kept(own, `{"time":1,"value":`+string(v.Value)+`}`)
	}
	w.all.Go(func() { _ = w.link.Publish(context.Background(), out) })
}

func (*waves) HandleSession(context.Context, broker.Session) {}
func (*waves) HandleLink(bool, string)                       {}

// wavesDevice is how Z-Wave JS UI names a node to Home Assistant.
const wavesDevice = `"device":{"identifiers":["zwavejs2mqtt_0xe1000000_node5"],"manufacturer":"Fibaro","model":"Wall Plug (FGWPE102)","name":"Kitchen-Plug","sw_version":"3.2"},` +
	`"availability":[{"payload_available":"true","payload_not_available":"false","topic":"zwave/Kitchen/Plug/status","value_template":"{{'true' if value_json.value else 'false'}}"}],"availability_mode":"all"}`

// A Z-Wave node with discovery for Home Assistant switched on is one device, whatever is heard first; what only Home Assistant is told
// of is there, too, and can be told.
func TestAZWaveNodeThatIsAnnouncedToHomeAssistantTooIsOneDevice(t *testing.T) {
	gateway := []broker.Message{kept("zwave/_CLIENTS/ZWAVE_GATEWAY-home/status", `{"time":1,"value":true}`)}
	node := []broker.Message{
		kept("zwave/Kitchen/Plug/status", `{"time":1,"value":true,"status":"Alive","nodeId":5}`),
		kept("zwave/Kitchen/Plug/switch_binary/endpoint_0/currentValue", `{"time":1,"value":false}`),
		kept("zwave/Kitchen/Plug/meter/endpoint_0/value/66049", `{"time":1,"value":12.5}`),
		kept("zwave/Kitchen/Plug/sound_switch/endpoint_0/volume", `{"time":1,"value":10}`),
	}
	entities := []broker.Message{
		kept("homeassistant/switch/Kitchen-Plug/switch/config", `{"payload_on":true,"payload_off":false,"value_template":"{{ value_json.value }}","command_topic":"zwave/Kitchen/Plug/switch_binary/endpoint_0/targetValue/set","state_topic":"zwave/Kitchen/Plug/switch_binary/endpoint_0/currentValue","name":"Switch","unique_id":"zwavejs2mqtt_0xe1000000_5-37-0-currentValue",`+wavesDevice),
		kept("homeassistant/sensor/Kitchen-Plug/electric_w_value/config", `{"value_template":"{{ value_json.value }}","device_class":"power","unit_of_measurement":"W","state_topic":"zwave/Kitchen/Plug/meter/endpoint_0/value/66049","name":"Electric_w_value","unique_id":"zwavejs2mqtt_0xe1000000_5-50-0-value-66049",`+wavesDevice),
		kept("homeassistant/number/Kitchen-Plug/volume/config", `{"value_template":"{{ value_json.value }}","min":0,"max":100,"command_topic":"zwave/Kitchen/Plug/sound_switch/endpoint_0/volume/set","state_topic":"zwave/Kitchen/Plug/sound_switch/endpoint_0/volume","name":"Volume","unique_id":"zwavejs2mqtt_0xe1000000_5-121-0-volume",`+wavesDevice),
	}
	for name, messages := range map[string][]broker.Message{
		"its own words first":                   slices.Concat(gateway, node, entities),
		"Home Assistant first":                  slices.Concat(entities, node, gateway),
		"the gateway last":                      slices.Concat(node, entities, gateway),
		"its words before there is a gateway":   slices.Concat(node, gateway, entities),
		"Home Assistant before there is a node": slices.Concat(gateway, entities, node),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome(t)
				h.startNative()
				link := h.broker.Link()
				w := &waves{link: link}
				link.Subscribe(broker.Subscription{Filter: "zwave/#", QoS: 1})
				h.run(func(ctx context.Context) error { return link.Run(ctx, w) })
				t.Cleanup(w.all.Wait)
				synctest.Wait()
				publisher := h.broker.Link()
				h.run(func(ctx context.Context) error { return publisher.Run(ctx, h.reader) })
				synctest.Wait()
				for _, m := range messages {
					if err := publisher.Publish(t.Context(), m); err != nil {
						t.Fatal(err)
					}
				}
				h.settle(3 * time.Second)
				var plugs []hub.View
				for _, v := range h.Devices() {
					if v.Manufacturer == "Fibaro" {
						plugs = append(plugs, v)
					}
				}
				if len(plugs) != 1 || !slices.Equal(plugs[0].Conventions, []string{"zwavejs", "homeassistant"}) || plugs[0].Reach.Presence != devices.Online {
					t.Fatalf("there are %d plugs: %+v", len(plugs), plugs)
				}
				plug := plugs[0]
				var parts []string
				for _, c := range plug.Components {
					for _, p := range c.Properties {
						parts = append(parts, c.ID+"/"+p.ID+" = "+plug.Reported[c.ID+"/"+p.ID].Value.String())
					}
				}
				if want := []string{"meter/power = 12.5", "switch/on = false", "volume/value = 10"}; !slices.Equal(parts, want) {
					t.Errorf("it has %q, want %q", parts, want)
				}
				fifty, err := devices.FloatValue(50)
				if err != nil {
					t.Fatal(err)
				}
				for path, v := range map[string]devices.Value{"/switch/on": devices.BoolValue(true), "/volume/value": fifty} {
					if c := h.wish(plug.ID+path, v, time.Second); c.Status != devices.Confirmed {
						t.Errorf("%s is %s: %s", path, c.Status, c.Reason)
					}
				}
				w.mu.Lock()
				defer w.mu.Unlock()
				if !slices.Contains(w.told, `zwave/Kitchen/Plug/switch_binary/endpoint_0/targetValue/set {"value":true}`) {
					t.Errorf("the gateway was told %q", w.told)
				}
			})
		})
	}
}
