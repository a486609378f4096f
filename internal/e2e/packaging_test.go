package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"home.arpa/homehub/internal/config"
)

// root is the repository's folder.
const root = "../.."

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// instruction is one of a Dockerfile's.
type instruction struct {
	word string // FROM, COPY, …
	rest string
}

// list is the instruction's arguments in JSON form.
func (i instruction) list(t *testing.T) []string {
	t.Helper()
	var out []string
	if err := json.Unmarshal([]byte(i.rest), &out); err != nil || len(out) == 0 {
		t.Fatalf("%s %s: not a list: %v", i.word, i.rest, err)
	}
	return out
}

// dockerfile returns the instructions of the repository's Dockerfile, in order.
func dockerfile(t *testing.T) []instruction {
	t.Helper()
	text := strings.ReplaceAll(readFile(t, filepath.Join(root, "Dockerfile")), "\\\n", " ")
	var out []instruction
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			word, rest, _ := strings.Cut(line, " ")
			out = append(out, instruction{word, strings.TrimSpace(rest)})
		}
	}
	return out
}

// last returns the instruction that counts: the last one of the word.
func last(t *testing.T, all []instruction, word string) instruction {
	t.Helper()
	for _, i := range slices.Backward(all) {
		if i.word == word {
			return i
		}
	}
	t.Fatalf("the Dockerfile has no %s", word)
	return instruction{}
}

// health is the command of the image's health check.
func health(t *testing.T) []string {
	t.Helper()
	_, command, ok := strings.Cut(last(t, dockerfile(t), "HEALTHCHECK").rest, "CMD ")
	if !ok {
		t.Fatal("the health check has no command")
	}
	return instruction{"HEALTHCHECK", command}.list(t)
}

// known says whether a program of ours has the command with those flags: its help is printed only if it has.
func known(t *testing.T, command []string) {
	t.Helper()
	if out, code := call(t, path.Base(command[0]), append(command[1:], "--help")...); code != 0 {
		t.Errorf("%q: exit %d\n%s", command, code, out)
	}
}

func TestTheDockerfileBuildsWhatIsThere(t *testing.T) {
	all := dockerfile(t)
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(readFile(t, filepath.Join(root, "go.mod")))[1]
	var images []string
	var build string
	for _, i := range all {
		switch i.word {
		case "FROM":
			images = append(images, strings.Fields(i.rest)[0])
		case "RUN":
			build += i.rest + "\n"
		}
	}
	if want := []string{"golang:" + version, "scratch"}; !slices.Equal(images, want) {
		t.Errorf("it stands on %q, want %q", images, want)
	}
	for _, name := range []string{"hub", "simulator"} {
		if !strings.Contains(build, "./cmd/"+name) {
			t.Errorf("%s is not built", name)
		}
		if _, err := os.Stat(filepath.Join(root, "cmd", name)); err != nil {
			t.Error(err)
		}
	}
	if !strings.Contains(build, "CGO_ENABLED=0 go build") {
		t.Error("the programs may need a C library, which scratch has not")
	}
	for _, i := range all {
		if i.word != "COPY" {
			continue
		}
		words := strings.Fields(i.rest)
		built := strings.Contains(i.rest, "--from=build")
		words = slices.DeleteFunc(words, func(w string) bool { return strings.HasPrefix(w, "--") })
		for _, source := range words[:len(words)-1] {
			switch {
			case !built:
				if _, err := os.Stat(filepath.Join(root, source)); err != nil {
					t.Errorf("COPY %s: %v", i.rest, err)
				}
			case source == "/out/hub", source == "/out/simulator", source == "/etc/ssl/certs/ca-certificates.crt": // the base image has it
			case !strings.Contains(build, " "+source):
				t.Errorf("COPY %s: nothing makes %s", i.rest, source)
			}
		}
	}
	if user := last(t, all, "USER").rest; user == "root" || strings.HasPrefix(user, "0") {
		t.Errorf("it runs as %s", user)
	}
	if i := last(t, all, "ENV"); i.rest != "HUB_DATA_DIR=/data" || last(t, all, "VOLUME").rest != "/data" {
		t.Errorf("the data is not in the volume: ENV %s", i.rest)
	}
	known(t, append(last(t, all, "ENTRYPOINT").list(t), last(t, all, "CMD").list(t)...))
	known(t, health(t))
}

