package arrows_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "home.arpa/homehub/"

// rules say which packages of ours a folder's packages may not depend on, not even through others, and which modules of
// others; the longest matching folder counts.
var rules = []struct {
	folder    string
	forbidden []string // prefixes; of our own without the module path
}{
	{"broker", []string{"devices", "hub", "store", "web", "simulator", "internal", "broker/embedded", "broker/remote", "github.com/"}},
	{"broker/embedded", []string{"devices", "hub", "store", "web", "simulator", "internal", "broker/remote", "github.com/eclipse/paho.golang"}},
	{"broker/remote", []string{"devices", "hub", "store", "web", "simulator", "internal", "broker/embedded", "github.com/mochi-mqtt"}},
	{"devices", []string{"broker", "hub", "store", "web", "simulator", "internal", "devices/", "github.com/", "go.yaml.in/", "net"}},
	{"devices/homeassistant", []string{"broker/", "store", "web", "simulator", "internal", "devices/homie", "net/http", "github.com/mochi-mqtt", "github.com/eclipse"}},
	{"devices/homie", []string{"broker/", "store", "web", "simulator", "internal", "devices/homeassistant", "net/http", "github.com/mochi-mqtt", "github.com/eclipse"}},
	{"devices/shelly", []string{"broker/", "store", "web", "simulator", "internal", "devices/homeassistant", "devices/homie", "net/http", "github.com/"}},
	{"devices/tasmota", []string{"broker/", "store", "web", "simulator", "internal", "devices/homeassistant", "devices/homie", "net/http", "github.com/"}},
	{"devices/wled", []string{"broker/", "store", "web", "simulator", "internal", "devices/homeassistant", "devices/homie", "net/http", "github.com/"}},
	{"devices/esphome", []string{"broker/", "store", "web", "simulator", "internal", "devices/homeassistant", "devices/homie", "net/http", "github.com/"}},
	{"devices/valetudo", []string{"broker/", "store", "web", "simulator", "internal", "devices/homeassistant", "net/http", "github.com/"}},
	{"devices/zigbee2mqtt", []string{"broker/", "store", "web", "simulator", "internal", "devices/homeassistant", "devices/homie", "net/http", "github.com/"}},
	{"devices/internal", []string{"broker/", "hub", "store", "web", "simulator", "internal", "devices/homeassistant", "devices/homie", "net/http", "github.com/"}},
	{"devices/rtl433", []string{"broker/", "store", "web", "simulator", "internal", "devices/homeassistant", "devices/homie", "net/http", "github.com/"}},
	{"devices/openmqttgateway", []string{"broker/", "store", "web", "simulator", "internal", "devices/homeassistant", "devices/homie", "net/http", "github.com/"}},
	{"devices/owntracks", []string{"broker/", "store", "web", "simulator", "internal", "devices/homeassistant", "devices/homie", "net/http", "github.com/"}},
	{"devices/zwavejs", []string{"broker/", "store", "web", "simulator", "internal", "devices/homeassistant", "devices/homie", "net/http", "github.com/"}},
	{"devices/frigate", []string{"broker/", "store", "web", "simulator", "internal", "devices/homeassistant", "devices/homie", "net/http", "github.com/"}},
	{"hub", []string{"broker/", "store", "web", "simulator", "internal", "devices/", "database/sql", "github.com/"}},
	{"store", []string{"broker/", "web", "simulator", "internal", "devices/", "github.com/mochi-mqtt", "github.com/eclipse"}},
	{"web", []string{"broker/", "store", "simulator", "internal", "devices/", "github.com/mochi-mqtt", "github.com/eclipse"}},
	{"simulator", []string{"devices", "hub", "store", "web", "internal", "broker/embedded", "github.com/mochi-mqtt", "github.com/spf13/viper"}},
	{"internal/config", []string{"broker", "devices", "hub", "store", "web", "simulator"}},
	{"internal/credential", []string{"broker", "devices", "hub", "store", "web", "simulator", "github.com/spf13"}},
	{"broker/embedded/journal", []string{"broker", "devices", "hub", "store", "web", "simulator", "internal", "github.com/"}},
	{"internal/access", []string{"broker/", "devices", "hub", "store", "web", "simulator", "internal/app", "github.com/mochi-mqtt"}},
	{"internal/certificate", []string{"broker", "devices", "hub", "store", "web", "simulator", "internal", "github.com/"}},
	{"internal/logqueue", []string{"broker", "devices", "hub", "store", "web", "simulator", "internal", "github.com/"}},
	{"internal/outage", []string{"broker", "devices", "hub", "store", "web", "simulator", "internal", "github.com/mochi-mqtt", "github.com/eclipse"}},
	{"cmd/simulator", []string{"devices", "hub", "store", "web", "internal", "broker/embedded", "github.com/mochi-mqtt", "github.com/spf13/viper"}},
}

// testsOnly are the folders whose packages exist for tests and may know more.
var testsOnly = []string{"broker/brokertest", "hub/linktest", "hub/storetest", "hub/conventiontest", "devices/internal/house"}

func TestEveryArrowPointsTheRightWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for pkg := range strings.FieldsSeq(string(out)) {
		name, ours := strings.CutPrefix(pkg, module)
		if !ours || slices.ContainsFunc(testsOnly, func(p string) bool { return under(name, p) }) {
			continue
		}
		best := -1
		for i, r := range rules {
			if under(name, r.folder) && (best < 0 || len(r.folder) > len(rules[best].folder)) {
				best = i
			}
		}
		if best < 0 {
			continue
		}
		checked++
		deps, err := exec.Command("go", "list", "-deps", pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		for dep := range strings.FieldsSeq(string(deps)) {
			if dep == pkg {
				continue
			}
			for _, f := range rules[best].forbidden {
				if breaks(dep, f) {
					t.Errorf("%s must not depend on %s", name, dep)
				}
			}
		}
	}
	if checked < len(rules) {
		t.Errorf("only %d packages were checked, there are %d rules", checked, len(rules))
	}
}

// breaks says whether a dependency is what a rule forbids: one of ours by folder ("devices/" means only what is beneath), or
// another module's, or one of the standard library's by its whole name.
func breaks(dep, forbidden string) bool {
	if name, ours := strings.CutPrefix(dep, module); ours {
		if inner, ok := strings.CutSuffix(forbidden, "/"); ok {
			return name != inner && under(name, inner)
		}
		return under(name, forbidden)
	}
	if strings.Contains(forbidden, ".") {
		return strings.HasPrefix(dep, forbidden)
	}
	return dep == forbidden && standardOnly[dep]
}

// standardOnly are the packages of the standard library that rules name; a folder of ours may have the name of another.
var standardOnly = map[string]bool{"net": true, "net/http": true, "database/sql": true}

func under(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }
