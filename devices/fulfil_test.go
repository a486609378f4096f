package devices_test

import (
	"testing"

	"home.arpa/homehub/devices"
)

func TestABrightnessOf0IsReachedWhenTheLightSaysThatItIsOff(t *testing.T) {
	yes, no := devices.BoolValue(true), devices.BoolValue(false)
	b := newBench(t)
	b.twin.Reached(b.now, devices.Online, "")
	b.twin.Report(b.now, on, yes, false)
	b.twin.Report(b.now, dim, number(20), false)
	b.want(b.add(dim, number(0)), "c1 waiting")
	b.want(b.send(), "c1 sent")
	b.want(b.twin.Report(b.now, dim, number(20), false))
	b.want(b.twin.Report(b.now, on, yes, false))
	b.want(b.twin.Report(b.now, on, no, false), "light/on is false", "c1 confirmed")

	b.add(dim, number(0))
	b.want(b.send(), "c2 confirmed the device had said so already")

	b.add(dim, number(20))
	b.want(b.send(), "c3 sent") // it would be 20 only if it were on
	b.want(b.twin.Report(b.now, on, no, false))
	b.want(b.twin.Report(b.now, on, yes, false), "light/on is true")
	b.want(b.twin.Report(b.now, dim, number(20), false), "c3 confirmed")
}

func TestABrightnessOf0IsReachedByThatReportToo(t *testing.T) {
	b := newBench(t)
	b.add(dim, number(0))
	b.send()
	b.want(b.twin.Report(b.now, dim, number(0), false), "light/brightness is 0", "c1 confirmed")
}
