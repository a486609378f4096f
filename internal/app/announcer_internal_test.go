package app

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/internal/config"
)

func TestWhoseDevicesHomeAssistantIsTold(t *testing.T) {
	for _, c := range []struct {
		name     string
		export   []string
		external string
		want     string // the families that are announced
	}{
		{"by default all, with the broker inside", []string{"auto"}, "", "shelly tasmota homie"},
		{"by default none, with another broker", []string{"auto"}, "mqtt://elsewhere", ""},
		{"all, with another broker", []string{"all"}, "mqtt://elsewhere", "shelly tasmota homie"},
		{"one family, with another broker", []string{"tasmota"}, "mqtt://elsewhere", "tasmota"},
		{"two families", []string{"homie", "shelly"}, "", "shelly homie"},
		{"none", []string{"none"}, "", ""},
		{"an empty list", nil, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config.Config{HomeAssistant: config.HomeAssistant{Prefix: "homeassistant", Export: c.export}, External: config.External{URL: c.external}}
			a, err := announcer(cfg)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, family := range []string{"shelly", "tasmota", "homie", "homeassistant"} {
				if len(a.Announce(hub.View{Device: devices.Device{ID: "x"}, Conventions: []string{family}})) > 0 {
					got = append(got, family)
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
}

func TestTheConfigurationKnowsEveryFamily(t *testing.T) {
	all, err := Conventions(config.Config{HomeAssistant: config.HomeAssistant{Prefix: "homeassistant"}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range all {
		if c.Name() != homeassistant.Name { // they announce themselves
			names = append(names, c.Name())
		}
	}
	if d := cmp.Diff(names, config.Families); d != "" {
		t.Errorf("families (-conventions +configuration):\n%s", d)
	}
}