func TestTheProgramsNeedNoCLibrary(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-f", "{{if .CgoFiles}}{{.ImportPath}}{{end}}{{with .Error}}{{.}}{{end}}", "./cmd/...")
	list.Dir, list.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := list.CombinedOutput(); err != nil || len(strings.TrimSpace(string(out))) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// composition is what docker-compose.yml says, as far as it is used here.
type composition struct {
	Services map[string]service `yaml:"services"`
	Volumes  map[string]any     `yaml:"volumes"`
}

type service struct {
	Build       string            `yaml:"build"`
	Image       string            `yaml:"image"`
	Entrypoint  []string          `yaml:"entrypoint"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
	DependsOn   map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
}

func compose(t *testing.T) composition {
	t.Helper()
	var c composition
	if err := yaml.Unmarshal([]byte(readFile(t, filepath.Join(root, "docker-compose.yml"))), &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) == 0 {
		t.Fatal("docker-compose.yml has no services")
	}
	return c
}

func TestTheCompositionNeedsNothingButTheDockerfile(t *testing.T) {
	c := compose(t)
	usual, err := config.Load(config.Input{})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range c.Services {
		if s.Build != "." || s.Image != "" {
			t.Errorf("%s is built from %q, or is the image %q", name, s.Build, s.Image)
		}
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			if _, ok := c.Volumes[volume]; !ok {
				t.Errorf("%s: there is no volume %s", name, volume)
			}
		}
		for on := range s.DependsOn {
			if _, ok := c.Services[on]; !ok {
				t.Errorf("%s: there is no service %s", name, on)
			}
			if strings.HasPrefix(on, "simulator") && !strings.HasPrefix(name, "simulator") { // which a real house leaves out
				t.Errorf("%s cannot be without %s", name, on)
			}
		}
		for _, p := range s.Ports {
			_, inside, _ := strings.Cut(p, ":")
			if listen := ":" + inside; listen != usual.MQTT.Listen && listen != usual.Web.Listen {
				t.Errorf("%s: the hub does not listen on port %s", name, inside)
			}
		}
		for key := range s.Environment {
			if !slices.ContainsFunc(config.Names(), func(k string) bool { return config.Variable(k) == key }) {
				t.Errorf("%s: there is no variable %s", name, key)
			}
		}
	}
}

func TestTheServiceUnitIsRight(t *testing.T) {
	file := filepath.Join(root, "configs", "systemd", "homehub.service")
	text := readFile(t, file)
	line := func(key string) string {
		t.Helper()
		m := regexp.MustCompile(`(?m)^` + key + `=(.+)$`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("the unit has no %s", key)
		}
		return m[1]
	}
	known(t, strings.Fields(line("ExecStart")))
	data := "/var/lib/" + line("StateDirectory")
	commands := regexp.MustCompile(`(?m)^#   sudo (hub .+)$`).FindAllStringSubmatch(text, -1)
	if len(commands) == 0 {
		t.Error("it does not say how a user is made")
	}
	for _, m := range commands {
		known(t, strings.Fields(m[1]))
		if !strings.HasSuffix(m[1], "--data-dir "+data) {
			t.Errorf("%q does not use the data in %s", m[1], data)
		}
	}
	if user := line("User"); !regexp.MustCompile(`(?m)^#   useradd .* ` + user + `$`).MatchString(text) {
		t.Errorf("it does not say how the user %s is made", user)
	}
	for _, m := range regexp.MustCompile(`(?:configs|\./cmd)/[\w./-]+`).FindAllString(text, -1) {
		if _, err := os.Stat(filepath.Join(root, m)); err != nil {
			t.Error(err)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("the unit is not verified by systemd-analyze, which is not installed")
		return
	}
	copied := filepath.Join(t.TempDir(), "homehub.service")
	program := strings.Fields(line("ExecStart"))[0]
	if err := os.WriteFile(copied, []byte(strings.ReplaceAll(text, program+" ", filepath.Join(bin, "hub")+" ")), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := call(t, analyze, "verify", copied)
	for complaint := range strings.Lines(out) {
		if strings.Contains(complaint, "homehub.service") { // the rest is about the machine's own units
			t.Error(strings.TrimSpace(complaint))
		}
	}
}
