package access_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/internal/access"
)

// names are the levels that rules of these tests have; topics have one more, which stands for all others.
var names = []string{"a", "b", ""}

// all returns the topics of one to five levels that can be made of names, another one, and a first level with a dollar sign.
func all() []string {
	topics := []string{"a", "b", "", "c", "$a"}
	for level := topics; len(topics) < 1500; {
		var next []string
		for _, t := range level {
			for _, n := range append([]string{"c"}, names...) {
				next = append(next, t+"/"+n)
			}
		}
		topics = append(topics, next...)
		level = next
	}
	return append(topics[:2], topics[3:]...) // the empty text is no topic
}

// line is a line of the rules as these tests understand it: the first one that matches decides.
type line struct {
	filter string
	allow  bool
}

func randomFilter(r *rand.Rand) string {
	n := 1 + r.IntN(4)
	levels := make([]string, n)
	for i := range levels {
		switch x := r.IntN(10); {
		case x < 3:
			levels[i] = "+"
		case x == 3 && i == n-1, x == 4 && i == n-1:
			levels[i] = "#"
		case x == 5 && i == 0:
			levels[i] = "$a"
		default:
			levels[i] = names[r.IntN(len(names))]
		}
	}
	if f := strings.Join(levels, "/"); f != "" {
		return f
	}
	return "a"
}

// write spells lines as a file.
func write(lines []line) string {
	var b strings.Builder
	b.WriteString("rules:\n")
	for _, l := range lines {
		key := "read"
		if !l.allow {
			key = "deny_read"
		}
		fmt.Fprintf(&b, "  - {everyone: true, %s: %q}\n", key, l.filter)
	}
	return b.String()
}

// allowed says what the lines say of a topic, one by one.
func allowed(lines []line, topic string) bool {
	for _, l := range lines {
		if broker.Match(l.filter, topic) {
			return l.allow
		}
	}
	return false
}

func TestEveryTopicAndFilterOfRandomRules(t *testing.T) {
	topics := all()
	rounds, subscribed, refused := 400, 0, 0
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		lines := make([]line, 1+r.IntN(7))
		for i := range lines {
			lines[i] = line{randomFilter(r), r.IntN(3) > 0}
		}
		p := parse(t, write(lines)).Permit("x", "u")
		may := make([]bool, len(topics))
		for i, topic := range topics {
			may[i] = allowed(lines, topic)
			if got := p.MayReceive(topic); got != may[i] {
				t.Fatalf("%v: receiving %q is %v, want %v", lines, topic, got, may[i])
			}
		}
		for range 30 {
			filter := randomFilter(r)
			want, example := false, ""
			for i, topic := range topics {
				if may[i] && broker.Match(filter, topic) {
					want, example = true, topic
					break
				}
			}
			if got := p.MaySubscribe(filter); got != want {
				t.Fatalf("%v: subscribing to %q is %v, want %v (%q)", lines, filter, got, want, example)
			}
			if want {
				subscribed++
			} else {
				refused++
			}
		}
	}
	if subscribed < rounds || refused < rounds {
		t.Errorf("%d subscriptions were allowed and %d refused, too few to say anything", subscribed, refused)
	}
}

func FuzzSubscribe(f *testing.F) {
	seeds := [][3]string{
		{"a/#", "a", "+"}, {"+/b", "a/+", "a/#"}, {"#", "$SYS/#", "$SYS/+"}, {"a/+/c", "a/b/#", "a/b"}, {"/", "//", "+/+/#"}, {"ä/+", "#", "ä/b"},
	}
	for _, s := range seeds {
		f.Add(s[0], s[1], s[2])
	}
	if len(seeds) == 0 {
		f.Fatal("there are no seeds")
	}
	f.Fuzz(func(t *testing.T, allow, deny, filter string) {
		for _, s := range []string{allow, deny, filter} {
			if broker.ValidFilter(s) != nil || strings.ContainsAny(s, "%") || strings.HasPrefix(s, "$share/") {
				t.Skip()
			}
		}
		r, err := access.Parse("f", "hub", []byte(fmt.Sprintf("rules: [{everyone: true, deny_read: %q, read: %q}]", deny, allow)))
		if err != nil {
			t.Skip() // what YAML cannot hold
		}
		p := r.Permit("x", "")
		if !p.MaySubscribe(filter) {
			// Nothing that is made of any two of the filters may be received.
			for _, a := range []string{allow, filter} {
				for _, b := range []string{allow, filter} {
					if topic := concrete(a, b); broker.ValidTopic(topic) == nil && broker.Match(filter, topic) && p.MayReceive(topic) {
						t.Errorf("%q is allowed, %q is not: %q is refused, but %q is to be had", allow, deny, filter, topic)
					}
				}
			}
		}
		topic := concrete(filter, allow)
		if broker.ValidTopic(topic) != nil {
			return
		}
		if got, want := p.MayReceive(topic), !broker.Match(deny, topic) && broker.Match(allow, topic); got != want {
			t.Errorf("%q is allowed, %q is not: receiving %q is %v", allow, deny, topic, got)
		}
	})
}

// concrete makes a topic of a filter: where it has a wildcard, what the other one has there.
func concrete(filter, other string) string {
	levels, others := strings.Split(filter, "/"), strings.Split(other, "/")
	if levels[len(levels)-1] == "#" {
		levels = append(levels[:len(levels)-1], others[min(len(levels)-1, len(others)):]...)
	}
	for i := range levels {
		if levels[i] == "+" && i < len(others) {
			levels[i] = others[i]
		}
		if levels[i] == "+" || levels[i] == "#" {
			levels[i] = "other"
		}
	}
	return strings.Join(levels, "/")
}
