package embedded_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// FuzzSnapshot starts brokers with whatever is in their snapshot.
func FuzzSnapshot(f *testing.F) {
	f.Add([]byte("homehub broker snapshot 1\n"))
	f.Add([]byte("homehub broker snapshot 1\n\x02\xff\xff\xff\x00"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "s")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := embedded.New(embedded.Options{Snapshot: file}); err != nil {
			t.Errorf("a damaged snapshot keeps the broker from starting: %v", err)
		}
	})
}

// A changed byte anywhere is found, and what stands before it is kept.
func TestEveryChangedByteIsFound(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "s")
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t, embedded.Options{Snapshot: file})
		furnish(t, b)
		b.Stop()
	})
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		changed := append([]byte(nil), data...)
		changed[i] ^= 0x20
		if err := os.WriteFile(file, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := embedded.New(embedded.Options{Snapshot: file}); err != nil {
			t.Fatalf("byte %d: %v", i, err)
		}
		if _, err := os.Stat(file); err == nil {
			t.Errorf("the change of byte %d was not noticed", i)
		}
		aside, _ := filepath.Glob(file + ".damaged-*")
		for _, a := range aside {
			_ = os.Remove(a)
		}
	}
}
