package access_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/internal/access"
)

const convertedRules = `# Rules of access, converted from Mosquitto's mosquitto.acl by "hub access import".
# The first line that is about the client and the topic decides; what no line is about is not allowed.
# Line 11, left out: publishing to $SYS/broker/connection/b/state; nobody may publish to topics that begin with $.
# Line 19, left out: publishing to $SYS/broker/connection/%c/state; nobody may publish to topics that begin with $.
rules:
  # What stood before the first "user" line is for clients without a user name.
  - anonymous: true
    deny_read:
      - "public/secret" # line 3
    deny_write:
      - "public/secret" # line 3
    read:
      - "$SYS/#" # line 2
      - "public/#" # line 4
    write:
      - "public/#" # line 4
  - users: ["roger"]
    deny_read:
      - "foo/+/x" # line 10
    deny_write:
      - "foo/+/x" # line 10
    read:
      - "foo/bar" # line 8
      - "a topic/with spaces/#" # line 9
    write:
      - "foo/bar" # line 8
      - "a topic/with spaces/#" # line 9
      - "more/+/" # line 16
  - users: ["Jürgen \"J\" K."]
    read:
      - "100%%/%%u" # line 14
  # Patterns: %u is the user name, %c the client identifier.
  - everyone: true
    deny_read:
      - "devices/+/dev-%c/secret" # line 21
    deny_write:
      - "devices/+/dev-%c/secret" # line 21
    read:
      - "devices/%u/dev-%c/#" # line 20
      - "5%%/all" # line 22
    write:
      - "devices/%u/dev-%c/#" # line 20
`

func TestMosquittosRules(t *testing.T) {
	data, err := os.ReadFile("testdata/mosquitto.acl")
	if err != nil {
		t.Fatal(err)
	}
	text, notes, err := access.FromMosquitto("testdata/mosquitto.acl", data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(convertedRules, string(text)); diff != "" {
		t.Error(diff)
	}
	if len(notes) != 2 || notes[0].Line != 11 || notes[1].Line != 19 {
		t.Errorf("left out: %v, want lines 11 and 19", notes)
	}
	r := parse(t, string(text))
	for _, c := range []struct {
		user, client, topic string
		read, write         bool
	}{
		{"", "x", "public/a", true, true},
		{"", "x", "public/secret", false, false},
		{"", "x", "$SYS/broker/uptime", true, false},
		{"roger", "x", "public/a", false, false}, // the general topics are not for users
		{"roger", "x", "foo/bar", true, true},
		{"roger", "x", "more/a/", false, true},
		{"eve", "x", "foo/bar", false, false},
		{"eve", "x", "devices/eve/dev-x/a", true, true},
		{"eve", "x", "devices/eve/dev-x/secret", false, false},
		{"eve", "x", "devices/eve/dev-y/a", false, false},
		{"", "x", "devices//dev-x/a", false, false},
		{"", "x", "5%/all", true, false},
		{`Jürgen "J" K.`, "x", "100%/%u", true, false},
	} {
		p := r.Permit(c.client, c.user)
		if got := p.MayReceive(c.topic); got != c.read {
			t.Errorf("user %q: receiving %s is %v, want %v", c.user, c.topic, got, c.read)
		}
		if got := p.MayPublish(c.topic); got != c.write {
			t.Errorf("user %q: publishing to %s is %v, want %v", c.user, c.topic, got, c.write)
		}
	}
}

func TestMosquittosMistakes(t *testing.T) {
	_, _, err := access.FromMosquitto("acl", []byte(strings.Join([]string{
		"user", "topic", "topic read", "topic some a", "topic a b/c", "pattern a/+b", "  # fine", "acl a", "user x", "topic deny a/#/b", "topic read $share/g/a",
	}, "\r\n")))
	want := `acl:1: the user name is missing
acl:2: the topic filter is missing
acl:4: "some" is not read, write, readwrite or deny; a filter with a space needs one of them before it
acl:5: "a" is not read, write, readwrite or deny; a filter with a space needs one of them before it
acl:6: "a/+b": a wildcard must fill its level
acl:8: "acl" is not user, topic or pattern
acl:10: "a/#/b": # must be the last level
acl:11: "$share/g/a": a rule is about topics; leave $share and the share name out`
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" { // "topic read" is a filter of that name, in Mosquitto too
		t.Error(diff)
	}
	if _, _, err := access.FromMosquitto("acl", []byte("user \xff")); err == nil {
		t.Error("what is not UTF-8 was taken")
	}
	text, notes, err := access.FromMosquitto("acl", []byte("# nothing\nuser a\ntopic write $SYS/a\n"))
	if err != nil || len(notes) != 1 {
		t.Fatalf("notes %v (%v), want one", notes, err)
	}
	if r := parse(t, string(text)); r.Len() != 0 {
		t.Errorf("rules came of nothing:\n%s", text)
	}
}

func FuzzFromMosquitto(f *testing.F) {
	data, err := os.ReadFile("testdata/mosquitto.acl")
	if err != nil {
		f.Fatal(err)
	}
	seeds := []string{string(data), "topic read a\x7f", "user \u0085\ntopic \ufeffa", "pattern deny %%u%c%", "user a: b # c\ntopic \"'", "\ufefftopic a\\b"}
	for _, s := range seeds {
		f.Add(s)
	}
	if len(seeds) == 0 {
		f.Fatal("there are no seeds")
	}
	f.Fuzz(func(t *testing.T, acl string) {
		text, _, err := access.FromMosquitto("acl\n"+acl, []byte(acl))
		if err != nil {
			return
		}
		if _, err := access.Parse("access.yaml", "hub", text); err != nil {
			t.Errorf("%q became\n%s\nwhich is wrong: %v", acl, text, err)
		}
	})
}
