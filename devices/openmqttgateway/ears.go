package openmqttgateway

import "slices"

const (
	maxEars = 8  // gateways that are remembered for one sensor
	better  = 8  // dB by which another gateway must hear a sensor better to be the one that it is shown behind
	trusted = 4  // messages before another gateway's signal counts
	missed  = 30 // messages of others after which a gateway that no longer hears a sensor gives it up
	smooth  = 0.25
)

// ears are the gateways that hear a sensor. The first is the one that it is shown behind; it stays that as long as no other hears the sensor
// clearly better, since signals change with everybody who walks by.
type ears struct{ list []ear }

type ear struct {
	gateway *gateway
	rssi    float64 // smoothed
	heard   int     // messages
	silent  int     // messages of others since the last
}

// best is the gateway that the sensor is shown behind; a sensor was heard by one at least.
func (e *ears) best() *gateway { return e.list[0].gateway }

// hear notes a message that a gateway heard. It says whether another gateway is the best now.
func (e *ears) hear(g *gateway, rssi float64, measured bool) (changed bool) {
	i := slices.IndexFunc(e.list, func(x ear) bool { return x.gateway.prefix == g.prefix })
	if i < 0 {
		if len(e.list) >= maxEars {
			return false
		}
		i = len(e.list)
		e.list = append(e.list, ear{gateway: g, rssi: rssi})
	}
	for j := range e.list {
		e.list[j].silent++
	}
	x := &e.list[i]
	x.gateway, x.silent = g, 0 // it may have been removed, and come back, in between
	x.heard = min(x.heard+1, 1000)
	if measured {
		x.rssi += smooth * (rssi - x.rssi)
	}
	first := &e.list[0]
	if i > 0 && (first.silent > missed || measured && x.heard >= trusted && x.rssi > first.rssi+better) {
		e.list[0], e.list[i] = e.list[i], e.list[0]
		return true
	}
	return false
}
