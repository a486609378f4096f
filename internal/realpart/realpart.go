// Package realpart finds the programs of others that tests want beside ours, and starts the broker among them: real MQTT clients, a real
// broker, a real browser.
// Tests call it, nobody else.
package realpart

import (
	"os"
	"os/exec"
	"testing"
)

// Find returns the path of a program: the first of the names that is installed. Without any it skips the test and says which
// of Debian's packages to install; with REAL=1 in the environment, as in continuous integration, it fails the test instead.
func Find(tb testing.TB, pkg string, names ...string) string {
	tb.Helper()
	for _, name := range names {
		for _, path := range []string{name, "/usr/sbin/" + name} { // which is not in everybody's PATH
			if found, err := exec.LookPath(path); err == nil {
				return found
			}
		}
	}
	if os.Getenv("REAL") == "1" {
		tb.Fatalf("%s is not installed: apt-get install %s", names[0], pkg)
	}
	tb.Skipf("left out: %s is not installed (apt-get install %s)", names[0], pkg)
	return ""
}
