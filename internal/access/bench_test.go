package access_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"home.arpa/homehub/internal/access"
)

// twenty are rules of twenty lines for one user in each direction, two of them with its name.
func twenty() string {
	var b strings.Builder
	b.WriteString("rules:\n  - users: plug\n")
	for _, key := range []string{"read", "write"} {
		fmt.Fprintf(&b, "    deny_%s: [house/secret/#, house/+/alarm]\n    %s:\n", key, key)
		for i := range 16 {
			fmt.Fprintf(&b, "      - house/room-%d/+/state\n", i)
		}
		fmt.Fprintf(&b, "      - devices/%%u/#\n      - clients/%%c/+/out\n")
	}
	return b.String()
}

func BenchmarkPermit(b *testing.B) {
	open, err := access.Load(filepath.Join(b.TempDir(), "access.yaml"), "hub")
	if err != nil {
		b.Fatal(err)
	}
	var thousand strings.Builder
	thousand.WriteString("rules:\n  - everyone: true\n    read:\n")
	for i := range 1000 {
		fmt.Fprintf(&thousand, "      - house/room-%d/+/state\n", i)
	}
	for _, c := range []struct {
		name  string
		rules *access.Rules
		topic string
	}{
		{"no file", open, "house/room-12/lamp/state"},
		{"everything", parse(b, `rules: [{everyone: true, read: "#", write: "#"}]`), "house/room-12/lamp/state"},
		{"20 lines", parse(b, twenty()), "house/room-12/lamp/state"},
		{"20 lines, own", parse(b, twenty()), "devices/plug/a/b/c"},
		{"20 lines, refused", parse(b, twenty()), "house/room-12/lamp/set"},
		{"1000 lines", parse(b, thousand.String()), "house/room-712/lamp/state"},
	} {
		p := c.rules.Permit("plug-1", "plug")
		b.Run("receive/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.MayReceive(c.topic)
			}
		})
		b.Run("publish/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.MayPublish(c.topic)
			}
		})
		b.Run("subscribe/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.MaySubscribe("house/+/lamp/#")
			}
		})
		b.Run("compile/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.rules.Permit("plug-1", "plug")
			}
		})
	}
}
