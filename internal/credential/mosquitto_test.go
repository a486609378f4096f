package credential_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/internal/credential"
	"home.arpa/homehub/internal/realpart"
)

// inMosquitto are users with passwords in testdata/mosquitto.passwd: $7$ twice, $6$ once.
var inMosquitto = map[string]string{"anna": "swordfish", "ben": "x", "zoe": "y"}

func importing(t *testing.T, f *credential.File, text string) (added []string, problems []error) {
	t.Helper()
	list, problems := credential.ParseMosquitto("passwd", []byte(text))
	added, err := f.Import(list)
	must(t, err)
	return added, problems
}

func TestMosquittosPasswords(t *testing.T) {
	text, err := os.ReadFile("testdata/mosquitto.passwd")
	must(t, err)
	path := users(t)
	f := credential.Open(path)
	added, problems := importing(t, f, string(text))
	if len(problems) > 0 || !slices.Equal(added, []string{"anna", "ben", "zoe"}) {
		t.Fatalf("added %q (%v), want anna, ben and zoe", added, problems)
	}
	file, err := os.ReadFile(path)
	must(t, err)
	for line := range bytes.Lines(text) {
		if i := bytes.LastIndexByte(line, '$'); i >= 0 && bytes.Contains(file, bytes.TrimSpace(line[i+1:])) {
			t.Errorf("the file has Mosquitto's hash, which is quick to guess at:\n%s", file)
		}
	}
	later := credential.Open(path) // as the hub does when it starts
	for name, password := range inMosquitto {
		if !later.Verify(name, password) {
			t.Errorf("%s was refused", name)
		}
		for _, wrong := range []string{"", password + "x", strings.ToUpper(password)} {
			if later.Verify(name, wrong) {
				t.Errorf("%s was let in with %q", name, wrong)
			}
		}
	}
	for line := range strings.Lines(string(text)) { // who has seen the hash does not get in with it
		name, hash, _ := strings.Cut(strings.TrimSpace(line), ":")
		if f.Verify(name, hash) || f.Verify(name, hash[strings.LastIndexByte(hash, '$')+1:]) {
			t.Errorf("%s was let in with the hash", name)
		}
	}
	list, err := f.List()
	must(t, err)
	for _, e := range list {
		if e.Kind != credential.Imported {
			t.Errorf("%s is of the kind %s, want imported", e.Name, e.Kind)
		}
	}
	must(t, f.Remove("ben"), f.Add("ben", "new"))
	if f.Verify("ben", "x") || !f.Verify("ben", "new") {
		t.Error("a new password does not take the place of the imported one")
	}
}

func TestImportLeavesAloneWhatIsThere(t *testing.T) {
	text, err := os.ReadFile("testdata/mosquitto.passwd")
	must(t, err)
	f := open(users(t))
	must(t, f.Add("anna", "mine"))
	added, _ := importing(t, f, string(text))
	if !slices.Equal(added, []string{"ben", "zoe"}) || !f.Verify("anna", "mine") || f.Verify("anna", "swordfish") {
		t.Errorf("added %q, want ben and zoe, and anna as she was", added)
	}
	if added, _ = importing(t, f, string(text)); len(added) != 0 {
		t.Errorf("added %q the second time", added)
	}
}

func TestImportIntoADamagedFileChangesNothing(t *testing.T) {
	path := users(t)
	must(t, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("{"), 0o600))
	text, err := os.ReadFile("testdata/mosquitto.passwd")
	must(t, err)
	list, _ := credential.ParseMosquitto("passwd", text)
	if _, err := open(path).Import(list); !errors.Is(err, credential.ErrDamaged) {
		t.Errorf("got %v, want ErrDamaged", err)
	}
}

func TestArgon2OfMosquitto(t *testing.T) {
	f := credential.Open(users(t))
	// The form and the example are argon2's own: "password" with the salt "somesalt".
	added, problems := importing(t, f, "c:$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4\n")
	if len(added) != 1 || !f.Verify("c", "password") || f.Verify("c", "Password") {
		t.Errorf("added %q (%v), want the right password to count", added, problems)
	}
}

