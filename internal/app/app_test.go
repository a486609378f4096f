package app_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"home.arpa/homehub/internal/app"
	"home.arpa/homehub/internal/config"
	"home.arpa/homehub/internal/outage"
)

// screen is what a program prints, for waiting on.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{} // a token when there is more text; nil when nobody waits for it
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		select {
		case s.news <- struct{}{}:
		default:
		}
	}()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func settings(t *testing.T) config.Config {
	t.Helper()
	cfg, err := config.Load(config.Input{Flags: map[string]string{
		"data_dir": filepath.Join(t.TempDir(), "data"), "mqtt.listen": "127.0.0.1:0", "web.listen": "127.0.0.1:0",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

var page = regexp.MustCompile(`https?://127\.0\.0\.1:\d+`)

// limit bounds every wait for a program; reaching it is a failure, never a result.
const limit = time.Minute

// running starts the program, waits until it says where it is, and returns its page and how to stop it. It ends with the test.
func running(t *testing.T, run func(ctx context.Context, o app.Options) error) (url string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out := screen{news: make(chan struct{}, 1)}
	done := make(chan error, 1)
	go func() { done <- run(ctx, app.Options{Out: &out, Version: "test"}) }()
	stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(limit):
			return errors.New("it does not stop")
		}
	})
	t.Cleanup(func() { _ = stop() })
	for end := time.After(limit); ; {
		if url = page.FindString(out.String()); url != "" {
			return url, stop
		}
		select {
		case <-out.news:
		case err := <-done:
			done <- err
			t.Fatalf("it ended: %v\n%s", err, &out)
		case <-end:
			t.Fatalf("it says nothing but %q", out.String())
		}
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestTheHubStartsAndStopsInOrder(t *testing.T) {
	cfg := settings(t)
	for life := range 2 {
		url, stop := running(t, func(ctx context.Context, o app.Options) error { return app.Serve(ctx, cfg, o) })
		for _, path := range []string{"/readyz", "/healthz", "/", "/api/v1/status", "/metrics"} {
			if code, body := get(t, url+path); code != http.StatusOK {
				t.Errorf("life %d: %s answers %d: %s", life, path, code, body)
			}
		}
		if err := stop(); err != nil {
			t.Errorf("life %d: %v", life, err)
		}
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "hub.db")); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(cfg.DataDir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data folder: %v, %v", info.Mode(), err)
	}
}

func TestTheDemoLeavesNothingBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	cfg := settings(t)
	cfg.DataDir = ""
	url, stop := running(t, func(ctx context.Context, o app.Options) error {
		return app.RunDemo(ctx, cfg, o, app.Demo{Devices: 5, Seed: 3, Program: "hub"})
	})
	comeAndGo := http.Client{Timeout: limit}
	stream, err := comeAndGo.Get(url + "/api/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	for lines, body := bufio.NewScanner(stream.Body), ""; !strings.Contains(body, `"online":5`); {
		if !lines.Scan() {
			t.Fatalf("not all five devices are there: %s (%v)", body, lines.Err())
		}
		if line := lines.Text(); line == "event: reset" || line == "event: presence" {
			_, body = get(t, url+"/api/v1/status")
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "homehub-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTwoHubsDoNotShareAFolder(t *testing.T) {
	cfg := settings(t)
	_, stop := running(t, func(ctx context.Context, o app.Options) error { return app.Serve(ctx, cfg, o) })
	if err := app.Serve(t.Context(), cfg, app.Options{}); err == nil || !strings.Contains(err.Error(), "another hub is running") {
		t.Errorf("the second hub: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestATakenPortIsAnErrorBeforeAnythingRuns(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for flag, take := range map[string]func(*config.Config){
		"--mqtt-listen": func(c *config.Config) { c.MQTT.Listen = l.Addr().String() },
		"--web-listen":  func(c *config.Config) { c.Web.Listen = l.Addr().String() },
	} {
		cfg := settings(t)
		take(&cfg)
		var out screen
		err := app.Serve(t.Context(), cfg, app.Options{Out: &out})
		if err == nil || !strings.Contains(err.Error(), flag) || !strings.Contains(err.Error(), "port "+port+" is taken") || out.String() != "" {
			t.Errorf("%s: %v, printed %q", flag, err, out.String())
		}
		cfg.MQTT.Listen, cfg.Web.Listen = "127.0.0.1:0", "127.0.0.1:0"
		_, stop := running(t, func(ctx context.Context, o app.Options) error { return app.Serve(ctx, cfg, o) })
		if err := stop(); err != nil {
			t.Errorf("after the failed start: %v", err)
		}
	}
}

func TestADamagedFileOfUsersStopsTheStart(t *testing.T) {
	cfg := settings(t)
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(cfg.DataDir, "users.json")
	if err := os.WriteFile(file, []byte(`{"format":1,"entries":[{"na`), 0o600); err != nil {
		t.Fatal(err)
	}
	err := app.Serve(t.Context(), cfg, app.Options{})
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "move") {
		t.Errorf("got %v", err)
	}
}

func TestADamagedStoreAndJournalAreSetAside(t *testing.T) {
	cfg := settings(t)
	if err := os.MkdirAll(filepath.Join(cfg.DataDir, "broker"), 0o700); err != nil {
		t.Fatal(err)
	}
	names := []string{"hub.db", "broker/checkpoint-000000000007"}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(cfg.DataDir, name), []byte(strings.Repeat("not what it was ", 100)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, stop := running(t, func(ctx context.Context, o app.Options) error { return app.Serve(ctx, cfg, o) })
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, name := range names {
		if aside, _ := filepath.Glob(filepath.Join(cfg.DataDir, name+".damaged-*")); len(aside) != 1 {
			t.Errorf("%s was set aside as %v", name, aside)
		}
	}
}

func TestAnUnreachableBrokerIsNotReady(t *testing.T) {
	nobody, err := outage.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	cfg := settings(t)
	cfg.External.URL = fmt.Sprintf("mqtt://somebody:secret@%s", nobody)
	url, stop := running(t, func(ctx context.Context, o app.Options) error { return app.Serve(ctx, cfg, o) })
	code, body := get(t, url+"/readyz")
	if code != http.StatusServiceUnavailable || !strings.Contains(body, "no broker") || strings.Contains(body, "secret") {
		t.Errorf("/readyz answers %d: %s", code, body)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestLinksOfTheConfigurationAreThere(t *testing.T) {
	cfg := settings(t)
	cfg.Links = []config.Link{{From: "motion-hall/motion/occupancy", To: "hall-lamp/light/on"}}
	url, stop := running(t, func(ctx context.Context, o app.Options) error { return app.Serve(ctx, cfg, o) })
	if code, body := get(t, url+"/api/v1/links"); code != http.StatusOK || !strings.Contains(body, `"from":"motion-hall/motion/occupancy","to":"hall-lamp/light/on"`) {
		t.Errorf("the links: %d %s", code, body)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
