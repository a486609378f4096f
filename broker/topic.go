package broker

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxTopicLength is the greatest length of a topic name or filter in bytes [MQTT-1.5.4], MaxTopicLevels the greatest
// number of levels that Homehub accepts, 200 separators as with Mosquitto; the standard sets no limit there, and no device needs
// more than a dozen.
const (
	MaxTopicLength = 65535
	MaxTopicLevels = 201
)

// Errors that ValidTopic and ValidFilter wrap.
var (
	ErrTopic  = errors.New("invalid topic name")
	ErrFilter = errors.New("invalid topic filter")
)

// ValidTopic says whether a message may be published to name; the error wraps ErrTopic.
func ValidTopic(name string) error {
	if err := validText(name); err != nil {
		return fmt.Errorf("%w %.80q: %w", ErrTopic, name, err)
	}
	if strings.ContainsAny(name, "+#") { // [MQTT-3.3.2-2]
		return fmt.Errorf("%w %.80q: a wildcard is for filters only", ErrTopic, name)
	}
	return nil
}

// ValidFilter says whether filter may be subscribed to, with or without a $share/<group>/ in front; the error wraps
// ErrFilter.
func ValidFilter(filter string) error {
	if err := validText(filter); err != nil {
		return fmt.Errorf("%w %.80q: %w", ErrFilter, filter, err)
	}
	rest := filter
	if group, inner, shared := SplitShared(filter); shared {
		if group == "" || strings.ContainsAny(group, "+#") { // [MQTT-4.8.2-1], [MQTT-4.8.2-2]
			return fmt.Errorf("%w %.80q: the share name is empty or has a wildcard", ErrFilter, filter)
		}
		if inner == "" {
			return fmt.Errorf("%w %.80q: nothing follows the share name", ErrFilter, filter)
		}
		rest = inner
	}
	for more := true; more; {
		var level string
		level, rest, more = strings.Cut(rest, "/")
		switch {
		case level == "+", level == "#" && !more:
		case level == "#":
			return fmt.Errorf("%w %.80q: # must be the last level", ErrFilter, filter) // [MQTT-4.7.1-1]
		case strings.ContainsAny(level, "+#"):
			return fmt.Errorf("%w %.80q: a wildcard must fill its level", ErrFilter, filter)
		}
	}
	return nil
}

// SplitShared takes the share name from a shared subscription: $share/<group>/<filter>. For any other filter shared is
// false and inner is the filter itself.
func SplitShared(filter string) (group, inner string, shared bool) {
	rest, ok := strings.CutPrefix(filter, "$share/")
	if !ok {
		return "", filter, false
	}
	group, inner, _ = strings.Cut(rest, "/")
	return group, inner, true
}

// Match says whether the filter (without a share name) matches the topic name. A filter that begins with a wildcard does
// not match a name that begins with $ [MQTT-4.7.2-1].
func Match(filter, topic string) bool {
	if len(topic) > 0 && topic[0] == '$' && len(filter) > 0 && (filter[0] == '+' || filter[0] == '#') {
		return false
	}
	for {
		f, frest, fmore := strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		t, trest, tmore := strings.Cut(topic, "/")
		if f != "+" && f != t {
			return false
		}
		if !tmore {
			return !fmore || frest == "#" // a/# matches a, too
		}
		if !fmore {
			return false
		}
		filter, topic = frest, trest
	}
}

func validText(s string) error {
	switch {
	case s == "":
		return errors.New("it is empty") // [MQTT-4.7.3-1]
	case len(s) > MaxTopicLength:
		return fmt.Errorf("%d bytes are more than %d", len(s), MaxTopicLength)
	case strings.Count(s, "/") >= MaxTopicLevels:
		return fmt.Errorf("more than %d levels", MaxTopicLevels)
	case !utf8.ValidString(s):
		return errors.New("it is not valid UTF-8") // [MQTT-1.5.4-1]
	case strings.IndexByte(s, 0) >= 0:
		return errors.New("it has a null character") // [MQTT-1.5.4-2], [MQTT-4.7.3-2]
	}
	return nil
}
