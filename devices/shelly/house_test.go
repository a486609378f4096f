package shelly_test

import (
	"testing"

	"home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/devices/shelly"
)

// home is a house with what only this convention has.
type home struct {
	*house.House
	c *shelly.Convention
}

var newConvention = house.Maker(shelly.New)

func newHouse(t testing.TB) *home {
	t.Helper()
	c := newConvention(t)
	return &home{House: house.New(t, c), c: c}
}

// The messages of a plug as its documents show them.
const (
	plugID     = "shellyplus1pm-a8032ab1c2d4"
	plugInfo   = `{"id":1,"src":"shellyplus1pm-a8032ab1c2d4","dst":"homehub/shelly/shellyplus1pm-a8032ab1c2d4","result":{"name":"Kettle","id":"shellyplus1pm-a8032ab1c2d4","mac":"A8032AB1C2D4","model":"SNSW-001P16EU","gen":2,"fw_id":"20240430-114429/1.3.1-gd8534ee","ver":"1.3.1","app":"Plus1PM","auth_en":false}}`
	plugConfig = `{"id":2,"src":"shellyplus1pm-a8032ab1c2d4","dst":"homehub/shelly/shellyplus1pm-a8032ab1c2d4","result":{"input:0":{"id":0,"name":null,"type":"switch"},"mqtt":{"enable":true,"topic_prefix":"shellyplus1pm-a8032ab1c2d4","rpc_ntf":true,"status_ntf":false},"switch:0":{"id":0,"name":null},"sys":{"device":{"name":"Kettle","mac":"A8032AB1C2D4","fw_id":"20240430-114429/1.3.1-gd8534ee"},"cfg_rev":3},"wifi":{"ap":{}}}}`
	plugStatus = `{"id":4,"src":"shellyplus1pm-a8032ab1c2d4","dst":"homehub/shelly/shellyplus1pm-a8032ab1c2d4","result":{"input:0":{"id":0,"state":false},"switch:0":{"id":0,"source":"init","output":true,"apower":1850.5,"voltage":231.2,"current":8.01,"freq":50.0,"pf":0.99,"aenergy":{"total":12345.678,"by_minute":[1.0,2.0,3.0],"minute_ts":1700000000},"temperature":{"tC":41.5,"tF":106.7}},"sys":{"mac":"A8032AB1C2D4","restart_required":false,"uptime":3600,"available_updates":{"stable":{"version":"1.4.0"}}},"wifi":{"sta_ip":"192.168.1.7","status":"got ip","rssi":-61}}}`
	plugAnswer = "homehub/shelly/" + plugID + "/rpc "
	plugEvents = plugID + "/events/rpc "
)

// plug are the lines by which the plug becomes known.
var plug = []string{
	plugID + "/online true", plugAnswer + plugInfo, plugAnswer + plugConfig, plugAnswer + plugStatus,
}

// notify is a notification of the plug's.
func notify(params string) string {
	return plugEvents + `{"src":"` + plugID + `","dst":"` + plugID + `/events","method":"NotifyStatus","params":{"ts":1700000001.5,` + params + `}}`
}
