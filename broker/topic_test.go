package broker_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
)

func TestValidFilter(t *testing.T) {
	for filter, ok := range map[string]bool{
		"a": true, "a/b": true, "/": true, "//": true, "+": true, "#": true, "a/#": true, "+/+/#": true, "$SYS/#": true,
		"$share/g/a": true, "$share/g/#": true, "$share/g//": true, " ": true,
		"": false, "a#": false, "a+": false, "#/a": false, "a/#/b": false, "+a/b": false, "a\x00": false, "\xff": false,
		"$share//a": false, "$share/g": false, "$share/g/": false, "$share/g+/a": false,
		strings.Repeat("/", 200): true, strings.Repeat("/", 201): false, strings.Repeat("a", 65536): false,
	} {
		if err := broker.ValidFilter(filter); (err == nil) != ok || err != nil && !errors.Is(err, broker.ErrFilter) {
			t.Errorf("filter %.40q: got %v, want valid %v", filter, err, ok)
		}
	}
}

func TestValidTopic(t *testing.T) {
	for topic, ok := range map[string]bool{"a/b": true, "/": true, "$SYS/x": true, "": false, "a/+": false, "#": false} {
		if err := broker.ValidTopic(topic); (err == nil) != ok || err != nil && !errors.Is(err, broker.ErrTopic) {
			t.Errorf("topic %q: got %v, want valid %v", topic, err, ok)
		}
	}
}

var matches = []struct {
	filter, topic string
	want          bool
}{
	{"sport/tennis/player1/#", "sport/tennis/player1", true}, // the examples of MQTT 5.0, 4.7.1
	{"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
	{"sport/#", "sport", true},
	{"#", "a/b", true},
	{"sport/tennis/+", "sport/tennis/player1", true},
	{"sport/tennis/+", "sport/tennis/player1/ranking", false},
	{"sport/+", "sport", false},
	{"sport/+", "sport/", true},
	{"+/+", "/finance", true},
	{"/+", "/finance", true},
	{"+", "/finance", false},
	{"+/#", "a", true},
	{"#", "$SYS/x", false},
	{"+/monitor/Clients", "$SYS/monitor/Clients", false},
	{"$SYS/#", "$SYS/x", true},
	{"$SYS/+", "$SYS/x", true},
	{"a/+/c", "a/$b/c", true},
	{"ACCOUNTS", "Accounts", false},
	{"a/b", "a", false},
	{"a", "a/b", false},
}

func TestMatch(t *testing.T) {
	for _, m := range matches {
		if got := broker.Match(m.filter, m.topic); got != m.want {
			t.Errorf("Match(%q, %q) = %v", m.filter, m.topic, got)
		}
		var trie broker.Trie[int, string]
		trie.Set(m.filter, 1, m.filter)
		got := false
		trie.Match(m.topic, func(int, string) { got = true })
		if got != m.want {
			t.Errorf("a trie with %q finds %q: %v", m.filter, m.topic, got)
		}
	}
}

func TestTrieAgreesWithMatchUnderRandomChange(t *testing.T) {
	levels := []string{"a", "b", "", "+", "#", "$c"}
	rnd := rand.New(rand.NewPCG(1, 2))
	random := func(max int) string {
		parts := make([]string, 1+rnd.IntN(4))
		for i := range parts {
			parts[i] = levels[rnd.IntN(max)]
			if parts[i] == "#" {
				parts = parts[:i+1]
				break
			}
		}
		return strings.Join(parts, "/")
	}
	type pair struct {
		filter string
		key    int
	}
	var trie broker.Trie[int, string]
	want := map[pair]bool{}
	for change := range 20000 {
		p := pair{random(len(levels)), rnd.IntN(3)}
		if p.filter == "" {
			continue
		}
		if rnd.IntN(2) == 0 {
			if trie.Set(p.filter, p.key, p.filter) != want[p] {
				t.Fatalf("Set(%v) is wrong about what was there", p)
			}
			want[p] = true
		} else {
			if trie.Delete(p.filter, p.key) != want[p] {
				t.Fatalf("Delete(%v) is wrong about what was there", p)
			}
			delete(want, p)
		}
		if trie.Len() != len(want) {
			t.Fatalf("Len is %d, want %d", trie.Len(), len(want))
		}
		if change%20 != 0 {
			continue // each look goes through all filters
		}
		topic := strings.NewReplacer("+", "a", "#", "b").Replace(random(len(levels)))
		var got, expected []string
		trie.Match(topic, func(_ int, f string) { got = append(got, f) })
		for p := range want {
			if broker.Match(p.filter, topic) {
				expected = append(expected, p.filter)
			}
		}
		slices.Sort(got)
		slices.Sort(expected)
		if d := cmp.Diff(expected, got); d != "" {
			t.Fatalf("topic %q: %s", topic, d)
		}
	}
	for p := range want {
		trie.Delete(p.filter, p.key)
	}
	if trie.Len() != 0 {
		t.Errorf("after deleting all, %d are left", trie.Len())
	}
}

func BenchmarkTrieMatch(b *testing.B) {
	var trie broker.Trie[int, int]
	for i := range 1000 {
		trie.Set("home/room"+string(rune('a'+i%26))+"/device"+string(rune('a'+i/26))+"/state", i, i)
	}
	trie.Set("#", 1, 1)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		trie.Match("home/rooma/devicea/state", func(int, int) { n++ })
	}
}
