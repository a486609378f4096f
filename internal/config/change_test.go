package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/internal/config"
)

func TestWhatARunningHubCanTakeOver(t *testing.T) {
	const on = "mqtt:\n  tls: {cert: /c, key: /k}\n"
	for _, c := range []struct {
		name, before, after string
		live, restart       []string
	}{
		{"nothing", on, on, nil, nil},
		{"limits and the log's level", "", "mqtt:\n  limits: {inflight: 5, queued_size: 1MiB}\nlog:\n  level: debug\n", []string{"mqtt.limits.inflight", "mqtt.limits.queued_size", "log.level"}, nil},
		{"the same in other words", "", "mqtt:\n  limits: {packet_size: 2097152, connect_time: 10000ms}\n", nil, nil},
		{"addresses and folders", "", "data_dir: /d\nmqtt: {listen: none}\nweb: {listen: ':1'}\n", nil, []string{"data_dir", "mqtt.listen", "web.listen"}},
		{"another certificate", on, "mqtt:\n  tls: {cert: /c2, key: /k2, client_ca: /a}\n", []string{"mqtt.tls.cert", "mqtt.tls.key", "mqtt.tls.client_ca"}, nil},
		{"TLS for the first time", "", on, []string{"mqtt.tls.key"}, []string{"mqtt.tls.cert"}},
		{"HTTPS no more", "web:\n  tls: {cert: /c, key: /k}\n", "", []string{"web.tls.key"}, []string{"web.tls.cert"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			clean(t)
			load := func(text string) config.Config {
				cfg, err := config.Load(config.Input{File: file(t, text)})
				if err != nil {
					t.Fatal(err)
				}
				return cfg
			}
			live, restart := config.Changed(load(c.before), load(c.after))
			if d := cmp.Diff([][]string{c.live, c.restart}, [][]string{live, restart}); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestKeysThatNeedEachOther(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a certificate without a key", "mqtt:\n  tls:\n    cert: /c\n", ":3: mqtt.tls.cert: is of no use without mqtt.tls.key"},
		{"a certificate without a key for the pages", "web:\n  tls:\n    cert: /c\n", ":3: web.tls.cert: is of no use without web.tls.key"},
		{"a key without a certificate for MQTT", "mqtt:\n  tls:\n    key: /k\n", ":3: mqtt.tls.key: is of no use without mqtt.tls.cert"},
		{"a key without a certificate", "web:\n  tls:\n    key: /k\n", ":3: web.tls.key: is of no use without web.tls.cert"},
		{"an authority without a certificate", "mqtt:\n  tls:\n    client_ca: /a\n", ":3: mqtt.tls.client_ca: is of no use without mqtt.tls.cert"},
		{"all and one", "homeassistant:\n  export: [tasmota, all]\n", ":2: homeassistant.export: all stands alone"},
		{"the port that the pages have by default", "mqtt:\n  listen: :1888\n", ":2: mqtt.listen: takes the port of web.listen, which is :1888"},
		{"one port for both", "web:\n  listen: 127.0.0.1:1\nmqtt:\n  listen: :1\n", ":2: web.listen: takes the port of mqtt.listen, which is :1"},
		{"the port of plain MQTT", "mqtt:\n  tls: {cert: /c, key: /k, listen: 0.0.0.0:1883}\n", ":2: mqtt.tls.listen: takes the port of mqtt.listen, which is :1883"},
		{"required, but of which authority", "mqtt:\n  tls: {cert: /c, key: /k, client_auth: required}\n", ":2: mqtt.tls.client_auth: cannot be required without mqtt.tls.client_ca"},
	} {
		t.Run(c.name, func(t *testing.T) {
			clean(t)
			f := file(t, c.text)
			if _, err := config.Load(config.Input{File: f}); err == nil || err.Error() != f+c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	clean(t)
	f := file(t, "mqtt:\n  tls:\n    cert: ~/c\n")
	t.Setenv("HUB_MQTT_TLS_KEY", "/k")
	if c, err := config.Load(config.Input{File: f}); err != nil || c.MQTT.TLS.Cert != "/home/somebody/c" {
		t.Errorf("the other half by the environment: %+v, %v", c.MQTT.TLS, err)
	}
	t.Setenv("HUB_MQTT_TLS_CLIENT_AUTH", "required")
	if _, err := config.Load(config.Input{File: f}); err == nil || !strings.HasPrefix(err.Error(), "HUB_MQTT_TLS_CLIENT_AUTH: ") {
		t.Errorf("the variable is not named: %v", err)
	}
}

func TestPortsThatDoNotMeet(t *testing.T) {
	for name, text := range map[string]string{
		"any free ones":                "mqtt:\n  listen: :0\nweb:\n  listen: :0\n",
		"on two addresses":             "mqtt:\n  listen: 127.0.0.1:1\nweb:\n  listen: 127.0.0.2:1\n",
		"of two families":              "mqtt:\n  listen: 0.0.0.0:1\nweb:\n  listen: '[::1]:1'\n",
		"no plain MQTT":                "mqtt:\n  listen: none\n",
		"no TLS":                       "mqtt:\n  tls:\n    listen: :1883\n",
		"the broker is somewhere else": "mqtt:\n  listen: :1888\nexternal:\n  url: mqtt://broker.lan\n",
	} {
		t.Run(name, func(t *testing.T) {
			clean(t)
			if _, err := config.Load(config.Input{File: file(t, text)}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSizesAreSpelledAsInTheFile(t *testing.T) {
	for size, want := range map[config.Size]string{0: "0", 1023: "1023", 1 << 10: "1KiB", 1536: "1536", 128 << 10: "128KiB", 2 << 20: "2MiB", 1 << 30: "1GiB"} {
		if got := size.String(); got != want {
			t.Errorf("%d is %q, want %q", size, got, want)
		}
	}
}
