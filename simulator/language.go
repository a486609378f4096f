package simulator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"home.arpa/homehub/broker"
)

// language is one convention that devices of the house speak. A language is a file or two of its own, which define one of
// these, and a word in the table languages; nothing else in the package knows it.
type language struct {
	// name is the word after speaks in a house file. title is what people call it.
	name, title string
	// topics are the filters of what its devices publish and listen to: what a broker's rules must grant them.
	topics []string
	// kinds are the kinds of devices that exist in it; nil means all.
	kinds []string
	// keys are the keys of a device in a house file that this language understands, of those that not all languages do.
	keys []string
	// check finds further fault with a device of the language; nil finds none.
	check func(d DeviceSpec, fault func(format string, args ...any))
	// voice makes the voice of a device that is a client of the broker itself.
	voice func(d *device) voice
	// bridge, instead of voice, makes the one client behind which all devices of the language are.
	bridge func(h House, list []*device) bridge
	// grown fills in what a device needs that a larger house lets speak this language, though its model spoke another; nil
	// leaves it as it is.
	grown func(d *DeviceSpec)
}

// languages are all languages.
var languages = []language{
	homeAssistantLanguage, homieLanguage, homie4Language, homie3Language, esphomeLanguage, zigbeeLanguage, tasmotaLanguage, shellyLanguage, shelly1Language,
}

// findLanguage returns the language of a name, or nil.
func findLanguage(name string) *language {
	for i := range languages {
		if languages[i].name == name {
			return &languages[i]
		}
	}
	return nil
}

// Languages are the words that can stand after speaks.
func Languages() []string {
	var names []string
	for _, l := range languages {
		names = append(names, l.name)
	}
	return names
}

// can says whether a kind of device exists in the language.
func (l *language) can(kind string) bool { return l.kinds == nil || slices.Contains(l.kinds, kind) }

// checkLanguage finds fault with the language, and with what belongs to other languages than the device's.
func (d DeviceSpec) checkLanguage(fault func(format string, args ...any)) {
	l := findLanguage(d.Speaks)
	if l == nil {
		fault("speaks is one of %s, not %q", strings.Join(Languages(), ", "), d.Speaks)
		return
	}
	if !l.can(d.Kind) && slices.Contains(Kinds, d.Kind) {
		fault("a device that speaks %s is one of %s, not a %s", l.name, strings.Join(l.kinds, ", "), d.Kind)
	}
	for _, key := range d.languageKeys() {
		if slices.Contains(l.keys, key) {
			continue
		}
		var others []string
		for _, other := range languages {
			if slices.Contains(other.keys, key) {
				others = append(others, other.name)
			}
		}
		fault("%s is for a device that speaks %s, not %s", key, strings.Join(others, " or "), l.name)
	}
	if l.check != nil {
		l.check(d, fault)
	}
}

// station is who is on a line: a device, or a bridge with the devices behind it. All methods but will and filters are called
// with Simulator.mu held.
type station interface {
	// will is what the broker says when the connection breaks; filters are what the station listens to.
	will() broker.Message
	filters() []broker.Subscription
	// announce is all that it says when it has connected, goodbye what it says before it disconnects.
	announce(now time.Time) []broker.Message
	goodbye() []broker.Message
	// pass is what it says by itself as time passes; it is called after every step of the world while the line is up.
	pass(now time.Time) []broker.Message
	// hear takes a message to one of the filters. refused says why nothing came of it, for the log.
	hear(now time.Time, m broker.Message) (said []broker.Message, refused string)
}

// bridge is a station with devices behind it that are no clients themselves.
type bridge interface {
	station
	// name is the bridge's id, by which it can be without power as a whole. power takes the power from one of its devices
	// or gives it back, and returns what the bridge says to that.
	name() string
	power(now time.Time, d *device, on bool) []broker.Message
}

// spoken lists how many devices speak what: "14 speak Home Assistant discovery and 14 Homie 5".
func spoken(list []*device) string {
	var words []string
	for _, l := range languages {
		n := 0
		for _, d := range list {
			if d.spec.Speaks == l.name {
				n++
			}
		}
		switch {
		case n > 0 && len(words) == 0:
			words = append(words, fmt.Sprintf("%d speak %s", n, l.title))
		case n > 0:
			words = append(words, fmt.Sprintf("%d %s", n, l.title))
		}
	}
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " and " + words[last]
	}
	return strings.Join(words, "")
}

// sortedKeys are the keys of an object in order, so that what comes of them does not depend on chance.
func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// topicsOfAll are the topics of all languages, for people: what a broker's rules must grant.
func topicsOfAll() string {
	var list []string
	for i := range languages {
		for _, topic := range languages[i].topics {
			if !slices.Contains(list, topic) {
				list = append(list, topic)
			}
		}
	}
	return strings.Join(list, ", ")
}
