package e2e_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"home.arpa/homehub/internal/realpart"
)

// serve starts "hub serve" on free ports.
func serve(t *testing.T, data string, args ...string) house {
	t.Helper()
	args = append([]string{"serve", "--data-dir", data, "--mqtt-listen", "127.0.0.1:0", "--web-listen", "127.0.0.1:0"}, args...)
	return addresses(start(t, "hub", args...))
}

func TestARestartLosesNothing(t *testing.T) {
	subscriber := realpart.Find(t, "mosquitto-clients", "mosquitto_sub")
	data := t.TempDir()
	h := serve(t, data)
	sim := start(t, "simulator", "--broker", "mqtt://127.0.0.1:"+h.mqtt, "--seed", "7")
	h.online("living-room-lamp")
	for _, args := range [][]string{
		{"device", "rename", "living-room-lamp", "The good lamp"},
		{"device", "room", "living-room-lamp", "Salon"},
		{"link", "living-room-lamp/light/on", "hall-lamp/light/on"},
	} {
		if out, code := h.hub(args...); code != 0 {
			t.Fatalf("%v: exit %d\n%s", args, code, out)
		}
	}
	if out, code := h.hub("device", "set", "living-room-lamp", "light/brightness", "37"); code != 0 {
		t.Fatalf("setting the lamp: exit %d\n%s", code, out)
	}

	// The house goes dark; a command waits, a message is retained, a session of another client fills its queue.
	sim.stop()
	h.is("living-room-lamp", "offline")
	if out, code := h.hub("device", "set", "living-room-lamp", "light/brightness", "61", "--wait", "1s"); code != 2 || !strings.Contains(out, "waiting") {
		t.Fatalf("a command to a device that is away: exit %d\n%s", code, out)
	}
	pub(t, h.mqtt, "-t", "note/kept", "-m", "remember me", "-r", "-q", "1")
	must(t, subscriber, "-h", "127.0.0.1", "-p", h.mqtt, "-i", "phone", "-c", "-q", "1", "-t", "queue/#", "-E")
	for i := range 20 {
		pub(t, h.mqtt, "-t", fmt.Sprintf("queue/%d", i), "-m", fmt.Sprint(i), "-q", "1")
	}
	h.stop()

	h = serve(t, data)
	show, _ := h.hub("device", "show", "living-room-lamp")
	for _, want := range []string{"The good lamp", "Salon", `37(\.\d+)? %`, "wanted: 61"} {
		if !regexp.MustCompile(want).MatchString(show) {
			t.Errorf("after the restart the lamp's page has no %q:\n%s", want, show)
		}
	}
	if got := sub(t, h.mqtt, "1", "-t", "note/kept"); got[0] != "remember me" {
		t.Errorf("the retained message is %q", got)
	}
	if got := sub(t, h.mqtt, "20", "-i", "phone", "-c", "-q", "1", "-t", "queue/#"); strings.Join(got, " ") != "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19" {
		t.Errorf("the queue came back as %v", got)
	}
	if out, _ := h.hub("link", "ls"); !strings.Contains(out, "living-room-lamp/light/on → hall-lamp/light/on") {
		t.Errorf("the links came back as %s", out)
	}

	// The lamp returns and gets the command that has waited over the restart.
	start(t, "simulator", "--broker", "mqtt://127.0.0.1:"+h.mqtt, "--seed", "7")
	eventually(t, "the waiting command is confirmed", func() bool {
		show, _ := h.hub("device", "show", "living-room-lamp")
		return regexp.MustCompile(`61(\.\d+)? %`).MatchString(show) && !strings.Contains(show, "wanted")
	})
	h.stop()
}

