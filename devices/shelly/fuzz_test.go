package shelly_test

import (
	"slices"
	"testing"

	"home.arpa/homehub/devices/internal/house"
)

func FuzzConvention(f *testing.F) {
	house.Fuzz(f, newConvention, plug, lights, cover, gateway, sleeper, classicHouse,
		[]string{notify(`"switch:0":{"output":true}`), plugAnswer + `{"id":1e300,"src":"` + plugID + `","error":{"code":1}}`},
		slices.Repeat([]string{plugAnswer + ` {"id":4,"src":"` + plugID + `","dst":"homehub/shelly/x","result":{"sys":{},"switch:0":{"id":0,"output":true}}}`}, 3), // and nothing else
		[]string{"shellies/a/b/c/relay/0 on", "shellies/a/relay/0 off", "shellies/a/b/c/online false"})
}
