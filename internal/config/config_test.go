package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"home.arpa/homehub/internal/config"
)

// clean takes the variables away that this process may have, and makes the default folder known.
func clean(t *testing.T) {
	t.Helper()
	for _, line := range os.Environ() {
		if name, _, _ := strings.Cut(line, "="); strings.HasPrefix(name, "HUB_") || name == "STATE_DIRECTORY" || name == "XDG_DATA_HOME" {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	t.Setenv("HOME", "/home/somebody")
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hub.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const shipped = "../../configs/hub.yaml"

func TestTheShippedFileShowsEveryKeyWithItsDefault(t *testing.T) {
	clean(t)
	want, err := config.Load(config.Input{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.Load(config.Input{File: shipped})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the shipped file is not the default: %s", d)
	}
	data, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	var sections map[string]any
	if err := yaml.Unmarshal(data, &sections); err != nil {
		t.Fatal(err)
	}
	for _, name := range config.Names() {
		at := any(sections)
		for part := range strings.SplitSeq(name, ".") {
			section, _ := at.(map[string]any)
			at = section[part]
		}
		if at == nil {
			t.Errorf("%s is not in the shipped file", name)
		}
	}
	if want.DataDir != "/home/somebody/.local/share/homehub" || want.History.Keep != 30*24*time.Hour || want.MQTT.Listen != ":1883" {
		t.Errorf("the defaults are %+v", want)
	}
}

func TestAFlagBeatsTheEnvironmentBeatsTheFileBeatsTheDefault(t *testing.T) {
	clean(t)
	f := file(t, "mqtt:\n  listen: :1\nweb:\n  listen: :2\nhistory:\n  keep: 12h\nlog:\n  level: debug\n")
	t.Setenv("HUB_WEB_LISTEN", ":22")
	t.Setenv("HUB_LOG_LEVEL", "warn")
	t.Setenv("HUB_WEB_HOSTS", "a.lan,b.lan")
	c, err := config.Load(config.Input{File: f, Flags: map[string]string{"log.level": "error", "data_dir": "/data"}})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{c.MQTT.Listen, c.Web.Listen, c.Log.Level, c.Log.Format, c.History.Keep.String(), c.DataDir, strings.Join(c.Web.Hosts, " ")}
	if d := cmp.Diff([]string{":1", ":22", "error", "text", "12h0m0s", "/data", "a.lan b.lan"}, got); d != "" {
		t.Error(d)
	}
}

func TestTheDataIsWhereTheServiceManagerSays(t *testing.T) {
	clean(t)
	t.Setenv("STATE_DIRECTORY", "/var/lib/homehub")
	if c, err := config.Load(config.Input{}); err != nil || c.DataDir != "/var/lib/homehub" {
		t.Errorf("got %q, %v", c.DataDir, err)
	}
}

func TestCommandsBesideAHubAreToldWhereItsDataIs(t *testing.T) {
	clean(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_DATA_HOME", "")
	for _, c := range []struct{ name, service, dir, want string }{
		{"where they look by themselves", "", "", ""},
		{"there, but said", "", filepath.Join(home, ".local", "share", "homehub"), ""},
		{"elsewhere", "", "/srv/hub", " --data-dir /srv/hub"},
		{"where the service manager says", "/var/lib/homehub", "", " --data-dir /var/lib/homehub"},
		{"in a folder that the shell would take apart", "", "/srv/our hub's", ` --data-dir '/srv/our hub'\''s'`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("STATE_DIRECTORY", c.service)
			in := config.Input{Flags: map[string]string{}}
			if c.dir != "" {
				in.Flags["data_dir"] = c.dir
			}
			cfg, err := config.Load(in)
			if err != nil {
				t.Fatal(err)
			}
			if got := cfg.DataFlag(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestMistakesAreNamedWithTheirLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a key that is nearly right", "mqtt:\n  anonymus: never\n", "2: mqtt.anonymus: unknown key; did you mean mqtt.anonymous?"},
		{"a key out of nowhere", "\n\nflux_compensator: 1\n", "3: flux_compensator: unknown key; configs/hub.yaml shows all"},
		{"a section that is nearly right", "mqqt:\n  listen: :1\n", "1: mqqt: unknown key; did you mean mqtt?"},
		{"a section in a section", "mqtt:\n  limit:\n    inflight: 1\n", "2: mqtt.limit: unknown key; did you mean mqtt.limits?"},
		{"capitals", "MQTT:\n  listen: :1\n", "1: MQTT: unknown key; did you mean mqtt?"},
		{"capitals in a section", "mqtt:\n  Listen: :1\n", "2: mqtt.Listen: unknown key; did you mean mqtt.listen?"},
		{"a key in the wrong section", "web:\n  packet_size: 4096\n", "2: web.packet_size: unknown key"},
		{"not one of the choices", "mqtt:\n  listen: :0\n  anonymous: sometimes\n", `3: mqtt.anonymous: "sometimes" is not one of loopback, always, never`},
		{"a port alone", "mqtt:\n  listen: 1883\n", `2: mqtt.listen: "1883" is not an address and a port`},
		{"a port out of range", "web:\n  listen: :70000\n", `2: web.listen: ":70000" has no port from 0 to 65535`},
		{"text for a number", "mqtt:\n  limits:\n    inflight: many\n", `3: mqtt.limits.inflight: wants a whole number, not "many"`},
		{"a number out of range", "mqtt:\n  limits:\n    inflight: -1\n", `3: mqtt.limits.inflight: "-1" is not a whole number from 1 to 4096`},
		{"a size that is none", "mqtt:\n  limits:\n    packet_size: 2MB\n", `3: mqtt.limits.packet_size: "2MB" is not a size from 1KiB to 256MiB`},
		{"a size out of range", "mqtt:\n  limits:\n    packet_size: 1GiB\n", `3: mqtt.limits.packet_size: "1GiB" is not a size`},
		{"a size beyond measure", "mqtt:\n  limits:\n    packet_size: 999999999GiB\n", `3: mqtt.limits.packet_size: "999999999GiB" is not a size`},
		{"a time without a unit", "mqtt:\n  limits:\n    connect_time: 10\n", `3: mqtt.limits.connect_time: "10" is not a time from 1s to 1h, such`},
		{"a time too short", "mqtt:\n  limits:\n    keep_alive: 10ms\n", `3: mqtt.limits.keep_alive: "10ms" is not a time from 1s to 18h12m15s, such as 10s or 5m, or 0`},
		{"a key that has moved", "mqtt:\n  max_packet_size: 4096\n", "2: mqtt.max_packet_size: is now mqtt.limits.packet_size"},
		{"no TLS port", "mqtt:\n  tls:\n    listen: none\n", `3: mqtt.tls.listen: "none" is not an address`},
		{"a family that there is not", "homeassistant:\n  export:\n    - shelly\n    - tasmotta\n", `4: homeassistant.export: "tasmotta" is not auto, all, none or a family of devices, which are shelly, tasmota, zigbee2mqtt, valetudo, wled, homie, esphome, openmqttgateway, rtl433, zwavejs, frigate, owntracks; did you mean tasmota?`},
		{"those that announce themselves", "homeassistant:\n  export: [homeassistant]\n", `2: homeassistant.export: "homeassistant" is not auto`},
		{"no family", "homeassistant:\n  export: [Tasmota!]\n", `2: homeassistant.export: "Tasmota!" is not auto, all, none or a family of devices`},
		{"a page's address for its host", "mqtt:\n  allowed_origins: [\"https://panel.lan\"]\n", `2: mqtt.allowed_origins: "https://panel.lan" is not the name of a host`},
		{"all pages", "mqtt:\n  allowed_origins: [\"*\"]\n", `2: mqtt.allowed_origins: "*" is not the name of a host`},
		{"a port in a name of the hub", "web:\n  hosts: [\"hub.lan:1888\"]\n", `2: web.hosts: "hub.lan:1888" is a name with a port; want the name alone`},
		{"one value for a list", "web:\n  hosts: hub.lan\n", "2: web.hosts: wants a list"},
		{"a list for one value", "log:\n  level: [info]\n", "2: log.level: wants one value"},
		{"a section in the wrong section", "web:\n  limits:\n    inflight: 1\n", "2: web.limits: unknown key; did you mean mqtt.limits?"},
		{"tabs", "mqtt:\n\tlisten: :1\n", "2: not YAML: found character that cannot start any token; YAML is indented by spaces, not by tabs"},
		{"no settings at all", "hello\n", "1: wants keys and values, such as mqtt:"},
		{"a key twice", "log:\n  level: info\nmqtt: {}\nlog:\n  level: warn\n", "4: log: is there already, on line 1"},
		{"a value for a section", "mqtt: 1883\n", "1: mqtt: wants keys and values beneath it"},
		{"no value", "time_zone:\n", "1: time_zone: has no value"},
		{"no such time zone", "time_zone: Mars/Olympus\n", `1: time_zone: "Mars/Olympus" is not a time zone`},
		{"too short a history", "history:\n  keep: 5m\n", `2: history.keep: "5m" is not a time of at least an hour`},
		{"half a link", "links:\n  - from: a/b/c\n", "2: links[0]: wants both from and to"},
		{"a link to a device", "links:\n  - from: a/b/c\n    to: lamp\n", "3: links[0].to: wants device/component/property"},
		{"a URL of something else", "external:\n  url: http://broker\n", `2: external.url: "http://broker" is not a URL such as mqtt://`},
		{"a tab", "mqtt:\n\tlisten: :1\n", "2: not YAML"},
		{"a list at the top", "- a\n", "1: wants keys and values, such as"},
	} {
		t.Run(c.name, func(t *testing.T) {
			clean(t)
			f := file(t, c.text)
			problems, err := config.Check(f)
			if err != nil || len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), f+":"+c.want) {
				t.Errorf("got %v, %v", problems, err)
			}
			if _, err := config.Load(config.Input{File: f}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("loading it: %v", err)
			}
		})
	}
}

func TestAllMistakesAreListed(t *testing.T) {
	clean(t)
	t.Setenv("HUB_MQTT_ANONYMOUS", "maybe")
	_, err := config.Load(config.Input{File: file(t, "a: 1\nb: 2\n"), Flags: map[string]string{"web.listen": "here"}})
	for _, want := range []string{":1: a: unknown", ":2: b: unknown", "HUB_MQTT_ANONYMOUS: ", "--web-listen: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
}

func TestAPasswordInAURLIsNeverShown(t *testing.T) {
	clean(t)
	c, err := config.Load(config.Input{Flags: map[string]string{"external.url": "mqtt://me:secret@host:1883"}})
	if err != nil || strings.Contains(c.External.Redacted(), "secret") || !strings.Contains(c.External.Redacted(), "me:") {
		t.Errorf("%q, %v", c.External.Redacted(), err)
	}
	for _, url := range []string{"http://me:secret@host", "mqtt://me:secret@ho st", "://me:secret@"} {
		if _, err := config.Load(config.Input{Flags: map[string]string{"external.url": url}}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
	}
}

func TestAnEmptyFileIsTheDefault(t *testing.T) {
	clean(t)
	want, _ := config.Load(config.Input{})
	for _, text := range []string{"", "# nothing\n", "mqtt:\n"} {
		got, err := config.Load(config.Input{File: file(t, text)})
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%q: %v %s", text, err, d)
		}
	}
}

func FuzzCheck(f *testing.F) {
	seeds := []string{"mqtt:\n  listen: :1\n", "links:\n  - {from: a/b/c, to: d/e/f}\n", "a: &x {b: *x}\n", "- 1", "\t", "? [a]\n: b\n"}
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := config.Check(file(t, text)); err != nil {
			t.Error(err)
		}
	})
}
