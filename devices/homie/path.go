package homie

import "strings"

// topicKind says what a topic below a device is for.
type topicKind int

const (
	nothing topicKind = iota
	attribute
	life      // $state and $online
	statistic // $stats/uptime
	value     // of a property
)

var (
	deviceAttributes   = words("$homie", "$name", "$nodes", "$implementation", "$mac", "$stats", "$fw/name", "$fw/version", "$stats/interval")
	nodeAttributes     = words("$name", "$type", "$properties", "$array")
	propertyAttributes = words("$name", "$datatype", "$format", "$unit", "$settable", "$retained")
)

func words(list ...string) map[string]bool {
	m := map[string]bool{}
	for _, w := range list {
		m[w] = true
	}
	return m
}

// statistics are those that the versions 2 and 3, and the extension of version 4, know, with their units.
var statistics = map[string]property{
	"uptime": {datatype: typeFloat, unit: "s", name: "Uptime"}, "signal": {datatype: typeFloat, unit: "%", name: "Signal"},
	"cputemp": {datatype: typeFloat, unit: "°C", name: "CPU temperature"}, "cpuload": {datatype: typeFloat, unit: "%", name: "CPU load"},
	"battery": {datatype: typeFloat, unit: "%", name: "Battery"}, "freeheap": {datatype: typeFloat, unit: "B", name: "Free memory"},
	"supply": {datatype: typeFloat, unit: "V", name: "Supply voltage"},
}

// classify says what the topic path below a device is for.
func classify(path string) topicKind {
	first, rest, deep := strings.Cut(path, "/")
	if strings.HasPrefix(first, "$") {
		_, known := statistics[rest]
		switch {
		case path == "$state" || path == "$online":
			return life
		case deviceAttributes[path]:
			return attribute
		case first == "$stats" && known:
			return statistic
		}
		return nothing
	}
	second, last, deeper := strings.Cut(rest, "/")
	switch {
	case !deep || first == "" || second == "":
	case deeper && second[0] != '$' && propertyAttributes[last], !deeper && nodeAttributes[second]:
		return attribute
	case !deeper && second[0] != '$':
		return value
	}
	return nothing
}
