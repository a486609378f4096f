package e2e_test

import (
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// engine does what a container engine does with docker-compose.yml, but with programs of this machine: it runs the services'
// own commands in the order that their dependencies ask for, in the environment that they and the image give, with
// folders for volumes.
type engine struct {
	t       *testing.T
	c       composition
	volumes map[string]string // folders
	extra   map[string]string // more environment of the hub
	said    map[string]string // what the services printed that have ended
	hub     house
	sim     *program
}

func newEngine(t *testing.T) *engine {
	e := &engine{t: t, c: compose(t), volumes: map[string]string{}}
	for name := range e.c.Volumes {
		e.volumes[name] = t.TempDir()
	}
	return e
}

// up starts all services.
func (e *engine) up() {
	e.t.Helper()
	e.said, e.hub, e.sim = map[string]string{}, house{}, nil
	ready := map[string]bool{}
	for range e.c.Services {
		for _, name := range slices.Sorted(maps.Keys(e.c.Services)) {
			s := e.c.Services[name]
			if !ready[name] && !slices.ContainsFunc(slices.Collect(maps.Keys(s.DependsOn)), func(on string) bool { return !ready[on] }) {
				ready[name] = true
				e.start(name, s)
			}
		}
	}
	if len(ready) != len(e.c.Services) || e.hub.program == nil || e.sim == nil {
		e.t.Fatalf("services started: %v", ready)
	}
}

// start starts a service and waits until those that depend on it may start.
func (e *engine) start(name string, s service) {
	e.t.Helper()
	command := slices.Concat(s.Entrypoint, s.Command)
	if len(s.Entrypoint) == 0 {
		command = slices.Concat(last(e.t, dockerfile(e.t), "ENTRYPOINT").list(e.t), s.Command)
	}
	env := maps.Clone(s.Environment)
	if env == nil {
		env = map[string]string{}
	}
	key, value, _ := strings.Cut(last(e.t, dockerfile(e.t), "ENV").rest, "=")
	env[key] = e.outside(s, value)
	for i, word := range command[1:] {
		command[i+1] = e.outside(s, strings.ReplaceAll(word, "//hub:1883", "//127.0.0.1:"+e.hub.mqtt))
	}
	conditions := map[string]bool{}
	for _, other := range e.c.Services {
		conditions[other.DependsOn[name].Condition] = true
	}
	run, args := path.Base(command[0]), command[1:]
	switch {
	case name == "hub":
		maps.Copy(env, e.extra)
		env["HUB_MQTT_LISTEN"], env["HUB_WEB_LISTEN"] = "127.0.0.1:0", "127.0.0.1:0"
		e.in(env, func() { e.hub = addresses(start(e.t, run, args...)) })
		check := health(e.t)
		eventually(e.t, name+" is healthy", func() bool {
			_, code := e.hub.hub(check[1:]...)
			return code == 0
		})
	case conditions["service_completed_successfully"]:
		e.in(env, func() { e.said[name] = must(e.t, run, args...) })
	default:
		e.in(env, func() { e.sim = start(e.t, run, args...) })
	}
}

// outside replaces the path of a volume in the container by its folder. A path of a volume that the service does not have
// stays, and what runs with it fails.
func (e *engine) outside(s service, word string) string {
	for _, v := range s.Volumes {
		parts := strings.Split(v, ":")
		if rest, ok := strings.CutPrefix(word, parts[1]); ok && (rest == "" || rest[0] == '/') {
			return e.volumes[parts[0]] + rest
		}
	}
	return word
}

// in runs f, which starts a program, with more in the environment.
func (e *engine) in(env map[string]string, f func()) {
	e.t.Helper()
	for key, value := range env {
		before, was := os.LookupEnv(key)
		if err := os.Setenv(key, value); err != nil {
			e.t.Fatal(err)
		}
		defer func() {
			if was {
				os.Setenv(key, before)
			} else {
				os.Unsetenv(key)
			}
		}()
	}
	f()
}

// down stops what runs, as a container engine does: the simulator first, which depends on the hub.
func (e *engine) down() {
	e.t.Helper()
	e.sim.stop()
	e.hub.stop()
}

// secrets are the files in the volumes that hold credentials, with their content.
func (e *engine) secrets() map[string]string {
	out := map[string]string{}
	for volume, folder := range e.volumes {
		for _, pattern := range []string{"*.json", "simulator"} {
			files, _ := filepath.Glob(filepath.Join(folder, pattern)) // the patterns are right
			for _, f := range files {
				out[volume+"/"+filepath.Base(f)] = readFile(e.t, f)
			}
		}
	}
	return out
}

// get asks for the status as a browser does that calls the hub by a name, and returns the answer's status and text.
func (e *engine) get(name, token string) (int, string) {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), http.MethodGet, "http://127.0.0.1:"+e.hub.web+"/api/v1/status", nil)
	if err != nil {
		e.t.Fatal(err)
	}
	req.Host = name + ":1888"
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// strangerIn says whether the broker lets an MQTT 3.1.1 client in that has no credentials.
func (e *engine) strangerIn() bool {
	e.t.Helper()
	c, err := net.Dial("tcp", "127.0.0.1:"+e.hub.mqtt)
	if err != nil {
		e.t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		e.t.Fatal(err)
	}
	if _, err := io.WriteString(c, "\x10\x14\x00\x04MQTT\x04\x02\x00\x3c\x00\x08stranger"); err != nil {
		e.t.Fatal(err)
	}
	var answer [4]byte
	if _, err := io.ReadFull(c, answer[:]); err != nil || answer[0] != 0x20 {
		e.t.Fatalf("the broker answered % x (%v)", answer, err)
	}
	return answer[3] == 0
}

