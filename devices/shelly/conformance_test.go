package shelly_test

import (
	"slices"
	"testing"

	"home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/conventiontest"
)

func TestConformance(t *testing.T) {
	conventiontest.Run(t, conventiontest.Setup{
		New: func() hub.Convention { return newConvention(t) },
		House: house.Messages(slices.Concat(
			plug, []string{notify(`"switch:0":{"id":0,"output":false,"apower":0}`)}, lights, cover, gateway, sleeper, classicHouse,
		)...),
	})
}
