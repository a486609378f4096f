package credential_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/internal/credential"
)

// sum stands for argon2id where a test does not need its slowness.
func sum(secret string, salt []byte) []byte {
	h := sha256.Sum256(append(slices.Clone(salt), secret...))
	return h[:]
}

// open returns the credentials of a path with a fast hash.
func open(path string) *credential.File {
	f := credential.Open(path)
	f.SetHash(2, sum)
	return f
}

func users(t *testing.T) string { return filepath.Join(t.TempDir(), "data", "users.json") }

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestMissingFileIsEmpty(t *testing.T) {
	path := users(t)
	f := credential.Open(path)
	if list, err := f.List(); err != nil || len(list) != 0 {
		t.Errorf("listed %v (%v), want nothing", list, err)
	}
	if _, ok := f.VerifyAny("hh0000"); ok || f.Verify("a", "b") || f.Verify("", "") {
		t.Error("somebody was let in")
	}
	if err := f.Remove("a"); !errors.Is(err, credential.ErrUnknown) {
		t.Errorf("removing: got %v, want ErrUnknown", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was made by reading (%v)", err)
	}
}

func TestPasswordWithArgon2(t *testing.T) {
	f := credential.Open(users(t))
	must(t, f.Add("anna", "correct horse: ä"))
	if !f.Verify("anna", "correct horse: ä") {
		t.Error("the right password was refused")
	}
	for _, wrong := range []string{"", "correct horse", "correct horse: ä ", strings.Repeat("x", 5000)} {
		if f.Verify("anna", wrong) {
			t.Errorf("%.20q was taken", wrong)
		}
	}
	if f.Verify("Anna", "correct horse: ä") || f.Verify("nobody", "correct horse: ä") {
		t.Error("another name was let in")
	}
	if _, ok := f.VerifyAny("correct horse: ä"); ok {
		t.Error("a chosen password was taken as a token")
	}
}

func TestGeneratedSecret(t *testing.T) {
	f := open(users(t))
	secret, err := f.Generate("phone")
	must(t, err)
	other, err := f.Generate("tablet")
	must(t, err)
	if len(secret) != 32 || strings.Trim(secret, "0123456789abcdefghjkmnpqrstvwxyz") != "" || secret == other {
		t.Errorf("secrets %q and %q are not two of 32 small letters and digits", secret, other)
	}
	typed := strings.NewReplacer("0", "O", "1", "l").Replace(strings.ToUpper(secret))
	for _, s := range []string{secret, typed} {
		if name, ok := f.VerifyAny(s); !ok || name != "phone" {
			t.Errorf("%q is of %q (%v), want phone", s, name, ok)
		}
		if !f.Verify("phone", s) {
			t.Errorf("%q was refused", s)
		}
	}
	if f.Verify("tablet", secret) {
		t.Error("one's secret was taken for another")
	}
	for i := range secret {
		b := []byte(secret)
		if b[i] = '2'; secret[i] == '2' {
			b[i] = '3'
		}
		if _, ok := f.VerifyAny(string(b)); ok || f.Verify("phone", string(b)) {
			t.Errorf("%q was taken for %q", b, secret)
		}
	}
}

func TestFileHoldsNoSecretAndIsItsOwnersAlone(t *testing.T) {
	path := users(t)
	f := open(path)
	must(t, f.Add("anna", "swordfish"))
	secret, err := f.Generate("phone")
	must(t, err)
	text, err := os.ReadFile(path)
	must(t, err)
	if bytes.Contains(text, []byte("swordfish")) || bytes.Contains(text, []byte(secret[8:])) {
		t.Errorf("the file tells a secret:\n%s", text)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for name, want := range map[string]os.FileMode{path: 0o600, path + ".lock": 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v (%v), want mode %v", name, info, err, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestNames(t *testing.T) {
	f := open(users(t))
	for name, ok := range map[string]bool{
		"a": true, "Küche 2": true, "sensor/1@home": true, "日本": true, strings.Repeat("ä", 64): true,
		"": false, strings.Repeat("ä", 65): false, "a:b": false, "a\nb": false, "a\x00": false, "\x7f": false, " a": false,
		"a ": false, "a\u200bb": false, "a\u202eb": false, "a\u00a0b": false, "\xff": false,
	} {
		err := f.Add(name, "x")
		if ok != (err == nil) {
			t.Errorf("name %q: %v, want allowed %v", name, err, ok)
		}
		if _, err := f.Generate(name); ok != errors.Is(err, credential.ErrExists) || ok == errors.Is(err, credential.ErrName) {
			t.Errorf("name %q to generate: %v, want allowed %v", name, err, ok)
		}
		if err != nil && !errors.Is(err, credential.ErrName) {
			t.Errorf("name %q: got %v, want ErrName", name, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	f := open(users(t))
	must(t, f.Add("anna", "swordfish"))
	_, generated := f.Generate("anna")
	for what, c := range map[string]struct{ got, want error }{
		"a taken name":              {f.Add("anna", "hunter2"), credential.ErrExists},
		"a taken name to generate":  {generated, credential.ErrExists},
		"an empty secret":           {f.Add("ben", ""), credential.ErrSecret},
		"a secret that is too long": {f.Add("ben", strings.Repeat("hunter2", 1000)), credential.ErrSecret},
		"an unknown name":           {f.Remove("ben"), credential.ErrUnknown},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", what, c.got, c.want)
		}
		if strings.Contains(fmt.Sprint(c.got), "hunter2") {
			t.Errorf("%s: the error tells the secret: %v", what, c.got)
		}
	}
	if !f.Verify("anna", "swordfish") {
		t.Error("the first password no longer counts")
	}
}

func TestList(t *testing.T) {
	f := open(users(t))
	must(t, f.Add("zoe", "x"))
	_, err := f.Generate("anna")
	must(t, err)
	list, err := f.List()
	must(t, err)
	if len(list) != 2 || list[0].Name != "anna" || list[0].Kind != credential.Generated || list[1].Name != "zoe" ||
		list[1].Kind != credential.Password || time.Since(list[0].Created) > time.Hour || list[0].Created.Location() != time.UTC {
		t.Errorf("listed %+v, want anna and zoe", list)
	}
	must(t, f.Remove("anna"))
	if list, err = f.List(); err != nil || len(list) != 1 {
		t.Errorf("listed %+v (%v) after removing one", list, err)
	}
}

func TestChangeBesideARunningHubTakesEffect(t *testing.T) {
	path := users(t)
	synctest.Test(t, func(t *testing.T) {
		hub, command := open(path), open(path)
		if hub.Verify("anna", "x") {
			t.Error("an unknown user was let in")
		}
		must(t, command.Add("anna", "x"))
		time.Sleep(250 * time.Millisecond)
		if !hub.Verify("anna", "x") {
			t.Error("a user added by another program is refused")
		}
		must(t, command.Remove("anna"), command.Add("anna", "y"))
		time.Sleep(250 * time.Millisecond)
		if hub.Verify("anna", "x") || !hub.Verify("anna", "y") {
			t.Error("a password changed by another program has no effect")
		}
		must(t, os.Remove(path))
		time.Sleep(250 * time.Millisecond)
		if hub.Verify("anna", "y") {
			t.Error("a user of a deleted file is let in")
		}
		must(t, hub.Add("ben", "z"))
		if !hub.Verify("ben", "z") {
			t.Error("one's own change has no effect at once")
		}
	})
}

// Whoever has a file open goes on with what it said when it was sound, so that a mistake in it locks no house out; whoever opens it then
// lets nobody in.
func TestDamagedFileChangesNothing(t *testing.T) {
	path := users(t)
	first := open(path)
	must(t, first.Add("anna", "swordfish"))
	token, err := first.Generate("phone")
	must(t, err)
	sound, err := os.ReadFile(path)
	must(t, err)
	edit := func(old, replacement string) string {
		if !bytes.Contains(sound, []byte(old)) {
			t.Fatalf("the file has no %q:\n%s", old, sound)
		}
		return strings.Replace(string(sound), old, replacement, 1)
	}
	for name, text := range map[string]string{
		"it is empty":                     "",
		"its end is missing":              string(sound[:len(sound)-10]),
		"it is no JSON":                   "anna:swordfish\n",
		"it is another JSON":              "{}",
		"it is null":                      "null",
		"something follows":               string(sound) + "{}",
		"an entry is null":                `{"format":1,"entries":[null]}`,
		"a name is invalid":               edit(`"anna"`, `"a:b"`),
		"a name is there twice":           edit(`"anna"`, `"phone"`),
		"a kind is unknown":               edit(`"password"`, `"plain"`),
		"a kind is another":               edit(`"password"`, `"generated"`),
		"a hash is missing":               edit(`"hash"`, `"hush"`),
		"parameters are out of range":     edit(`"memory_kib": 19456`, `"memory_kib": 99999999`),
		"it takes more memory than any":   edit(`"memory_kib": 19456`, `"memory_kib": 262145`),
		"it takes more passes than any":   edit(`"time": 2`, `"time": 17`),
		"it takes more threads than any":  edit(`"threads": 1`, `"threads": 17`),
		"parameters are zero":             edit(`"threads": 1`, `"threads": 0`),
		"it is of a newer kind":           edit(`"format": 1`, `"format": 3`),
		"it is of no kind":                edit(`"format": 1`, `"format": 0`),
		"there is a field nobody expects": edit(`"format": 1`, `"format": 1, "open": true`),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				must(t, os.WriteFile(path, sound, 0o600))
				var log bytes.Buffer
				f := open(path)
				f.Logger = slog.New(slog.NewTextHandler(&log, nil))
				if !f.Verify("anna", "swordfish") {
					t.Fatal("the sound file does not work")
				}
				must(t, os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, time.Now(), time.Now()))
				for range 3 {
					time.Sleep(time.Second)
					if _, ok := f.VerifyAny(token); !ok || !f.Verify("anna", "swordfish") || f.Verify("anna", "x") {
						t.Error("what was right or wrong before is not any more")
					}
				}
				late := open(path)
				if _, ok := late.VerifyAny(token); ok || late.Verify("anna", "swordfish") {
					t.Error("somebody was let in by a file that was never sound")
				}
				err := f.Check()
				if err == nil || !strings.Contains(err.Error(), path) || errors.Is(err, credential.ErrDamaged) != (name != "it is of a newer kind") {
					t.Errorf("the check says %v", err)
				}
				if _, err := f.List(); err == nil {
					t.Error("it was listed")
				}
				if err := f.Add("ben", "x"); err == nil {
					t.Error("it was changed")
				}
				if now, _ := os.ReadFile(path); string(now) != text {
					t.Error("it was overwritten")
				}
				if n := strings.Count(log.String(), "level=ERROR"); n != 1 || strings.Contains(log.String(), "swordfish") {
					t.Errorf("the log has %d errors, want one, without secrets:\n%s", n, log.String())
				}
				must(t, os.WriteFile(path, sound, 0o600))
				time.Sleep(time.Second)
				if !f.Verify("anna", "swordfish") || !strings.Contains(log.String(), "level=INFO") {
					t.Errorf("the repaired file does not work:\n%s", log.String())
				}
			})
		})
	}
}

