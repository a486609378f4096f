package zigbee2mqtt_test

import (
	"strings"
	"testing"

	"home.arpa/homehub/devices"
)

func TestHowLongALightsChangesTakeIsAnOptionOfIt(t *testing.T) {
	e := settled(t)
	config := func(config string) []string {
		return e.say("bridge/info", strings.Replace(info, `"config":{`, `"config":{`+config+`,`, 1))
	}
	rest := []string{"Zigbee2MQTT permit-join/on = false", "Zigbee2MQTT restart-required/problem = false"}
	e.want(config(`"devices":{"`+lampKey+`":{"friendly_name":"Hall lamp"}}`), append([]string{"Hall lamp light/transition = 0"}, rest...)...)
	e.want(config(`"device_options":{"transition":1},"devices":{"0x00":3,"`+lampKey+`":{"friendly_name":"Hall lamp"}}`),
		append([]string{"Hall lamp light/transition = 1"}, rest...)...)
	e.want(config(`"device_options":{"transition":1},"devices":{"`+lampKey+`":{"friendly_name":"Hall lamp","transition":2.5}}`),
		append([]string{"Hall lamp light/transition = 2.5"}, rest...)...)
	v, err := devices.FloatValue(3)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.c.Encode(lampKey, devices.Ref{Component: "light", Property: devices.Transition}, v)
	if err != nil || len(out) != 1 || out[0].Topic != "zigbee2mqtt/bridge/request/device/options" ||
		!strings.HasPrefix(string(out[0].Payload), `{"id":"`+lampKey+`","options":{"transition":3},"transaction":`) {
		t.Fatalf("it publishes %v, %v", out, err)
	}
	of := transaction.FindString(string(out[0].Payload))
	e.want(e.say("bridge/response/device/options", `{"data":{},"status":"ok","transaction":"`+of+`"}`), "Hall lamp light/transition = 3")
	of = e.told(lampKey, "light", "transition", "4")
	e.want(e.say("bridge/response/device/options", `{"data":{},"status":"error","error":"no","transaction":"`+of+`"}`), "Hall lamp refuses light/transition: no")
}
