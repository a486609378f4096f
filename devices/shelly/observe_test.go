package shelly_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/broker"
)

// methods are what is asked, as prefix and method.
func methods(asked []broker.Message) (list []string) {
	for _, m := range asked {
		_, rest, _ := strings.Cut(string(m.Payload), `"method":"`)
		method, _, _ := strings.Cut(rest, `"`)
		list = append(list, strings.TrimSuffix(m.Topic, "/rpc")+" "+method)
	}
	return list
}

func TestClientsThatBeginToListen(t *testing.T) {
	const info = " Shelly.GetDeviceInfo"
	all := []string{plugID + info, plugID + " Shelly.GetConfig", plugID + " Shelly.GetStatus", plugID + " Shelly.GetComponents"}
	for _, test := range []struct {
		name    string
		heard   []string
		client  string
		filters []string
		want    []string
	}{
		{"one with a client's name from the factory is asked what it is", nil, "ShellyPlus1PM-A8032AB1C2D4", []string{"attic/rpc"}, []string{"attic" + info}},
		{"so is one with such a prefix", nil, "x", []string{"home/" + plugID + "/rpc"}, []string{"home/" + plugID + info}},
		{"so is one that takes plain commands, too", nil, "x", []string{"attic/command", "attic/rpc"}, []string{"attic" + info}},
		{"so is one that has said that it is online", []string{"attic/online true"}, "x", []string{"attic/rpc"}, []string{"attic" + info}},
		{"what may be anything is left alone", nil, "x", []string{"attic/rpc", "attic/commands"}, nil},
		{"who listens to all of them is none", nil, "shelly-page", []string{"+/rpc", "#"}, nil},
		{"the hub's own topics are nobody's", nil, "shelly-page", []string{"homehub/shelly/rpc", "homehub/shelly/x/rpc"}, nil},
		{"one that has not answered is asked again", slices.Concat(plug, []string{plugID + "/online true"}), "x", []string{plugID + "/rpc"}, all},
		{"one that has is not", append(slices.Clone(plug), notify(`"switch:0":{"output":true}`)), "x", []string{plugID + "/rpc"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			h.Hear(test.heard...)
			if got := methods(h.c.Observe(test.client, test.filters)); !slices.Equal(got, test.want) {
				t.Errorf("it asks %q, want %q", got, test.want)
			}
		})
	}
}

func TestAnnouncementsOfYoungerDevices(t *testing.T) {
	h := newHouse(t)
	h.Hear(plug...)
	h.Asked = nil
	h.Hear(
		`attic/announce {"id":"shellyplus1-aabbcc778899","gen":2}`, `home/up/attic/announce {"id":"shelly1g3-aabbcc778800","gen":3}`,
		`shellies/roof/announce {"id":"shelly1g4-aabbcc778801","gen":4}`, `shellies/announce {"id":"shelly1g4-aabbcc778802","gen":4}`,
		plugID+`/announce {"id":"`+plugID+`","gen":2}`, `shellies/announce {"id":"`+plugID+`","gen":2}`, // it is known
		`news/announce {"id":"x"}`, `news/announce gen`, `news/announce {"gen":2}`,
	)
	var got []string
	for _, s := range methods(h.Asked) {
		if prefix, ok := strings.CutSuffix(s, " Shelly.GetDeviceInfo"); ok {
			got = append(got, prefix)
		}
	}
	if want := []string{"attic", "home/up/attic", "shellies/roof", "shelly1g4-aabbcc778802"}; !slices.Equal(got, want) {
		t.Errorf("it asks %q, want %q", got, want)
	}
}

func TestAClientThatListensAgainAndAgainIsNotAskedForEver(t *testing.T) {
	h := newHouse(t)
	h.Hear(slices.Concat(plug, []string{plugID + "/online true"})...)
	asked := 0
	for range 20 {
		asked += len(h.c.Observe("x", []string{plugID + "/rpc", "shelly-attic/rpc"}))
	}
	if asked > 2*4+3 {
		t.Errorf("it asks %d times", asked)
	}
	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprintf("shelly-%d/rpc", i))
	}
	if asked = len(h.c.Observe("x", many)); asked > 8 {
		t.Errorf("it asks %d things of one client", asked)
	}
}
