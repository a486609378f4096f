package shelly_test

import (
	"testing"

	"home.arpa/homehub/devices/internal/house"
)

func FuzzConvention(f *testing.F) {
	house.Fuzz(f, newConvention, plug, lights, cover, gateway, sleeper, classicHouse,
		[]string{notify(`"switch:0":{"output":true}`), plugAnswer + `{"id":1e300,"src":"` + plugID + `","error":{"code":1}}`},
		[]string{"shellies/a/b/c/relay/0 on", "shellies/a/relay/0 off", "shellies/a/b/c/online false"})
}