func TestTheCompositionLogsInByItself(t *testing.T) {
	e := newEngine(t)
	e.up()
	e.hub.expect(`Homehub is running`)
	token := regexp.MustCompile(`(?m)^    ([0-9a-z]{32})$`).FindStringSubmatch(e.said["browser-token"])
	if token == nil {
		t.Fatalf("there is no token for the browser:\n%s", e.said["browser-token"])
	}
	if got, text := e.get("127.0.0.1", ""); got != http.StatusUnauthorized { // some engines show every caller so
		t.Errorf("loopback without a token: %d\n%s", got, text)
	}
	t.Setenv("HUB_TOKEN", token[1])
	e.hub.online("living-room-lamp")
	if e.strangerIn() {
		t.Error("a stranger was let in")
	}
	secret := strings.TrimSpace(readFile(t, filepath.Join(e.volumes["credentials"], "simulator")))
	if len(secret) != 32 || strings.Contains(e.hub.text()+e.sim.text()+e.said["simulator-login"], secret) {
		t.Errorf("the simulator's password has %d characters, or is in a log", len(secret))
	}

	// A browser elsewhere calls the hub by its machine's address; the machine's name has to be told to the hub.
	for name, want := range map[string]int{"192.168.1.20": http.StatusUnauthorized, "homeserver": http.StatusMisdirectedRequest} {
		if got, text := e.get(name, ""); got != want {
			t.Errorf("%s without a token: %d, want %d\n%s", name, got, want, text)
		}
	}
	if got, text := e.get("192.168.1.20", token[1]); got != http.StatusOK {
		t.Errorf("with the token: %d\n%s", got, text)
	}
	if _, text := e.get("homeserver", token[1]); !strings.Contains(text, "HUB_WEB_HOSTS") {
		t.Errorf("the refusal of a name does not say what to do:\n%s", text)
	}

	// The second start changes nothing; the line that docker-compose.yml has in reserve makes the names known.
	before := e.secrets()
	if len(before) != 3 {
		t.Errorf("the credentials are in %v, want three files", slices.Sorted(maps.Keys(before)))
	}
	e.down()
	hosts := regexp.MustCompile(`(?m)^ *# HUB_WEB_HOSTS: (\S+)$`).FindStringSubmatch(readFile(t, filepath.Join(root, "docker-compose.yml")))
	if hosts == nil {
		t.Fatal("docker-compose.yml does not show HUB_WEB_HOSTS")
	}
	e.extra = map[string]string{"HUB_WEB_HOSTS": hosts[1]}
	e.up()
	if after := e.secrets(); !maps.Equal(before, after) {
		t.Error("the second start changed the credentials")
	}
	for name, text := range e.said {
		if !strings.Contains(text, "is there already") {
			t.Errorf("%s said at the second start:\n%s", name, text)
		}
	}
	for name := range strings.SplitSeq(hosts[1], ",") {
		if got, text := e.get(name, token[1]); got != http.StatusOK {
			t.Errorf("%s, which is told to the hub: %d\n%s", name, got, text)
		}
	}
	e.hub.online("living-room-lamp")
	e.down()
}
