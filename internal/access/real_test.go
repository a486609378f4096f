package access_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/internal/access"
	"home.arpa/homehub/internal/realpart"
)

// TestRealMosquittoDecidesAlike asks a real Mosquitto with a random acl_file, and the rules that it is converted to, the same questions.
func TestRealMosquittoDecidesAlike(t *testing.T) {
	realpart.Find(t, "mosquitto", "mosquitto")
	var topics []string
	for _, a := range []string{"a", "b", "anna", "$a"} {
		topics = append(topics, a)
		for _, b := range []string{"a", "anna", "dev-c1", "100%", ""} {
			topics = append(topics, a+"/"+b, a+"/"+b+"/a", a+"/"+b+"/c1")
		}
	}
	users := []string{"anna", "ben", "admin"}
	for seed := range 6 {
		acl := randomACL(rand.New(rand.NewPCG(uint64(seed), 11)), users)
		text, _, err := access.FromMosquitto("acl", []byte(acl))
		if err != nil {
			t.Fatal(err)
		}
		rules := parse(t, string(text))
		address := mosquitto(t, acl, users)
		admin := connect(t, dial(t, address), "admin", "admin")
		for _, user := range []string{"anna", "ben", ""} {
			c := connect(t, dial(t, address), "c1", user)
			p := rules.Permit("c1", user)
			var wrote, mayWrite, mayRead []string
			for _, topic := range topics {
				if topic[0] != '$' { // nobody publishes there, by our rules
					if c.publish(topic) {
						wrote = append(wrote, topic)
					}
					if p.MayPublish(topic) {
						mayWrite = append(mayWrite, topic)
					}
				}
				if p.MayReceive(topic) {
					mayRead = append(mayRead, topic)
				}
			}
			if diff := cmp.Diff(wrote, mayWrite); diff != "" {
				t.Errorf("user %q publishes (- there, + here):\n%s\n%s\n%s", user, diff, acl, text)
			}
			if code := c.subscribe("#", "$a/#"); code != 0 {
				t.Fatalf("subscribing: reason code %d", code)
			}
			for _, topic := range topics {
				if !admin.publish(topic) {
					t.Fatalf("the admin may not publish to %s:\n%s", topic, acl)
				}
			}
			if diff := cmp.Diff(c.received(), mayRead); diff != "" {
				t.Errorf("user %q receives (- there, + here):\n%s\n%s\n%s", user, diff, acl, text)
			}
			c.conn.Close()
		}
		if t.Failed() {
			t.Fatalf("in round %d", seed)
		}
	}
}

// mosquitto starts a real Mosquitto with an acl_file and users with the password "secret", and returns its address.
func mosquitto(t *testing.T, acl string, users []string) string {
	t.Helper()
	dir := t.TempDir()
	for i, name := range users {
		args := []string{"-b", filepath.Join(dir, "passwords"), name, "secret"}
		if i == 0 {
			args = slices.Insert(args, 0, "-c")
		}
		if out, err := exec.Command(realpart.Find(t, "mosquitto", "mosquitto_passwd"), args...).CombinedOutput(); err != nil {
			t.Fatalf("making a password: %v: %s", err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "acl"), []byte(acl), 0o600); err != nil {
		t.Fatal(err)
	}
	return realpart.Mosquitto(t, fmt.Sprintf("allow_anonymous true\nacl_file %s\npassword_file %s\n", filepath.Join(dir, "acl"), filepath.Join(dir, "passwords")))
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func randomACL(r *rand.Rand, users []string) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	level := func(pattern bool) string {
		if pattern && r.IntN(2) == 0 {
			return pick("%u", "%c", "dev-%c")
		}
		return pick("a", "b", "+", "anna", "100%", "dev-c1", "%u", "")
	}
	filter := func(pattern bool) string {
		levels := []string{pick("a", "b", "+", "anna", "$a", "a")}
		if pattern && r.IntN(4) == 0 {
			levels[0] = "%u"
		}
		for range r.IntN(3) {
			levels = append(levels, level(pattern))
		}
		if r.IntN(3) == 0 {
			levels = append(levels, "#")
		}
		return strings.Join(levels, "/")
	}
	var b strings.Builder
	lines := func(word string) {
		for range 1 + r.IntN(4) {
			fmt.Fprintf(&b, "%s %s %s\n", word, pick("read", "write", "readwrite", "readwrite", "deny"), filter(word == "pattern"))
		}
	}
	lines("topic")
	for _, user := range users {
		fmt.Fprintf(&b, "user %s\n", user)
		if user == "admin" {
			fmt.Fprintf(&b, "topic #\ntopic $a/#\n")
		} else if r.IntN(5) > 0 {
			lines("topic")
		}
	}
	lines("pattern")
	return b.String()
}
