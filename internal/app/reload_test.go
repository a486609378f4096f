package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/internal/certificate"
	"home.arpa/homehub/internal/config"
)

// home is a hub's broker with a reloader that looks after its files, in a bubble.
type home struct {
	t      *testing.T
	h      *house
	level  *slog.LevelVar
	file   string // of the configuration
	hangup chan os.Signal
	said   *said
}

// said is a log that a test reads.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

// take returns what was said since the last time.
func (s *said) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.text.Reset()
	return s.text.String()
}

// live runs a test in a bubble in which a hub's broker runs with this configuration; users and rules may be made before.
func live(t *testing.T, text string, before func(dataDir string), test func(t *testing.T, o home)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := home{t: t, level: new(slog.LevelVar), file: filepath.Join(t.TempDir(), "hub.yaml"), hangup: make(chan os.Signal, 1), said: new(said)}
		o.write(o.file, text)
		in := config.Input{File: o.file, Flags: map[string]string{"data_dir": t.TempDir()}}
		cfg, err := config.Load(in)
		if err != nil {
			t.Fatal(err)
		}
		if before != nil {
			before(cfg.DataDir)
		}
		o.h = &house{cfg: cfg, log: slog.New(slog.NewTextHandler(o.said, &slog.HandlerOptions{Level: o.level})), users: Users(cfg.DataDir)}
		options, err := o.h.brokerOptions(cfg)
		if err != nil {
			t.Fatal(err)
		}
		options.Folder = ""
		o.h.broker, o.h.rules = brokertest.New(t, options).Broker, rulesOf(options)
		if cfg.MQTT.TLS.Cert != "" {
			if o.h.mqttTLS, err = o.h.certificate(mqttFiles(cfg)); err != nil {
				t.Fatal(err)
			}
		}
		r, err := newReloader(o.h, Options{Level: o.level, Source: &in, Hangup: o.hangup})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.run(ctx) }()
		test(t, o)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func (o home) write(path, text string) {
	o.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// rename puts a file in place as editors do.
func (o home) rename(path, text string) {
	o.t.Helper()
	o.write(path+".new", text)
	if err := os.Rename(path+".new", path); err != nil {
		o.t.Fatal(err)
	}
}

// settle waits until a change has been seen and taken over, or given up.
func (o home) settle() string {
	time.Sleep(10 * time.Second)
	synctest.Wait()
	return o.said.take()
}

// login connects as a user, and returns the connection and the code of the answer.
func (o home) login(client, user, password string) (net.Conn, byte) {
	o.t.Helper()
	ours, theirs := net.Pipe()
	var serving sync.WaitGroup
	serving.Go(func() { o.h.broker.ServeConn(theirs) })
	o.t.Cleanup(func() { ours.Close(); serving.Wait() })
	return ours, hello(o.t, ours, client, user, password)
}

func hello(t *testing.T, nc net.Conn, client, user, password string) byte {
	t.Helper()
	body := "\x00\x04MQTT\x04"
	text := func(s string) string { return string([]byte{0, byte(len(s))}) + s }
	switch {
	case user == "":
		body += "\x02\x00\x00" + text(client)
	default:
		body += "\xC2\x00\x00" + text(client) + text(user) + text(password)
	}
	if _, err := nc.Write(append([]byte{0x10, byte(len(body))}, body...)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4)
	if _, err := io.ReadFull(nc, answer); err != nil {
		t.Fatal(err)
	}
	return answer[3]
}

// alive says whether a connection still answers.
func alive(nc net.Conn) bool {
	_ = nc.SetDeadline(time.Now().Add(time.Second))
	if _, err := nc.Write([]byte{0xC0, 0}); err != nil {
		return false
	}
	_, err := io.ReadFull(nc, make([]byte, 2))
	return err == nil
}

func TestAChangedFileIsTakenOverWhileConnectionsStay(t *testing.T) {
	live(t, "log: {level: warn}\n", nil, func(t *testing.T, o home) {
		o.level.Set(slog.LevelWarn)
		before, code := o.login("before", "", "")
		if code != 0 {
			t.Fatalf("refused with %d", code)
		}
		o.rename(o.file, "log: {level: info}\nmqtt:\n  anonymous: never\n  limits: {connections: 5}\n")
		if log := o.settle(); !strings.Contains(log, "level=INFO msg=reloaded") || !strings.Contains(log, `changed="mqtt.anonymous, mqtt.limits.connections, log.level, `+o.file) {
			t.Errorf("the log says %s", log)
		}
		if !alive(before) {
			t.Error("the connection that was there ended")
		}
		if _, code := o.login("after", "", ""); code != 5 || o.level.Level() != slog.LevelInfo {
			t.Errorf("a new connection is answered %d, the level is %s", code, o.level.Level())
		}
		o.write(o.file, "log: {level: info}\n")
		o.settle()
		if _, code := o.login("after", "", ""); code != 0 {
			t.Errorf("a new connection is answered %d after the change was taken back", code)
		}
		if log := o.settle(); log != "" && strings.Contains(log, "reload") {
			t.Errorf("nothing has changed, and the log says %s", log)
		}
	})
}

func TestAMistakeRefusesEverything(t *testing.T) {
	var files [2]certificate.Files
	for i, dir := range []string{t.TempDir(), t.TempDir()} {
		a, err := certificate.NewAuthority(dir, time.Date(1999, 12, 1, 0, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		if files[i].Cert, files[i].Key, err = a.Server([]string{"hub.lan"}, time.Date(1999, 12, 1, 0, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
	}
	on := "mqtt:\n  tls: {cert: " + files[0].Cert + ", key: " + files[0].Key + "}\n"
	live(t, on, nil, func(t *testing.T, o home) {
		served := o.h.mqttTLS.Set()
		users, rules := o.h.users.Path(), o.h.rules.Path()
		for _, c := range []struct {
			name, path, text, want string
		}{
			{"a key that nobody knows", o.file, on + "log: {level: debug}\nweb:\n  lisn: x\n", o.file + ":5: web.lisn: unknown key"},
			{"a key that needs another", o.file, "mqtt:\n  tls:\n    cert: " + files[0].Cert + "\nlog: {level: debug}\n", o.file + ":3: mqtt.tls.cert: is of no use without mqtt.tls.key"},
			{"another certificate's key", o.file, "mqtt:\n  tls: {cert: " + files[0].Cert + ", key: " + files[1].Key + "}\nlog: {level: debug}\n", "the key does not belong to the certificate"},
			{"no certificate", o.file, "mqtt:\n  tls: {cert: /nowhere, key: " + files[1].Key + "}\nlog: {level: debug}\n", "/nowhere is not there"},
			{"no configuration any more", o.file, "", "no such file"},
			{"rules that are none", rules, "rules: [\n", rules + ":"},
			{"users that are none", users, "{", users},
		} {
			o.write(o.file, on)
			o.write(rules, "rules:\n  - everyone: true\n    read: \"#\"\n    write: \"#\"\n")
			o.write(users, `{"format": 1, "entries": []}`)
			if log := o.settle(); strings.Contains(log, "level=ERROR") {
				t.Fatalf("before %s: %s", c.name, log)
			}
			if c.text == "" {
				os.Remove(c.path)
			} else {
				o.rename(c.path, c.text)
			}
			log := o.settle()
			if n := strings.Count(log, `level=ERROR msg="not reloaded, the hub goes on as it was"`); n != 1 || !strings.Contains(log, c.want) {
				t.Errorf("%s: %d errors, want one with %q: %s", c.name, n, c.want, log)
			}
			if o.level.Level() != slog.LevelInfo || o.h.mqttTLS.Set() == nil {
				t.Errorf("%s: something was taken over", c.name)
			}
			if c.path == o.file && o.h.mqttTLS.Set().Files().Cert != served.Files().Cert {
				t.Errorf("%s: the certificate is of %s", c.name, o.h.mqttTLS.Set().Files().Cert)
			}
		}
	})
}

// "The hub goes on as it was" is true of users, too: those that there were still get in, and what was changed along with them waits.
func TestAMistakeInTheUsersLocksNobodyOut(t *testing.T) {
	var secret string
	live(t, "mqtt: {anonymous: never}\n", func(dir string) {
		var err error
		if secret, err = Users(dir).Generate("anna"); err != nil {
			t.Fatal(err)
		}
	}, func(t *testing.T, o home) {
		there, _ := o.login("there", "anna", secret)
		o.write(o.h.users.Path(), `{"format": 1, "entries": [`)
		o.write(o.file, "mqtt: {anonymous: always}\nlog: {level: debug}\n")
		if log := o.settle(); !strings.Contains(log, "not reloaded") || !strings.Contains(log, o.h.users.Path()) {
			t.Errorf("the log says %s", log)
		}
		if !alive(there) {
			t.Error("the connection that was there ended")
		}
		if _, code := o.login("again", "anna", secret); code != 0 {
			t.Errorf("anna is answered %d", code)
		}
		if _, code := o.login("nobody", "", ""); code != 5 || o.level.Level() != slog.LevelInfo {
			t.Errorf("who has no name is answered %d, the level is %s: half of it was taken over", code, o.level.Level())
		}
		o.write(o.h.users.Path(), `{"format": 1, "entries": []}`)
		o.settle()
		if alive(there) {
			t.Error("a removed user's connection has not ended")
		}
		if _, code := o.login("again", "anna", secret); code == 0 {
			t.Error("a removed user is let in")
		}
	})
}

// Users are a part of the whole: a login that finds that they have changed has all that has changed taken over first, or nothing.
func TestUsersChangeWithTheRest(t *testing.T) {
	var anna, ben string
	live(t, "mqtt: {anonymous: never}\n", func(dir string) {
		var err error
		if anna, err = Users(dir).Generate("anna"); err != nil {
			t.Fatal(err)
		}
	}, func(t *testing.T, o home) {
		users, rules := o.h.users.Path(), o.h.rules.Path()
		there, _ := o.login("there", "anna", anna)
		time.Sleep(time.Second)
		var err error
		if ben, err = Users(filepath.Dir(users)).Generate("ben"); err != nil {
			t.Fatal(err)
		}
		if _, code := o.login("ben", "ben", ben); code != 0 {
			t.Errorf("a new user's login at once is answered %d", code)
		}
		o.settle()
		o.write(rules, "rules: [\n")
		if err := errors.Join(Users(filepath.Dir(users)).Remove("anna"), Users(filepath.Dir(users)).Remove("ben")); err != nil {
			t.Fatal(err)
		}
		carl, err := Users(filepath.Dir(users)).Generate("carl")
		if err != nil {
			t.Fatal(err)
		}
		for _, when := range []string{"at once", "later"} {
			if _, code := o.login("carl", "carl", carl); code == 0 {
				t.Errorf("beside rules that are none, a new user's login %s is answered %d", when, code)
			}
			if _, code := o.login("again", "anna", anna); code != 0 || !alive(there) {
				t.Errorf("beside rules that are none, a removed user's login %s is answered %d; the connection that was there goes on: %t", when, code, alive(there))
			}
			if log := o.settle(); strings.Contains(log, "not reloaded") != (when == "at once") {
				t.Errorf("the log says %s", log)
			}
		}
		o.write(rules, "rules: []\n")
		time.Sleep(time.Second)
		if _, code := o.login("carl", "carl", carl); code == 0 { // the users have not changed since, so nobody hurries
			t.Errorf("the new user's login is answered %d before the rules have been looked at", code)
		}
		o.settle()
		if _, code := o.login("carl", "carl", carl); code != 0 || alive(there) {
			t.Errorf("with rules, the new user's login is answered %d; the removed user's connection goes on: %t", code, alive(there))
		}
	})
}

func TestAHalfWrittenFileIsReadAgain(t *testing.T) {
	live(t, "", nil, func(t *testing.T, o home) {
		o.write(o.file, "log: {level: de")
		time.Sleep(2500 * time.Millisecond) // it has been looked at, and read
		o.write(o.file, "log: {level: debug}\n")
		if log := o.settle(); strings.Contains(log, "ERROR") || o.level.Level() != slog.LevelDebug {
			t.Errorf("the level is %s, the log says %s", o.level.Level(), log)
		}
	})
}

func TestWhatNeedsARestartIsNamed(t *testing.T) {
	live(t, "", nil, func(t *testing.T, o home) {
		o.write(o.file, "log: {level: debug}\nweb: {listen: \":1\"}\ntime_zone: Europe/Berlin\n")
		log := o.settle()
		if !strings.Contains(log, `level=WARN msg="needs a restart of the hub" component=reload changed="web.listen, time_zone"`) || o.level.Level() != slog.LevelDebug {
			t.Errorf("the level is %s, the log says %s", o.level.Level(), log)
		}
		o.write(o.file, "web: {listen: \":1\"}\n")
		if log := o.settle(); !strings.Contains(log, `changed=web.listen`) {
			t.Errorf("what still waits is not named: %s", log)
		}
		o.write(o.file, "\n")
		if log := o.settle(); strings.Contains(log, "restart") {
			t.Errorf("what was taken back is named: %s", log)
		}
	})
}

func TestARemovedUsersConnectionsAreEnded(t *testing.T) {
	secrets := map[string]string{}
	live(t, "mqtt: {anonymous: never}\n", func(dir string) {
		for _, name := range []string{"anna", "ben", "carl"} {
			secret, err := Users(dir).Generate(name)
			if err != nil {
				t.Fatal(err)
			}
			secrets[name] = secret
		}
	}, func(t *testing.T, o home) {
		conns := map[string]net.Conn{}
		for name, secret := range secrets {
			nc, code := o.login(name, name, secret)
			if code != 0 {
				t.Fatalf("%s is refused with %d", name, code)
			}
			conns[name] = nc
		}
		beside := Users(o.h.cfg.DataDir) // another program's
		time.Sleep(time.Minute)
		if err := beside.Remove("anna"); err != nil {
			t.Fatal(err)
		}
		if err := beside.Remove("ben"); err != nil { // and another one of this name
			t.Fatal(err)
		}
		if _, err := beside.Generate("ben"); err != nil {
			t.Fatal(err)
		}
		if _, err := beside.Generate("dora"); err != nil {
			t.Fatal(err)
		}
		log := o.settle()
		for name, want := range map[string]bool{"anna": false, "ben": false, "carl": true} {
			if got := alive(conns[name]); got != want {
				t.Errorf("%s is alive: %t, want %t", name, got, want)
			}
		}
		if !strings.Contains(log, `msg="ended the connections of a removed user" component=reload user=anna connections=1`) {
			t.Errorf("the log says %s", log)
		}
	})
}

func TestRulesAreReloaded(t *testing.T) {
	live(t, "", nil, func(t *testing.T, o home) {
		nc, _ := o.login("c", "", "")
		subscribe := func() byte {
			if _, err := nc.Write([]byte{0x82, 6, 0, 1, 0, 1, 'x', 0}); err != nil {
				t.Fatal(err)
			}
			answer := make([]byte, 5)
			if _, err := io.ReadFull(nc, answer); err != nil {
				t.Fatal(err)
			}
			return answer[4]
		}
		if code := subscribe(); code != 0 {
			t.Errorf("before: %#x", code)
		}
		o.write(o.h.rules.Path(), "rules:\n  - everyone: true\n    read: y\n")
		o.settle()
		if code := subscribe(); code != 0x80 {
			t.Errorf("after: %#x, want 0x80", code)
		}
	})
}

func TestASignalReadsEverythingAtOnce(t *testing.T) {
	live(t, "", nil, func(t *testing.T, o home) {
		o.write(o.file, "log: {level: debug}\n")
		o.hangup <- os.Interrupt // any will do
		synctest.Wait()
		if o.level.Level() != slog.LevelDebug {
			t.Errorf("the level is %s", o.level.Level())
		}
		o.settle()
		o.hangup <- os.Interrupt
		if log := o.settle(); !strings.Contains(log, "msg=reloaded component=reload changed=nothing") {
			t.Errorf("the log says %s", log)
		}
		o.write(o.file, "log: {level: loud}\n")
		o.hangup <- os.Interrupt
		synctest.Wait()
		if log := o.settle(); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, o.file+":1: log.level") {
			t.Errorf("the log says %s", log)
		}
	})
}

// A renewed certificate is served while the configuration waits for somebody to mend it; one that has ended is not.
func TestCertificatesAreRenewed(t *testing.T) {
	dir := t.TempDir()
	begin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // the bubble's
	a, err := certificate.NewAuthority(dir, begin.AddDate(-5, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := a.Server([]string{"hub.lan"}, begin.AddDate(0, 0, -800))
	if err != nil {
		t.Fatal(err)
	}
	live(t, "mqtt:\n  tls: {cert: "+cert+", key: "+key+"}\n", nil, func(t *testing.T, o home) {
		serial := func() string {
			ours, theirs := net.Pipe()
			var serving sync.WaitGroup
			serving.Go(func() { o.h.broker.ServeConn(tls.Server(theirs, o.h.mqttTLS.Config())) })
			defer serving.Wait()
			c := tls.Client(ours, &tls.Config{InsecureSkipVerify: true})
			defer c.Close()
			if code := hello(t, c, "tls", "", ""); code != 0 {
				t.Errorf("refused with %d", code)
			}
			return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
		}
		first := serial()
		if log := o.settle(); strings.Count(log, "expires in 20 days, on 2000-01-21") != 1 {
			t.Errorf("the log says %s", log)
		}
		time.Sleep(24 * time.Hour)
		if log := o.settle(); strings.Count(log, "expires in 19 days") != 1 {
			t.Errorf("a day later the log says %s", log)
		}
		o.write(o.file, "wrong: yes\n")
		o.settle()
		if _, _, err := a.Server([]string{"hub.lan"}, time.Now()); err != nil {
			t.Fatal(err)
		}
		if log := o.settle(); !strings.Contains(log, "msg=reloaded") || strings.Contains(log, "expires") || serial() == first {
			t.Errorf("the renewed certificate is not used: %s", log)
		}
		second := serial()
		if _, _, err := a.Server([]string{"hub.lan"}, time.Now().AddDate(-3, 0, 0)); err != nil {
			t.Fatal(err)
		}
		if log := o.settle(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "has expired on") || serial() != second {
			t.Errorf("a certificate that has ended is used: %s", log)
		}
		if err := os.Remove(key); err != nil { // half of the next one
			t.Fatal(err)
		}
		if log := o.settle(); !strings.Contains(log, key+" is not there") || serial() != second {
			t.Errorf("without a key: %s", log)
		}
		if _, _, err := a.Server([]string{"hub.lan"}, time.Now()); err != nil {
			t.Fatal(err)
		}
		if o.settle(); serial() == second {
			t.Error("the third certificate is not used")
		}
	})
}

func TestEveryChangeOfAFileIsNoticed(t *testing.T) {
	old := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for name, change := range map[string]func(file string) error{
		"its length": func(file string) error {
			return errors.Join(os.WriteFile(file, []byte("longer"), 0o600), os.Chtimes(file, old, old))
		},
		"its content": func(file string) error {
			return errors.Join(os.WriteFile(file, []byte("some"), 0o600), os.Chtimes(file, old, old.Add(1)))
		},
		"another takes its place": func(file string) error {
			return errors.Join(os.WriteFile(file+".new", []byte("many"), 0o600), os.Chtimes(file+".new", old, old), os.Rename(file+".new", file))
		},
		"it goes": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "file")
			if err := errors.Join(os.WriteFile(file, []byte("same"), 0o600), os.Chtimes(file, old, old)); err != nil {
				t.Fatal(err)
			}
			var w watch
			w.look([]string{file})
			if got := w.look([]string{file}); len(got) != 0 {
				t.Fatalf("%q have changed before", got)
			}
			if err := change(file); err != nil {
				t.Fatal(err)
			}
			if got := w.look([]string{file}); len(got) != 1 || got[0] != file {
				t.Errorf("%q have changed", got)
			}
		})
	}
}

func TestLinksThatAreTurnedAreNoticed(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"one", "two"} {
		path, at := filepath.Join(dir, name), time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
		if err := errors.Join(os.WriteFile(path, []byte("same"), 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	link, missing := filepath.Join(dir, "link"), filepath.Join(dir, "missing")
	if err := os.Symlink("one", link); err != nil {
		t.Skipf("left out: no symbolic links here: %v", err)
	}
	var w watch
	files := []string{link, missing}
	if got := w.look(files); len(got) != 0 {
		t.Errorf("at first %q have changed", got)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("two", link); err != nil {
		t.Fatal(err)
	}
	if got := w.look(files); len(got) != 1 || got[0] != link {
		t.Errorf("%q have changed, want the link", got)
	}
	if err := os.WriteFile(missing, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := w.look(files); len(got) != 1 || got[0] != missing {
		t.Errorf("%q have changed, want the one that was missing", got)
	}
	if got := w.look(files); len(got) != 0 {
		t.Errorf("%q have changed, want none", got)
	}
}