func TestUsersAreMadeBesideARunningHub(t *testing.T) {
	publisher := realpart.Find(t, "mosquitto-clients", "mosquitto_pub")
	data := t.TempDir()
	config := filepath.Join(t.TempDir(), "hub.yaml")
	if err := os.WriteFile(config, []byte("mqtt:\n  anonymous: never\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := serve(t, data, "--config", config)
	h.expect(`hub user add NAME --generate --data-dir ` + regexp.QuoteMeta(data) + `\n`)
	try := func(args ...string) int {
		_, code := call(t, publisher, append([]string{"-h", "127.0.0.1", "-p", h.mqtt, "-t", "x", "-m", "1", "-q", "1"}, args...)...)
		return code
	}
	if try() == 0 {
		t.Error("a stranger was let in")
	}
	h.expect(`refused: no credentials; hub user add`)
	file := filepath.Join(t.TempDir(), "secret")
	must(t, "hub", "user", "add", "plug", "--generate", "--save", file, "--data-dir", data)
	secret, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new user is let in", func() bool { return try("-u", "plug", "-P", strings.TrimSpace(string(secret))) == 0 })
	if try("-u", "plug", "-P", "wrong") == 0 {
		t.Error("a wrong password was let in")
	}
	refused, _ := h.hub("client", "refused")
	for _, want := range []string{`no credentials; hub user add`, `plug +127\.0\.0\.1 .*wrong user name or password`} {
		if !regexp.MustCompile(want).MatchString(refused) {
			t.Errorf("among those who were turned away is no %q:\n%s", want, refused)
		}
	}
	must(t, "hub", "user", "rm", "plug", "--data-dir", data)
	eventually(t, "the removed user is kept out", func() bool { return try("-u", "plug", "-P", strings.TrimSpace(string(secret))) != 0 })
	if strings.Contains(h.text(), strings.TrimSpace(string(secret))) {
		t.Error("the secret is in the log")
	}
}

func TestTheHubBesideMosquitto(t *testing.T) {
	realpart.Find(t, "mosquitto-clients", "mosquitto_sub")
	dir := t.TempDir()
	passwords := filepath.Join(dir, "passwords")
	must(t, realpart.Find(t, "mosquitto", "mosquitto_passwd"), "-b", "-c", passwords, "house", "secret word")
	_, port, _ := net.SplitHostPort(realpart.Mosquitto(t, "allow_anonymous false\npassword_file "+passwords+"\n"))

	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("secret word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := func() *program {
		return start(t, "hub", "serve", "--data-dir", filepath.Join(dir, "data"), "--web-listen", "127.0.0.1:0",
			"--external", "mqtt://house:secret%20word@127.0.0.1:"+port)
	}
	h := again()
	hub := house{h, port, h.expect(`http://127\.0\.0\.1:(\d+)`)[1]}
	start(t, "simulator", "--broker", "mqtt://127.0.0.1:"+port, "--user", "house", "--password-file", secret)

	login := []string{"-u", "house", "-P", "secret word"}
	hub.online("living-room-lamp")
	if out, code := hub.hub("device", "set", "living-room-lamp", "light/brightness", "42"); code != 0 {
		t.Errorf("setting the lamp: exit %d\n%s", code, out)
	}
	eventually(t, "Mosquitto keeps 42", func() bool { // whoever set it is told so before it is published
		got := sub(t, port, "1", append(login, "-t", "hub/5/living-room-lamp/light/brightness")...)
		return regexp.MustCompile(`^42(\.\d+)?$`).MatchString(got[0])
	})
	pub(t, port, append(login, "-t", "hub/5/living-room-lamp/light/brightness/set", "-m", "50")...) // one of the lamp's own steps, which 43 is not
	eventually(t, "the lamp is at 50", func() bool {
		out, _ := hub.hub("device", "show", "living-room-lamp")
		return regexp.MustCompile(`light/brightness +50 % `).MatchString(out) // and not what is wanted
	})
	if strings.Contains(h.text(), "secret word") || strings.Contains(h.text(), "secret%20word") {
		t.Error("the password is in the log")
	}
	root := func(want string) {
		t.Helper()
		eventually(t, "the root of all devices is "+want, func() bool {
			return sub(t, port, "1", append(login, "-t", "hub/5/homehub/$state")...)[0] == want
		})
	}
	root("ready")
	h.stop()
	root("lost")
	h = again()
	root("ready")
	if err := h.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-h.done
	root("lost")
}

func TestWhatTheHubAnsweredSurvivesAKill(t *testing.T) {
	data := t.TempDir()
	h := serve(t, data)
	house := func() *program {
		return start(t, "simulator", "--broker", "mqtt://127.0.0.1:"+h.mqtt, "--seed", "9", "--devices", "3")
	}
	sim := house()
	h.online("living-room-lamp")
	sim.stop()
	h.is("living-room-lamp", "offline")
	for _, args := range [][]string{
		{"device", "set", "living-room-lamp", "light/brightness", "61", "--wait", "0s"}, // exit 2: it waits for the lamp
		{"device", "rename", "living-room-lamp", "The good lamp"},
	} {
		if out, code := h.hub(args...); code != 0 && code != 2 {
			t.Fatalf("%v: exit %d\n%s", args, code, out)
		}
	}
	if err := h.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-h.done

	h = serve(t, data)
	if show, _ := h.hub("device", "show", "living-room-lamp"); !strings.Contains(show, "The good lamp") || !strings.Contains(show, "wanted: 61") {
		t.Errorf("after the kill:\n%s", show)
	}
	house()
	eventually(t, "the waiting command is confirmed", func() bool {
		show, _ := h.hub("device", "show", "living-room-lamp")
		return regexp.MustCompile(`61(\.\d+)? %`).MatchString(show) && !strings.Contains(show, "wanted")
	})
	h.stop()
}
