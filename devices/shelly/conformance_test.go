package shelly_test

import (
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices/shelly"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/conventiontest"
)

func TestConformance(t *testing.T) {
	var house []broker.Message
	for _, lines := range [][]string{plug, {notify(`"switch:0":{"id":0,"output":false,"apower":0}`)}, lights, cover, gateway, sleeper, classicHouse} {
		for _, line := range lines {
			topic, payload, _ := strings.Cut(line, " ")
			house = append(house, message(topic, payload))
		}
	}
	conventiontest.Run(t, conventiontest.Setup{
		New: func() hub.Convention {
			c, err := shelly.New(shelly.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return c
		},
		House: house,
	})
}
