package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// key is one setting: its name, its default as the file spells it, and what it takes.
type key struct {
	name  string
	zero  any
	check func(value string) error // of one value, or of each of a list
	list  bool
	// structured: a list of mappings, for the file only.
	structured bool
}

var keys = []key{
	{name: "data_dir", zero: "", check: anything},
	{name: "mqtt.listen", zero: ":1883", check: listenAddress},
	{name: "mqtt.anonymous", zero: "loopback", check: oneOf("loopback", "always", "never")},
	{name: "mqtt.max_packet_size", zero: 2 << 20, check: whole(1024, 256<<20)},
	{name: "mqtt.max_queued_messages", zero: 10_000, check: whole(1, 10_000_000)},
	{name: "mqtt.allowed_origins", zero: []string{}, list: true, check: host},
	{name: "web.listen", zero: ":1888", check: listenAddress},
	{name: "web.anonymous", zero: "loopback", check: oneOf("loopback", "never")},
	{name: "web.hosts", zero: []string{}, list: true, check: host},
	{name: "external.url", zero: "", check: brokerURL},
	{name: "external.user", zero: "", check: anything},
	{name: "external.password_file", zero: "", check: anything},
	{name: "external.ca", zero: "", check: anything},
	{name: "homeassistant.prefix", zero: "homeassistant", check: prefix},
	{name: "history.keep", zero: "30d", check: keep},
	{name: "log.level", zero: "info", check: oneOf("debug", "info", "warn", "error")},
	{name: "log.format", zero: "text", check: oneOf("text", "json")},
	{name: "time_zone", zero: "", check: zone},
	{name: "links", zero: []any{}, structured: true},
}

// checkText checks a value as a flag or a variable spells it: the items of a list are parted by commas.
func (k key) checkText(value string) error {
	if k.structured {
		return errors.New("can be set in the file only")
	}
	if !k.list {
		return k.check(value)
	}
	for _, item := range items(value) {
		if err := k.check(item); err != nil {
			return err
		}
	}
	return nil
}

// items are the parts of a list as a flag or a variable spells it.
func items(value string) []string {
	list := strings.Split(value, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// number says whether the key takes a number.
func (k key) number() bool { return reflect.TypeOf(k.zero).Kind() == reflect.Int }

func find(name string) (key, bool) {
	i := slices.IndexFunc(keys, func(k key) bool { return k.name == name })
	if i < 0 {
		return key{}, false
	}
	return keys[i], true
}

// section says whether keys begin with name and a dot.
func section(name string) bool {
	return slices.ContainsFunc(keys, func(k key) bool { return strings.HasPrefix(k.name, name+".") })
}

func anything(string) error { return nil }

func oneOf(choices ...string) func(string) error {
	return func(value string) error {
		if slices.Contains(choices, value) {
			return nil
		}
		return fmt.Errorf("%q is not one of %s", value, strings.Join(choices, ", "))
	}
}

func whole(low, high int) func(string) error {
	return func(value string) error {
		digits := strings.ReplaceAll(value, "_", "")
		n, err := strconv.Atoi(digits)
		if err != nil || n < low || n > high || strconv.Itoa(n) != digits { // YAML would take 0100 for 64
			return fmt.Errorf("%q is not a whole number from %d to %d", value, low, high)
		}
		return nil
	}
}

func listenAddress(value string) error {
	h, port, err := net.SplitHostPort(value)
	if err != nil {
		return fmt.Errorf("%q is not an address and a port, such as :1883 (all interfaces) or 127.0.0.1:1883", value)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q has no port from 0 to 65535", value)
	}
	if strings.ContainsAny(h, " /") {
		return fmt.Errorf("%q is not the name of a host", h)
	}
	return nil
}

func host(value string) error {
	if value == "" || strings.ContainsAny(value, " /@") {
		return fmt.Errorf("%q is not the name of a host, such as hub.example.org", value)
	}
	return nil
}

func brokerURL(value string) error {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil {
		return errors.New("it is not a URL such as mqtt://host:1883") // what it is may hold a password
	}
	if port, err := strconv.Atoi(u.Port()); u.Port() != "" && (err != nil || port < 1 || port > 65535) {
		return fmt.Errorf("%q has no port from 1 to 65535", u.Redacted())
	}
	if !slices.Contains([]string{"mqtt", "mqtts", "ws", "wss"}, u.Scheme) || u.Hostname() == "" {
		return fmt.Errorf("%q is not a URL such as mqtt://host:1883, mqtts://host:8883, ws://host/mqtt or wss://host/mqtt", u.Redacted())
	}
	return nil
}

func prefix(value string) error {
	if value == "" || strings.ContainsAny(value, "+#\x00") || strings.HasPrefix(value, "/") || strings.HasSuffix(value, "/") {
		return fmt.Errorf("%q is not the beginning of a topic, such as homeassistant", value)
	}
	return nil
}

func zone(value string) error {
	if _, err := time.LoadLocation(value); err != nil {
		return fmt.Errorf("%q is not a time zone such as Europe/Berlin", value)
	}
	return nil
}

func keep(value string) error {
	d, err := parseDuration(value)
	if err != nil || d < 0 || d > 0 && d < time.Hour {
		return fmt.Errorf("%q is not a time of at least an hour, such as 30d or 12h, or 0 (for ever)", value)
	}
	return nil
}

// parseDuration is time.ParseDuration with days.
func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 100_000 {
			return 0, fmt.Errorf("reading %q: not a number of days", s)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return time.ParseDuration(s)
}

// listHook lets flags and variables be lists.
func listHook(from, to reflect.Type, data any) (any, error) {
	if value, ok := data.(string); ok && to == reflect.TypeFor[[]string]() {
		return items(value), nil
	}
	return data, nil
}

// durationHook lets durations have days.
func durationHook(from, to reflect.Type, data any) (any, error) {
	if to != reflect.TypeFor[time.Duration]() {
		return data, nil
	}
	switch v := data.(type) {
	case string:
		return parseDuration(v)
	case int:
		if v == 0 {
			return time.Duration(0), nil
		}
	}
	return nil, fmt.Errorf("%v is not a duration such as 30d", data)
}

// Names are the names of all keys, such as mqtt.listen.
func Names() []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}