func TestWhatCannotBeImported(t *testing.T) {
	const salt, hash = "K+Qx8O/63qA1709Y", "+hvSerH9OpC1g213chgsdPqR5EF3LATOQvly2uGjEbxnpbtNkd+xGhwC4cwP87vQSSKtUNME3Zr8N+yf0v7YJg=="
	lines := []string{
		"# comment", "", "  ",
		"ok:$7$101$" + salt + "$" + hash + "\r",
		"plain:hunter2",
		"empty:",
		"nothing",
		":$6$" + salt + "$" + hash,
		"ok:$6$" + salt + "$" + hash,
		"short:$6$" + salt + "$" + hash[:20],
		"damaged:$6$!$" + hash,
		"many:$7$10000000$" + salt + "$" + hash,
		"none:$7$0$" + salt + "$" + hash,
		"parts:$7$" + salt + "$" + hash,
		"other:$2a$" + salt + "$" + hash,
		"greedy:$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"old:$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"cut:$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf6",
	}
	const usual = "the hash is none of $6$, $7$ and $argon2id$ with their parts"
	const plain = "the password is not hashed; mosquitto_passwd -U hashes those of a file, or make the user anew with hub user add"
	const cut = "the salt or the hash is cut off or damaged"
	want := []string{
		`p:5: user "plain": ` + plain, `p:6: user "empty": ` + plain, `p:7: it is not a name, a colon and a hash`, `p:8: user "": invalid name: it is empty`,
		`p:9: "ok" is there already, on line 4`, `p:10: user "short": ` + cut, `p:11: user "damaged": ` + cut,
		`p:12: user "many": the iterations of its hash are not a number from 1 to 1000000`,
		`p:13: user "none": the iterations of its hash are not a number from 1 to 1000000`,
		`p:14: user "parts": ` + usual, `p:15: user "other": ` + usual,
		`p:16: user "greedy": the parameters of its argon2id are not usual ones`, `p:17: user "old": the parameters of its argon2id are not usual ones`,
		`p:18: user "cut": ` + cut,
	}
	list, problems := credential.ParseMosquitto("p", []byte(strings.Join(lines, "\n")))
	var got []string
	for _, err := range problems {
		got = append(got, err.Error())
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a problem tells a password: %v", err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(list) != 1 || list[0].Name != "ok" || list[0].Line != 4 {
		t.Errorf("listed %v, want the line that is right", list)
	}
}

func TestRealMosquittosPasswords(t *testing.T) {
	program := realpart.Find(t, "mosquitto", "mosquitto_passwd")
	path := filepath.Join(t.TempDir(), "passwd")
	passwords := map[string]string{"sha": "correct horse", "pbkdf": "Ä:$ö", "many iterations": "z", "upgraded": "plain"}
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
			t.Fatalf("mosquitto_passwd %q: %v: %s", args, err, out)
		}
	}
	must(t, os.WriteFile(path, []byte("upgraded:plain\n"), 0o600))
	run("-U", path)
	run("-H", "sha512", "-b", path, "sha", passwords["sha"])
	run("-b", path, "pbkdf", passwords["pbkdf"])
	run("-I", "5000", "-b", path, "many iterations", passwords["many iterations"])
	text, err := os.ReadFile(path)
	must(t, err)
	f := credential.Open(users(t))
	added, problems := importing(t, f, string(text))
	if len(added) != len(passwords) || len(problems) > 0 {
		t.Fatalf("added %q (%v) of\n%s", added, problems, text)
	}
	for name, password := range passwords {
		if !f.Verify(name, password) || f.Verify(name, password+" ") {
			t.Errorf("%s: the right password was refused, or a wrong one taken", name)
		}
	}
}

func TestOlderProgramsReadWhatTheyKnow(t *testing.T) {
	path := users(t)
	f := open(path)
	must(t, f.Add("anna", "x"))
	form := func() string {
		t.Helper()
		text, err := os.ReadFile(path)
		must(t, err)
		_, after, _ := strings.Cut(string(text), `"format": `)
		return after[:1]
	}
	if form() != "1" {
		t.Errorf("the format is %s, want 1 without imported users", form())
	}
	text, err := os.ReadFile("testdata/mosquitto.passwd")
	must(t, err)
	importing(t, f, string(text))
	if form() != "2" {
		t.Errorf("the format is %s, want 2 with imported users", form())
	}
}

func FuzzParseMosquitto(f *testing.F) {
	text, err := os.ReadFile("testdata/mosquitto.passwd")
	if err != nil {
		f.Fatal(err)
	}
	seeds := []string{string(text), "", "a:$", "a:$7$$$", "a:$argon2id$v=19$m=8,t=1,p=1$$", "a:$6$====$===="}
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	if len(seeds) == 0 {
		f.Fatal("there are no seeds")
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, _ := credential.ParseMosquitto("p", data)
		if len(list) == 0 || len(list) > 20 {
			return
		}
		file := open(filepath.Join(t.TempDir(), "users.json"))
		added, err := file.Import(list)
		if err != nil || len(added) != len(list) {
			t.Fatalf("added %q of %d: %v", added, len(list), err)
		}
		if err := file.Check(); err != nil {
			t.Error(fmt.Errorf("after the import of %q: %w", data, err))
		}
	})
}