// Who takes changes over himself decides when they count, and is told of each once.
func TestChangesThatCountWhenTheyAreTaken(t *testing.T) {
	path := users(t)
	first := open(path)
	must(t, first.Add("anna", "swordfish"))
	synctest.Test(t, func(t *testing.T) {
		f := open(path)
		told, take := 0, true
		f.Changed = func() {
			if told++; !take {
				return
			}
			r, err := f.Read()
			must(t, err)
			f.Take(r)
		}
		check := func(when string, anna, ben bool, want int) {
			t.Helper()
			for range 3 {
				time.Sleep(time.Second)
				if f.Verify("anna", "swordfish") != anna || f.Verify("ben", "x") != ben {
					t.Errorf("%s: anna or ben is not answered %t, %t", when, anna, ben)
				}
			}
			if told != want {
				t.Errorf("%s: told %d times, want %d", when, told, want)
			}
		}
		check("at first", true, false, 1)
		take = false
		must(t, first.Remove("anna"), first.Add("ben", "x"))
		check("not taken", true, false, 2)
		r, err := f.Read()
		must(t, err)
		if list := r.List(); len(list) != 1 || list[0].Name != "ben" {
			t.Errorf("the file has %v", list)
		}
		check("read only", true, false, 2)
		f.Take(r)
		check("taken", false, true, 2)
		must(t, os.Remove(path))
		check("the file is gone", false, true, 2)
		take = true
		must(t, os.WriteFile(path, []byte("{}"), 0o600))
		if _, err := f.Read(); !errors.Is(err, credential.ErrDamaged) {
			t.Errorf("reading a damaged file: %v", err)
		}
	})
}

func FuzzVerifyAny(f *testing.F) {
	file := open(filepath.Join(f.TempDir(), "tokens.json"))
	secret, err := file.Generate("phone")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"", "hh", strings.Repeat("h", 32), secret, secret[:31], secret[:31] + "\xff", strings.Repeat("\u212a", 11), secret[:6]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if name, ok := file.VerifyAny(s); ok && name != "phone" || ok && len(s) != len(secret) {
			t.Errorf("%q was taken as %q's", s, name)
		}
	})
}
