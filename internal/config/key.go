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
	// live: a running hub can take another value.
	live bool
}

var keys = []key{
	{name: "data_dir", zero: "", check: anything},
	{name: "mqtt.listen", zero: ":1883", check: listenOrNot},
	{name: "mqtt.anonymous", zero: "loopback", check: oneOf("loopback", "always", "never"), live: true},
	{name: "mqtt.allowed_origins", zero: []string{}, list: true, check: host, live: true},
	{name: "mqtt.tls.listen", zero: ":8883", check: listenAddress},
	{name: "mqtt.tls.cert", zero: "", check: anything, live: true},
	{name: "mqtt.tls.key", zero: "", check: anything, live: true},
	{name: "mqtt.tls.client_ca", zero: "", check: anything, live: true},
	{name: "mqtt.tls.client_crl", zero: "", check: anything, live: true},
	{name: "mqtt.tls.client_auth", zero: "optional", check: oneOf("optional", "required"), live: true},
	{name: "mqtt.limits.packet_size", zero: "2MiB", check: size(1024, 256<<20), live: true},
	{name: "mqtt.limits.connect_size", zero: "128KiB", check: size(1024, 256<<20), live: true},
	{name: "mqtt.limits.connect_time", zero: "10s", check: duration(time.Second, time.Hour), live: true},
	{name: "mqtt.limits.connections", zero: 10_000, check: whole(1, 10_000_000), live: true},
	{name: "mqtt.limits.connections_per_address", zero: 1_000, check: whole(1, 10_000_000), live: true},
	{name: "mqtt.limits.strangers", zero: 500, check: whole(1, 10_000_000), live: true},
	{name: "mqtt.limits.strangers_per_address", zero: 100, check: whole(1, 10_000_000), live: true},
	{name: "mqtt.limits.topic_levels", zero: 201, check: whole(1, 201), live: true},
	{name: "mqtt.limits.topic_size", zero: "4KiB", check: size(1, 65535), live: true},
	{name: "mqtt.limits.subscriptions", zero: 4096, check: whole(1, 10_000_000), live: true},
	{name: "mqtt.limits.filters_per_packet", zero: 1024, check: whole(1, 10_000_000), live: true},
	{name: "mqtt.limits.inflight", zero: 64, check: whole(1, 4096), live: true},
	{name: "mqtt.limits.receive_maximum", zero: 64, check: whole(1, 65535), live: true},
	{name: "mqtt.limits.queued_messages", zero: 10_000, check: whole(1, 10_000_000), live: true},
	{name: "mqtt.limits.queued_size", zero: "8MiB", check: size(1024, 1<<30), live: true},
	{name: "mqtt.limits.queued_in_all", zero: "256MiB", check: size(1024, 1<<30), live: true},
	{name: "mqtt.limits.sessions", zero: 20_000, check: whole(1, 10_000_000), live: true},
	{name: "mqtt.limits.retained_messages", zero: 100_000, check: whole(1, 100_000_000), live: true},
	{name: "mqtt.limits.retained_size", zero: "256MiB", check: size(1024, 1<<30), live: true},
	{name: "mqtt.limits.keep_alive", zero: "0", check: orZero(duration(time.Second, 65535*time.Second)), live: true},
	{name: "mqtt.limits.session_expiry", zero: "0", check: orZero(duration(time.Second, 100*365*24*time.Hour)), live: true},
	{name: "web.listen", zero: ":1888", check: listenAddress},
	{name: "web.anonymous", zero: "loopback", check: oneOf("loopback", "never")},
	{name: "web.hosts", zero: []string{}, list: true, check: hostName},
	{name: "web.tls.cert", zero: "", check: anything, live: true},
	{name: "web.tls.key", zero: "", check: anything, live: true},
	{name: "external.url", zero: "", check: brokerURL},
	{name: "external.user", zero: "", check: anything},
	{name: "external.password_file", zero: "", check: anything},
	{name: "external.ca", zero: "", check: anything},
	{name: "homeassistant.prefix", zero: "homeassistant", check: prefix},
	{name: "homeassistant.export", zero: []string{"auto"}, list: true, check: family},
	{name: "history.keep", zero: "30d", check: keep},
	{name: "durability.mode", zero: "strict", check: oneOf("strict", "relaxed")},
	{name: "durability.interval", zero: "10s", check: duration(100*time.Millisecond, time.Hour)},
	{name: "log.level", zero: "info", check: oneOf("debug", "info", "warn", "error"), live: true},
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

func listenOrNot(value string) error {
	if value == None {
		return nil
	}
	return listenAddress(value)
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

// host checks the name of a host, with a port or without.
func host(value string) error {
	if value == "" || strings.ContainsAny(value, " /@*") {
		return fmt.Errorf("%q is not the name of a host, such as hub.example.org", value)
	}
	return nil
}

// hostName is host without a port.
func hostName(value string) error {
	if strings.Contains(value, ":") {
		return fmt.Errorf("%q is a name with a port; want the name alone, such as hub.example.org", value)
	}
	return host(value)
}

func brokerURL(value string) error {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil {
		return errors.New("it is not a URL such as mqtt://host:1883; in a user's name or password, # is written %23, / %2F, @ %40 and % %25") // what it is may hold a password
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

// Families are the names of the conventions whose devices can be announced to Home Assistant; internal/app has the conventions themselves.
// Devices with Home Assistant's own discovery are none of them.
var Families = []string{
	"shelly", "tasmota", "zigbee2mqtt", "valetudo", "wled", "homie", "esphome", "openmqttgateway", "rtl433", "zwavejs", "frigate", "owntracks",
}

// family checks the name of a convention, or a word for several.
func family(value string) error {
	if slices.Contains([]string{Auto, All, None}, value) || slices.Contains(Families, value) {
		return nil
	}
	text := fmt.Sprintf("%q is not auto, all, none or a family of devices, which are %s", value, strings.Join(Families, ", "))
	for _, f := range Families {
		if edits(strings.ToLower(value), f) <= 2 {
			text += "; did you mean " + f + "?"
			break
		}
	}
	return errors.New(text)
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

func duration(low, high time.Duration) func(string) error {
	such := "10s or 5m"
	if high >= 30*24*time.Hour {
		such = "10s, 12h or 30d"
	}
	return func(value string) error {
		if d, err := parseDuration(value); err != nil || d < low || d > high {
			return fmt.Errorf("%q is not a time from %s to %s, such as %s", value, spell(low), spell(high), such)
		}
		return nil
	}
}

// spell is a duration as the file spells it.
func spell(d time.Duration) string {
	switch {
	case d >= 24*time.Hour && d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return d.String()
}

func orZero(check func(string) error) func(string) error {
	return func(value string) error {
		if err := check(value); err != nil && value != "0" {
			return fmt.Errorf("%w, or 0", err)
		}
		return nil
	}
}

func size(low, high Size) func(string) error {
	return func(value string) error {
		if n, err := parseSize(value); err != nil || n < low || n > high {
			return fmt.Errorf("%q is not a size from %s to %s, such as 4096, 128KiB or 2MiB", value, low, high)
		}
		return nil
	}
}

// units of sizes, the greatest first.
var units = []struct {
	name  string
	bytes Size
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// String spells a size as the file does.
func (s Size) String() string {
	for _, u := range units {
		if s >= u.bytes && s%u.bytes == 0 {
			return strconv.Itoa(int(s/u.bytes)) + u.name
		}
	}
	return strconv.Itoa(int(s))
}

// parseSize reads a number of bytes, or of KiB, MiB or GiB.
func parseSize(text string) (Size, error) {
	number, factor := text, Size(1)
	for _, u := range units {
		if n, ok := strings.CutSuffix(text, u.name); ok {
			number, factor = strings.TrimSpace(n), u.bytes
			break
		}
	}
	if err := whole(0, 1<<30)(number); err != nil {
		return 0, fmt.Errorf("reading the size %q: not a whole number of bytes, KiB, MiB or GiB", text)
	}
	n, err := strconv.Atoi(strings.ReplaceAll(number, "_", ""))
	if err != nil || Size(n) > 1<<30/factor {
		return 0, fmt.Errorf("reading the size %q: it is beyond measure", text)
	}
	return Size(n) * factor, nil
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

// sizeHook lets sizes have units.
func sizeHook(from, to reflect.Type, data any) (any, error) {
	if text, ok := data.(string); ok && to == reflect.TypeFor[Size]() {
		return parseSize(text)
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
