package access_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/internal/access"
)

func TestMistakesAreNamedWithTheirLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"an empty file", "", `f: there is nothing in it; "rules: []" allows nothing, and without the file everybody may do everything`},
		{"comments only", "# later\n", `f: there is nothing in it; "rules: []" allows nothing, and without the file everybody may do everything`},
		{"no rules", "groups: {a: [b]}\n", `f:1: rules: is missing; "rules: []" allows nothing`},
		{"rules without a list", "rules:\n  users: anna\n", `f:2: rules: wants a list of rules, each beginning with "- "; "rules: []" allows nothing`},
		{"rules with nothing", "rules:\n", `f:1: rules: wants a list of rules, each beginning with "- "; "rules: []" allows nothing`},
		{"another file", "- a\n", `f:1: wants keys and values: groups, rules`},
		{"an unknown key", "rule: []\nrules: []\n", "f:1: rule: unknown key; did you mean rules?"},
		{"an unknown key far from all", "rules: []\nzzzzzzz: 1\n", "f:2: zzzzzzz: unknown key; there are groups, rules"},
		{"a key twice", "rules: []\nrules: []\n", "f:2: rules: is there already, on line 1"},
		{"an unknown key in a rule", "rules:\n  - user: anna\n    read: a\n", "f:2: rules[0].user: unknown key; did you mean users?"},
		{"an unknown key for what it allows", "rules:\n  - users: anna\n    reed: a\n", "f:3: rules[0].reed: unknown key; did you mean read?"},
		{"a rule about nobody", "rules:\n  - read: a\n", "f:2: rules[0]: does not say whom it is about; it wants users, groups, clients, anonymous: true or everyone: true"},
		{"a rule about nothing", "rules:\n  - everyone: true\n", "f:2: rules[0]: says nothing; it wants read, write, deny_read or deny_write"},
		{"a rule that is a word", "rules:\n  - anna\n", "f:2: rules[0]: wants keys and values: users, groups, clients, everyone, anonymous, deny_read, deny_write, read, write"},
		{"an unknown group", "groups:\n  family: [anna]\nrules:\n  - groups: famly\n    read: a\n", `f:4: rules[0].groups: there is no group "famly"; did you mean family?`},
		{"an unknown group without groups", "rules:\n  - groups: family\n    read: a\n", `f:2: rules[0].groups: there is no group "family"; groups are under "groups:", such as family: [anna, ben]`},
		{"a group without a list", "groups:\n  family:\nrules: []\n", `f:2: groups.family: has no value; it wants user names, such as [anna, ben], and YAML takes # for a comment unless it is in quotes: "#"`},
		{"groups that are a list", "groups: [family]\nrules: []\n", "f:1: groups: wants names with lists of users, such as family: [anna, ben]"},
		{"everyone: yes", "rules:\n  - everyone: yes\n    read: a\n", "f:2: rules[0].everyone: wants true; leave the line out if it is not so"},
		{"everyone: false", "rules:\n  - everyone: false\n    read: a\n", "f:2: rules[0].everyone: wants true; leave the line out if it is not so"},
		{"an empty list of users", "rules:\n  - users: []\n    read: a\n", "f:2: rules[0].users: is empty; it wants user names, such as [anna, ben]"},
		{"a # without quotes", "rules:\n  - everyone: true\n    read: #\n", `f:3: rules[0].read: has no value; it wants topic filters, such as [lamp/#, +/state], and YAML takes # for a comment unless it is in quotes: "#"`},
		{"a # without quotes in a list", "rules:\n  - everyone: true\n    read:\n      - a\n      - #\n", `f:5: rules[0].read: has no value; it wants topic filters, such as [lamp/#, +/state], and YAML takes # for a comment unless it is in quotes: "#"`},
		{"a % without quotes", "rules:\n  - everyone: true\n    read: %u/#\n", `f:3: not YAML: found character that cannot start any token; a topic filter that begins with # or % must be in quotes, such as "#"`},
		{"a tab", "rules:\n\t- everyone: true\n", `f:2: not YAML: found character that cannot start any token; YAML is indented with spaces, and a line begins with a tab`},
		{"a wrong placeholder", "rules:\n  - everyone: true\n    write: a/%d\n", `f:3: rules[0].write: "a/%d": a % stands before u (the user name), c (the client identifier) or % (a percent sign)`},
		{"a wildcard in a level", "rules:\n  - everyone: true\n    write: a/dev-+\n", `f:3: rules[0].write: "a/dev-+": a wildcard must fill its level`},
		{"a wildcard beside a placeholder", "rules:\n  - everyone: true\n    read: a/+%u\n", `f:3: rules[0].read: "a/+%u": a wildcard must fill its level`},
		{"a # in the middle", "rules:\n  - everyone: true\n    write: a/#/b\n", `f:3: rules[0].write: "a/#/b": # must be the last level`},
		{"a share name", "rules:\n  - everyone: true\n    read: $share/g/a\n", `f:3: rules[0].read: "$share/g/a": a rule is about topics; leave $share and the share name out`},
		{"publishing to $SYS", "rules:\n  - everyone: true\n    write: $SYS/a\n", `f:3: rules[0].write: "$SYS/a": nobody may publish to topics that begin with $, and no rule changes that; leave it out`},
		{"a filter that is a mapping", "rules:\n  - everyone: true\n    write: {a: b}\n", `f:3: rules[0].write: wants topic filters, such as [lamp/#, +/state]`},
		{"an empty filter", "rules:\n  - everyone: true\n    write: ''\n", `f:3: rules[0].write: has an empty text; it wants topic filters, such as [lamp/#, +/state]`},
		{"several mistakes from top to bottom", "groups:\n  b: {}\nrules:\n  - everyone: 1\n    read: a+\n", "f:2: groups.b: wants user names, such as [anna, ben]\nf:4: rules[0].everyone: wants true; leave the line out if it is not so\n" + `f:5: rules[0].read: "a+": a wildcard must fill its level`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := access.Parse("f", "hub", []byte(c.text))
			if err == nil {
				t.Fatal("it was taken")
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWaysToWriteTheSame(t *testing.T) {
	for _, text := range []string{
		"rules:\n  - users: anna\n    read: a/#\n",
		"rules:\n  - users: [anna]\n    read: [a/#]\n",
		"rules:\n- users:\n  - anna\n  read:\n  - 'a/#'\n",
		"{rules: [{users: anna, read: \"a/#\"}]}",
		"groups: {g: &g [anna]}\nrules: [{groups: g, read: &a [a/#]}, {users: *g, read: *a}]",
	} {
		p := parse(t, text).Permit("x", "anna")
		if !p.MayReceive("a/b") || p.MayReceive("b") || p.MayPublish("a/b") {
			t.Errorf("other rules came of %q", text)
		}
	}
	// Users whose names YAML takes for something else.
	p := parse(t, "rules:\n  - users: [007, true, 1e3]\n    read: a\n")
	for _, user := range []string{"007", "true", "1e3"} {
		if !p.Permit("x", user).MayReceive("a") {
			t.Errorf("there is no rule about %s", user)
		}
	}
	if n := parse(t, "rules: []").Len(); n != 0 {
		t.Errorf("%d rules, want none", n)
	}
	if p := parse(t, "rules: []").Permit("x", "anna"); p.MayReceive("a") || p.MayPublish("a") || p.MaySubscribe("#") {
		t.Error("no rules allow something")
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	if _, err := access.Load(dir, "hub"); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want that a folder is no file", err)
	}
	big := filepath.Join(dir, "big.yaml")
	if err := os.WriteFile(big, make([]byte, 1<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := access.Load(big, "hub"); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("got %v, want that it is too large", err)
	}
}

func FuzzParse(f *testing.F) {
	seeds := []string{
		house, "", "rules: []", "rules: [{everyone: true, read: '#'}]", "a: &a [*a]\nrules: *a", "groups: {g: [a]}\nrules: [{groups: [g], write: a/%u}]",
		"rules:\n- <<: {users: a}\n  read: b", "? [a]\n: b\nrules: []", "rules: !!set {a, b}", "--- \nrules: []\n---\nrules: [{}]\n",
	}
	for _, s := range seeds {
		f.Add(s)
	}
	if len(seeds) == 0 {
		f.Fatal("there are no seeds")
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := access.Parse("f", "hub", []byte(text))
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "f:") {
					t.Skip() // the second line of what YAML says, or a name with a line break
				}
			}
			return
		}
		for _, user := range append(r.Users(), "", "#", "a/b") {
			p := r.Permit("c", user)
			for _, topic := range []string{"a", "a/b", "$SYS/a", "hub/5/a/b/c"} {
				read := p.MayReceive(topic)
				if p.MaySubscribe(topic) != read {
					t.Errorf("user %q: subscribing to %q is not as receiving it, %v", user, topic, read)
				}
				if p.MayPublish(topic) && topic[0] == '$' {
					t.Errorf("user %q publishes to %q", user, topic)
				}
				if v := r.Explain("c", user, access.Read, topic); v.Allowed != read {
					t.Errorf("user %q, topic %q: explained as %+v, is %v", user, topic, v, read)
				}
			}
		}
	})
}
