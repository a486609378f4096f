// Package recorded finds what real devices were recorded to say, which is kept beside the project, not in it. Tests call it,
// nobody else.
package recorded

import (
	"os"
	"path/filepath"
	"testing"
)

// Path returns the path of a recorded file or folder: in the folder fixtures of the folder that HOMEHUB_SHARED names, or of a
// folder "shared" beside any folder above the test's. Without it the test is skipped.
func Path(tb testing.TB, parts ...string) string {
	tb.Helper()
	dirs := []string{os.Getenv("HOMEHUB_SHARED")}
	if dirs[0] == "" {
		dir, err := os.Getwd()
		if err != nil {
			tb.Fatal(err)
		}
		for dirs = nil; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			dirs = append(dirs, filepath.Join(filepath.Dir(dir), "shared"))
		}
	}
	for _, dir := range dirs {
		path := filepath.Join(append([]string{dir, "fixtures"}, parts...)...)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	tb.Skipf("left out: %s is not there (set HOMEHUB_SHARED to the folder that holds fixtures)", filepath.Join(parts...))
	return ""
}
