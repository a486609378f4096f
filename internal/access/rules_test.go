package access_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"home.arpa/homehub/broker/embedded"
	"home.arpa/homehub/internal/access"
)

// The broker asks a permit what it asks of its own.
var _ embedded.Permit = (*access.Permit)(nil)

func parse(t testing.TB, text string) *access.Rules {
	t.Helper()
	r, err := access.Parse("access.yaml", "hub", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const house = `
groups:
  family: [anna, ben]
  nobody: []

rules:
  - users: ben
    deny_write: alarm/#
  - groups: [family, nobody]
    read: ["#", $SYS/#]
    write: "#"
  - users: guest
    deny_read: [cameras/+/picture]
    read: [cameras/#, +/state]
    deny_write: lamp/secret
    write: [lamp/+]
  - anonymous: true
    read: public/#
  - clients: ["panel-*", tablet]
    read: panel/%c/#
    write: panel/log-%c
  - users: [plug]
    clients: plug-*
    write: strict/#
  - everyone: true
    read: [cmnd/%u/#, 100%%]
    write: [tele/%u/state, "by/%u/%c"]
`

func TestRules(t *testing.T) {
	r := parse(t, house)
	for _, c := range []struct {
		name, user, client, action string
		topic                      string
		want                       bool
	}{
		{"a group may read everything", "anna", "x", "read", "any/thing", true},
		{"a group may publish everything", "anna", "x", "write", "alarm/off", true},
		{"a rule above takes something away from one of a group", "ben", "x", "write", "alarm/off", false},
		{"a rule above takes the parent away too", "ben", "x", "write", "alarm", false},
		{"a denial of publishing leaves reading", "ben", "x", "read", "alarm/off", true},
		{"what is not denied goes on to the next rule", "ben", "x", "write", "lamp", true},
		{"a wildcard is not about topics with a dollar sign", "guest", "x", "read", "$SYS/state", false},
		{"a filter with the dollar sign is", "anna", "x", "read", "$SYS/broker/uptime", true},
		{"nobody publishes to a topic with a dollar sign", "anna", "x", "write", "$SYS/broker/uptime", false},
		{"nobody publishes to the hub's own topics", "anna", "x", "write", "hub/5/lamp/light/on", false},
		{"everybody who may publish may send wishes", "anna", "x", "write", "hub/5/lamp/light/on/set", true},
		{"nobody else may send wishes", "guest", "x", "write", "hub/5/lamp/light/on/set", false},
		{"the hub's own topics are for reading", "anna", "x", "read", "hub/5/lamp/light/on", true},
		{"topics that begin as the hub's own are not", "anna", "x", "write", "hub/50/lamp", true},
		{"a denial in a rule counts before what it allows", "guest", "x", "read", "cameras/door/picture", false},
		{"beside the denial the rest is allowed", "guest", "x", "read", "cameras/door/state", true},
		{"a denial for publishing counts before, too", "guest", "x", "write", "lamp/secret", false},
		{"and leaves the rest", "guest", "x", "write", "lamp/1", true},
		{"what no rule is about is not allowed", "guest", "x", "read", "a/b", false},
		{"what no rule is about is not allowed for publishing", "guest", "x", "write", "cameras/door", false},
		{"a user without a rule may do nothing", "eve", "x", "read", "public/a", false},
		{"an anonymous client has its own rule", "", "x", "read", "public/a", true},
		{"an anonymous client has not that of users", "", "x", "read", "any", false},
		{"a pattern of client identifiers", "", "panel-1", "read", "panel/panel-1/a", true},
		{"a client identifier without a pattern", "eve", "tablet", "read", "panel/tablet", true},
		{"another's topic", "", "panel-1", "read", "panel/panel-2/a", false},
		{"another client identifier", "", "panel", "read", "panel/panel/a", false},
		{"a part of a level", "", "panel-1", "write", "panel/log-panel-1", true},
		{"a part of a level of another", "", "panel-1", "write", "panel/log-panel-2", false},
		{"user and client both fit", "plug", "plug-7", "write", "strict/x", true},
		{"only the user fits", "plug", "lamp-7", "write", "strict/x", false},
		{"only the client fits", "eve", "plug-7", "write", "strict/x", false},
		{"the user name in a filter", "eve", "x", "read", "cmnd/eve/power", true},
		{"the user name in a filter also without what follows", "eve", "x", "read", "cmnd/eve", true},
		{"another user name in a filter", "eve", "x", "read", "cmnd/anna/power", false},
		{"both names in a filter", "eve", "x1", "write", "by/eve/x1", true},
		{"both names in a filter, of which one is another", "eve", "x1", "write", "by/eve/x2", false},
		{"the user name of an anonymous client is not the empty one", "", "x", "read", "cmnd//power", false},
		{"a percent sign", "eve", "x", "read", "100%", true},
		{"two percent signs", "eve", "x", "read", "100%%", false},
		{"a name with # does not read everything", "#", "x", "read", "cmnd/anna", false},
		{"a name with + does not read one level", "+", "x", "read", "cmnd/anna", false},
		{"a name with / does not go deeper", "a/b", "x", "read", "cmnd/a/b", false},
		{"an identifier with # does not read everything", "eve", "panel-#", "read", "panel/panel-#", false},
		{"subscribe to everything, to get a part", "guest", "x", "subscribe", "#", true},
		{"subscribe to what is allowed", "guest", "x", "subscribe", "cameras/door/state", true},
		{"subscribe to what is denied", "guest", "x", "subscribe", "cameras/door/picture", false},
		{"subscribe to what is denied by wildcard", "guest", "x", "subscribe", "cameras/+/picture", false},
		{"subscribe to what is denied and more", "guest", "x", "subscribe", "cameras/+/+", true},
		{"subscribe across two lines", "guest", "x", "subscribe", "+/state", true},
		{"subscribe to nothing that is allowed", "guest", "x", "subscribe", "garage/door/#", false},
		{"subscribe to one level where two are allowed", "guest", "x", "subscribe", "+", true}, // cameras
		{"subscribe with the user name", "eve", "x", "subscribe", "cmnd/+/power", true},
		{"subscribe with another's name", "eve", "x", "subscribe", "cmnd/anna/power", false},
		{"subscribe to $SYS", "guest", "x", "subscribe", "$SYS/#", false},
		{"subscribe to $SYS where it is allowed", "anna", "x", "subscribe", "$SYS/broker/+", true},
		{"subscribe with a name that fits into nothing", "eve#", "x", "subscribe", "cmnd/#", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			action, err := access.ParseAction(c.action)
			if err != nil {
				t.Fatal(err)
			}
			if got := does(r.Permit(c.client, c.user), action, c.topic); got != c.want {
				t.Errorf("user %q, client %q, %s %s: %v, want %v", c.user, c.client, c.action, c.topic, got, c.want)
			}
			if v := r.Explain(c.client, c.user, action, c.topic); v.Allowed != c.want {
				t.Errorf("the explanation says %v: %s", v.Allowed, v.Why)
			}
		})
	}
}

func does(p *access.Permit, a access.Action, topic string) bool {
	switch a {
	case access.Write:
		return p.MayPublish(topic)
	case access.Subscribe:
		return p.MaySubscribe(topic)
	default:
		return p.MayReceive(topic)
	}
}

func TestNameThatDoesNotFitDeniesMore(t *testing.T) {
	r := parse(t, `
rules:
  - everyone: true
    deny_read: [private/of-%c/x, "%u/own"]
    deny_write: log/%c
    read: ["#", $SYS/#, "%c/#", "%u/#"]
    write: ["#"]
`)
	for _, c := range []struct {
		client, user, topic string
		read, write         bool
	}{
		{"a", "u", "private/of-a/x", false, true},
		{"a", "u", "private/of-b/x", true, true},
		{"a/x", "u", "private/of-a/x", false, true},
		{"a/x", "u", "private/of-b/x", false, true}, // nobody knows what of private was meant
		{"a/x", "u", "public", true, true},
		{"a/x", "u", "log/a", true, false},
		{"a/x", "u", "log", true, false},
		{"#", "u", "log/a", true, false},
		{"a", "#", "anything/at/all", false, true},
		{"a", "", "anything/at/all", true, true}, // no name: the line is not about the client
		{"$SYS", "u", "$SYS/x", true, false},
	} {
		p := r.Permit(c.client, c.user)
		if got := p.MayReceive(c.topic); got != c.read {
			t.Errorf("client %q, user %q: receiving %s is %v, want %v", c.client, c.user, c.topic, got, c.read)
		}
		if got := p.MayPublish(c.topic); got != c.write {
			t.Errorf("client %q, user %q: publishing to %s is %v, want %v", c.client, c.user, c.topic, got, c.write)
		}
	}
}

func TestIdentifierWithADollarSignDoesNotReadTheBrokersTopics(t *testing.T) {
	r := parse(t, `rules: [{everyone: true, read: "%c/#", write: "%c/#"}]`)
	if p := r.Permit("$SYS", ""); p.MayReceive("$SYS/broker/uptime") || p.MaySubscribe("$SYS/#") {
		t.Error("a client reads $SYS by its identifier")
	}
	v := r.Explain("$SYS", "", access.Read, "$SYS/broker/uptime")
	if v.Allowed || len(v.Unfit) != 0 { // what it could have meant, #, is not about $SYS either
		t.Errorf("explained as %+v", v)
	}
	v = r.Explain("a/b", "", access.Read, "a/b/c")
	if v.Allowed || len(v.Unfit) != 1 || !strings.Contains(v.Unfit[0], "access.yaml:1: read %c/#") {
		t.Errorf("explained as %+v, want a line about the name", v)
	}
}

func TestWithoutAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.yaml")
	r, err := access.Load(path, "hub")
	if err != nil || !r.Open() {
		t.Fatalf("loaded %v (%v), want no rules", r, err)
	}
	p := r.Permit("x", "")
	for topic, want := range map[string]bool{
		"a": true, "hub/5/lamp/light/on": false, "hub/5/lamp/light/on/set": true, "hub/5/set": false, "hub/5/": false, "hub/5": true,
		"$SYS/x": false, "$other": false, "hub": true,
	} {
		if got := p.MayPublish(topic); got != want {
			t.Errorf("publishing to %s: %v, want %v", topic, got, want)
		}
		if !p.MayReceive(topic) || !p.MaySubscribe(topic) {
			t.Errorf("reading %s is not allowed", topic)
		}
	}
	if v := r.Explain("x", "", access.Write, "a"); !v.Allowed || !strings.Contains(v.Why, "there is no access.yaml") {
		t.Errorf("explained as %+v", v)
	}
}

func TestReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := access.Load(path, "hub")
	if err != nil {
		t.Fatal(err)
	}
	if r, err = r.Reload(); err != nil || !r.Open() {
		t.Fatalf("reloading without a file: %v (%v)", r, err)
	}
	write("rules: [{everyone: true, read: a}]")
	if r, err = r.Reload(); err != nil || r.Open() || !r.Permit("", "").MayReceive("a") || r.Permit("", "").MayReceive("b") {
		t.Fatalf("the new file does not count (%v)", err)
	}
	write("rules: [{everyone: true, read: b}]")
	next, err := r.Reload()
	if err != nil || !next.Permit("", "").MayReceive("b") {
		t.Fatalf("the changed file does not count (%v)", err)
	}
	write("rules: [{everyone: true, reed: b}]")
	if _, err := next.Reload(); err == nil || !strings.Contains(err.Error(), path+":1: rules[0].reed: unknown key; did you mean read?") {
		t.Errorf("got %v, want the mistake", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if open, err := next.Reload(); err == nil {
		t.Errorf("a file that is gone opens the house: %v", open.Open())
	}
}

func TestExplainNamesTheLine(t *testing.T) {
	r := parse(t, house)
	for _, c := range []struct {
		user, topic string
		action      access.Action
		line        int
		why         string
	}{
		{"ben", "alarm/on", access.Write, 8, "access.yaml:8: deny_write alarm/#"},
		{"ben", "lamp", access.Write, 11, "access.yaml:11: write #"},
		{"anna", "$SYS/a", access.Read, 10, "access.yaml:10: read $SYS/#"},
		{"guest", "cameras/door/picture", access.Read, 13, "access.yaml:13: deny_read cameras/+/picture"},
		{"guest", "+/state", access.Subscribe, 14, "access.yaml:14: read cameras/#, so that there is something to get"},
		{"eve", "cmnd/eve/power", access.Read, 26, "access.yaml:26: read cmnd/%u/#"},
		{"eve", "a/b", access.Read, 0, "no rule in access.yaml is about it"},
		{"eve", "a/b", access.Subscribe, 0, "no rule in access.yaml lets it read anything of that"},
		{"anna", "hub/5/lamp", access.Write, 0, "hub/5/… is the hub's own; only …/set is open for publishing"},
		{"anna", "$SYS/a", access.Write, 0, "nobody may publish to topics that begin with $"},
	} {
		v := r.Explain("x", c.user, c.action, c.topic)
		if v.Line != c.line || !strings.HasPrefix(v.Why, c.why) {
			t.Errorf("%s %s %s: line %d, %s; want line %d, %s", c.user, c.action, c.topic, v.Line, v.Why, c.line, c.why)
		}
	}
	if got := strings.Join(r.Users(), " "); got != "anna ben guest plug" {
		t.Errorf("the users are %s", got)
	}
}

func TestOneSetOfRulesServesManyClients(t *testing.T) {
	r := parse(t, house)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 500 {
				client := "panel-" + strings.Repeat("x", n%50+i)
				p := r.Permit(client, "")
				if !p.MayReceive("panel/"+client) || p.MayReceive("panel/other") || !p.MaySubscribe("panel/#") {
					t.Errorf("%s has other rules", client)
					return
				}
			}
		})
	}
	wg.Wait()
}
