package credential_test

import (
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/argon2"

	"home.arpa/homehub/internal/credential"
)

// devices is the number of devices in a house whose power comes back.
const devices = 500

// crowd makes a file with as many users, user-0 with the password secret-0 and so on.
func crowd(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for i := range devices {
		sum := sha512.Sum512([]byte(fmt.Sprintf("secret-%dsalt", i)))
		fmt.Fprintf(&b, "user-%d:$6$%s$%s\n", i, base64.StdEncoding.EncodeToString([]byte("salt")), base64.StdEncoding.EncodeToString(sum[:]))
	}
	path := users(t)
	if added, problems := importing(t, open(path), b.String()); len(added) != devices {
		t.Fatalf("%d users, want %d (%v)", len(added), devices, problems)
	}
	return path
}

func TestStormOfRightPasswordsIsNeverAnsweredNo(t *testing.T) {
	path := crowd(t)
	synctest.Test(t, func(t *testing.T) {
		f, s := storm(path)
		begin := time.Now()
		var wg sync.WaitGroup
		for i := range devices {
			wg.Go(func() {
				if !f.Verify(fmt.Sprintf("user-%d", i), fmt.Sprintf("secret-%d", i)) {
					t.Errorf("device %d was refused", i)
				}
			})
			wg.Go(func() { // strangers and wrong passwords in between take nobody's turn
				f.Verify(fmt.Sprintf("stranger-%d", i), "x")
			})
		}
		wg.Wait()
		// The first stranger may cost a hash, too.
		if d := time.Since(begin); s.most.Load() != 2 || d < devices/2*50*time.Millisecond || d > (devices/2+1)*50*time.Millisecond {
			t.Errorf("it took %v with %d hashes at once, want each to wait its turn", d, s.most.Load())
		}
	})
}

func TestDevicesThatShareAPasswordAskOneQuestion(t *testing.T) {
	path := house(t, 1)
	synctest.Test(t, func(t *testing.T) {
		f, s := storm(path)
		var wg sync.WaitGroup
		for i := range devices {
			wg.Go(func() {
				if !f.Verify("user-0", "secret-0") {
					t.Errorf("device %d was refused", i)
				}
			})
		}
		wg.Wait()
		if n := s.calls.Load(); n != 1 {
			t.Errorf("%d hashes, want 1", n)
		}
	})
}

// BenchmarkStorm lets 500 devices come back at once after a restart of the hub: nothing is remembered.
func BenchmarkStorm(b *testing.B) {
	ask := func(b *testing.B, path string, secrets []string) {
		for b.Loop() {
			f := credential.Open(path)
			var wg sync.WaitGroup
			for i, secret := range secrets {
				wg.Go(func() {
					if !f.Verify(fmt.Sprintf("user-%d", i), secret) {
						b.Errorf("device %d was refused", i)
					}
				})
			}
			wg.Wait()
		}
	}
	b.Run("generated secrets", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "users.json")
		f := credential.Open(path)
		secrets := make([]string, devices)
		for i := range secrets {
			var err error
			if secrets[i], err = f.Generate(fmt.Sprintf("user-%d", i)); err != nil {
				b.Fatal(err)
			}
		}
		ask(b, path, secrets)
	})
	b.Run("passwords", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "users.json")
		c, raw := credential.Standard, base64.RawStdEncoding
		hash := argon2.IDKey([]byte("secret"), []byte("some salt"), c.Time, c.Memory, c.Threads, 32)
		var text strings.Builder
		secrets := make([]string, devices)
		for i := range secrets {
			secrets[i] = "secret"
			fmt.Fprintf(&text, "user-%d:$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s\n", i, c.Memory, c.Time, c.Threads,
				raw.EncodeToString([]byte("some salt")), raw.EncodeToString(hash))
		}
		list, problems := credential.ParseMosquitto("passwd", []byte(text.String()))
		if _, err := credential.Open(path).Import(list); err != nil || len(problems) > 0 {
			b.Fatal(err, problems)
		}
		ask(b, path, secrets)
	})
}
