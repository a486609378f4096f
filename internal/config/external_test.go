package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"home.arpa/homehub/internal/config"
)

func TestNoWayOfPrintingTellsThePassword(t *testing.T) {
	c := config.Config{External: config.External{URL: "mqtt://me:secret@host:1883"}}
	var log bytes.Buffer
	text := slog.New(slog.NewTextHandler(&log, nil))
	text.Info("configured", "config", c, "external", c.External)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("configured", "config", c, "external", c.External)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		fmt.Fprintf(&log, verb+verb+verb+"\n", c, &c, c.External)
	}
	if strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), "host:1883") {
		t.Errorf("it tells the password, or nothing:\n%s", log.String())
	}
}

func TestLogin(t *testing.T) {
	passwordFile := file(t, "from file \r\n")
	for _, c := range []struct {
		name                    string
		external                config.External
		address, user, password string
	}{
		{"nobody", config.External{URL: "mqtt://host:1883"}, "mqtt://host:1883", "", ""},
		{
			"all in the URL",
			config.External{URL: "mqtts://me:a%40b@host/x", User: "other", PasswordFile: passwordFile},
			"mqtts://host/x", "me", "a@b",
		},
		{"a user and a file", config.External{URL: "ws://host/mqtt", User: "me", PasswordFile: passwordFile}, "ws://host/mqtt", "me", "from file "},
		{"a user in the URL and a file", config.External{URL: "mqtt://me@host", PasswordFile: passwordFile}, "mqtt://host", "me", "from file "},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, user, password, err := c.external.Login()
			if err != nil || address != c.address || user != c.user || password != c.password {
				t.Errorf("got %q, %q, %q, %v", address, user, password, err)
			}
		})
	}
	if _, _, _, err := (config.External{URL: "mqtt://host", PasswordFile: "/no/such/file"}).Login(); err == nil {
		t.Error("a missing password file is no error")
	}
	if _, _, _, err := (config.External{URL: "://me:secret@"}).Login(); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestLocation(t *testing.T) {
	if zone, err := (config.Config{}).Location(); err != nil || zone != time.Local {
		t.Errorf("got %v, %v, want the machine's zone", zone, err)
	}
	if zone, err := (config.Config{TimeZone: "Europe/Berlin"}).Location(); err != nil || zone.String() != "Europe/Berlin" {
		t.Errorf("got %v, %v", zone, err)
	}
	if _, err := (config.Config{TimeZone: "Mars/Olympus"}).Location(); err == nil {
		t.Error("a zone that is not there is no error")
	}
}

func TestPathsInTheHomeFolder(t *testing.T) {
	clean(t)
	c, err := config.Load(config.Input{File: file(t, "data_dir: ~/hub\nexternal:\n  ca: ~/ca.pem\n  password_file: /etc/~/x\n")})
	if err != nil || c.DataDir != "/home/somebody/hub" || c.External.CA != "/home/somebody/ca.pem" || c.External.PasswordFile != "/etc/~/x" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestTheEnvironmentReachesASectionThatIsEmptyInTheFile(t *testing.T) {
	clean(t)
	t.Setenv("HUB_MQTT_LISTEN", ":5")
	c, err := config.Load(config.Input{File: file(t, "mqtt:\nweb: {}\n"), Flags: map[string]string{"web.listen": ":6"}})
	if err != nil || c.MQTT.Listen != ":5" || c.Web.Listen != ":6" || c.MQTT.Anonymous != "loopback" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestEveryKeyIsReachedByItsVariable(t *testing.T) {
	for key, value := range map[string]string{
		"data_dir": "/d", "mqtt.listen": ":7", "mqtt.anonymous": "never", "mqtt.limits.packet_size": "4096",
		"mqtt.limits.queued_messages": "77", "mqtt.limits.queued_size": "3MiB", "mqtt.limits.keep_alive": "10m",
		"mqtt.limits.session_expiry": "2d", "durability.mode": "relaxed", "durability.interval": "1s", "mqtt.allowed_origins": "a.lan:1, b.lan", "web.listen": ":8", "web.hosts": "c.lan",
		"external.url": "mqtt://h", "external.user": "u", "external.password_file": "/p", "external.ca": "/c",
		"homeassistant.prefix": "ha", "homeassistant.export": "tasmota, shelly", "history.keep": "2d", "log.level": "debug", "log.format": "json",
		"time_zone": "Europe/Berlin",
	} {
		t.Run(key, func(t *testing.T) {
			clean(t)
			before, err := config.Load(config.Input{})
			if err != nil {
				t.Fatal(err)
			}
			byFlag, err := config.Load(config.Input{Flags: map[string]string{key: value}})
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv(config.Variable(key), value)
			byVariable, err := config.Load(config.Input{})
			if err != nil {
				t.Fatal(err)
			}
			text := func(c config.Config) string {
				b, err := json.Marshal(c)
				if err != nil {
					t.Fatal(err)
				}
				return string(b)
			}
			if text(byFlag) != text(byVariable) || text(byFlag) == text(before) {
				t.Errorf("by flag %s\nby variable %s", text(byFlag), text(byVariable))
			}
		})
	}
}

func TestMoreMistakes(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a key in another section", "web:\n  packet_size: 4096\n", "2: web.packet_size: unknown key; did you mean mqtt.limits.packet_size?"},
		{"a key without its section", "prefix: ha\n", "1: prefix: unknown key; did you mean homeassistant.prefix?"},
		{"a size that YAML reads as octal", "mqtt:\n  limits:\n    packet_size: 04000\n", `3: mqtt.limits.packet_size: "04000" is not`},
		{"a number that YAML reads as octal", "mqtt:\n  limits:\n    inflight: 010\n", `3: mqtt.limits.inflight: "010" is not`},
		{"a broker without a host", "external:\n  url: mqtt://:1883\n", `2: external.url: "mqtt://:1883" is not a URL`},
		{"a broker's port out of range", "external:\n  url: mqtt://h:70000\n", `2: external.url: "mqtt://h:70000" has no port`},
		{"a link to itself", "links:\n  - from: a/b/c\n    to: a/b/c\n", "2: links[0]: makes a/b/c follow itself"},
		{"a link twice", "links:\n  - {from: a/b/c, to: d/e/f}\n  - {from: a/b/c, to: d/e/f}\n", "3: links[1]: is there already, on line 2"},
		{"half a link twice", "links:\n  - from: a/b/c\n    from: a/b/d\n    to: d/e/f\n", "3: links[0].from: is there already"},
	} {
		t.Run(c.name, func(t *testing.T) {
			clean(t)
			f := file(t, c.text)
			problems, err := config.Check(f)
			if err != nil || len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), f+":"+c.want) {
				t.Errorf("got %v, %v, want %s", problems, err, c.want)
			}
		})
	}
}

func TestEveryFieldHasItsKey(t *testing.T) {
	var walk func(typ reflect.Type, prefix string) []string
	walk = func(typ reflect.Type, prefix string) (names []string) {
		for f := range typ.Fields() {
			name := prefix + f.Tag.Get("mapstructure")
			if f.Type.Kind() == reflect.Struct {
				names = append(names, walk(f.Type, name+".")...)
			} else {
				names = append(names, name)
			}
		}
		return names
	}
	want, got := walk(reflect.TypeFor[config.Config](), ""), config.Names()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("the keys are %q, the fields %q", got, want)
	}
}
