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
		[]string{`shellyplusht-aabbcc007788/events/rpc {"src":"shellyplusht-aabbcc007788","method":"NotifyFullStatus","params":{"sys":{"wakeup_period":7200},"temperature:0":{"id":0,"tC":21.4},"ws":{"connected":false}}}`},
		[]string{"shellies/a/b/c/relay/0 on", "shellies/a/relay/0 off", "shellies/a/b/c/online false"})
}
