//go:build !linux

package certificate_test

import (
	"os"
	"testing"
)

// asNobody needs somebody who may not read everything anyway.
func asNobody(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("left out: root may read everything")
	}
}
