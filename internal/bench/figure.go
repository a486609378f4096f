package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// figure is what one run measures.
type figure string

// The figures. Times are in the unit that the table shows.
const (
	cpuPerMessage  figure = "broker CPU per delivered message, µs"
	perSecond      figure = "delivered messages per second"
	lostMessages   figure = "messages lost or repeated"
	peakMemory     figure = "greatest resident memory, MB"
	generatorShare figure = "generator, % of its processor"
	othersShare    figure = "other processes and stolen time, % of one processor"

	latencyMedian figure = "latency, median, µs"
	latencyP99    figure = "latency, p99, µs"
	latencyP999   figure = "latency, p99.9, µs"
	lateP99       figure = "sent late, p99, µs"

	fetchTime        figure = "time to fetch all, ms"
	connectsPerS     figure = "connects per second"
	cpuPerConnect    figure = "broker CPU per connect, µs"
	memoryPerConnect figure = "resident memory per connection, kB"
	idleCPU          figure = "idle CPU, %"

	acksPerSync   figure = "acknowledgements per sync"
	strictRate    figure = "acknowledgements per second, durability strict"
	relaxedRate   figure = "acknowledgements per second, durability relaxed"
	strictPart    figure = "rate with strict durability as a part of that with relaxed"
	syncTakes     figure = "a sync of the disk at that time, µs"
	secretsBack   figure = "500 devices with generated secrets are back, s"
	passwordsBack figure = "500 devices with passwords are back, s"
	attempts      figure = "attempts to connect"
	writtenHourly figure = "written to disk in an hour, MB"
	readyAfter    figure = "ready after kill -9, s"
	cameBack      figure = "stored messages that came back, %"
)

// figures are what one run has measured.
type figures map[figure]float64

// disturbed says whether somebody else was busy enough to spoil a run.
func (f figures) disturbed() bool { return f[othersShare] > 10 }

// median is the middle of all runs that have a figure, and how many these are. Disturbed ones count only where there are no others.
func median(runs []figures, of figure) (value float64, n int) {
	var all, calm []float64
	for _, r := range runs {
		v, ok := r[of]
		if !ok {
			continue
		}
		if all = append(all, v); !r.disturbed() {
			calm = append(calm, v)
		}
	}
	if len(calm) > 0 {
		all = calm
	}
	slices.Sort(all)
	switch n = len(all); {
	case n == 0:
		return 0, 0
	case n%2 == 0:
		return (all[n/2-1] + all[n/2]) / 2, n
	default:
		return all[n/2], n
	}
}

// String lists the figures in the order of their names.
func (f figures) String() string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		list = append(list, fmt.Sprintf("%s %.4g", name, f[name]))
	}
	return strings.Join(list, "; ")
}
