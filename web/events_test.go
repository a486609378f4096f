package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/web"
)

// pipes is a listener without a network, so that a server runs in a synctest bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "tcp" }
func (pipeAddr) String() string  { return "127.0.0.1:1888" }

// local gives a pipe the addresses of a loopback connection.
type local struct{ net.Conn }

func (local) LocalAddr() net.Addr  { return pipeAddr{} }
func (local) RemoteAddr() net.Addr { return pipeAddr{} }

func (p *pipes) dial() (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case p.conns <- local{b}:
		return a, nil
	case <-p.closed:
		return nil, errors.New("connection refused")
	}
}

func (p *pipes) dialContext(context.Context, string, string) (net.Conn, error) { return p.dial() }

// run runs a server over pipes until the test ends, and returns a client and what stops the server.
func run(t *testing.T, m *memory, o web.Options) (client *http.Client, p *pipes, stop func() error) {
	t.Helper()
	o.OpenLoopback = true
	s, err := web.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	p = newPipes()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, p) }()
	transport := &http.Transport{DialContext: p.dialContext}
	stop = sync.OnceValue(func() error {
		cancel()
		err := <-ended
		transport.CloseIdleConnections()
		return err
	})
	t.Cleanup(func() { _ = stop() })
	return &http.Client{Transport: transport}, p, stop
}

type sse struct {
	id, name, data string
	comment        string
}

// listen opens a stream and returns what reads its next block, which fails the test when the stream has ended.
func listen(t *testing.T, client *http.Client, query string, header map[string]string) (next func() sse, closeIt func()) {
	t.Helper()
	req, err := http.NewRequest("GET", "http://localhost:1888/api/v1/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("got %s %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(resp.Body)
	return func() sse {
		t.Helper()
		e, ok := block(lines)
		if !ok {
			t.Fatal("the stream has ended")
		}
		return e
	}, func() { _ = resp.Body.Close() }
}

// block reads up to an empty line, leaving out the retry.
func block(lines *bufio.Scanner) (e sse, ok bool) {
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if strings.HasPrefix(lines.Text(), ":") {
				e.comment = value
			} else if e != (sse{}) {
				return e, true
			}
		}
	}
	return e, false
}

func fields(t *testing.T, e sse) map[string]any {
	t.Helper()
	var f map[string]any
	if err := json.Unmarshal([]byte(e.data), &f); err != nil {
		t.Fatalf("%v in %q", err, e.data)
	}
	return f
}

var lampOn = devices.Ref{Component: "light", Property: "on"}

func TestEventStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(sampleHouse(time.Now())...)
		client, _, _ := run(t, m, web.Options{})
		next, done := listen(t, client, "", nil)
		defer done()
		if e := next(); e.name != "reset" || e.id != "e1-0" {
			t.Fatalf("a new stream begins with %+v, want a reset", e)
		}
		now := time.Now().UTC().Format(time.RFC3339Nano)

		m.report("living-room-lamp", lampOn, devices.BoolValue(false))
		e := next()
		want := `{"at":"` + now + `","device":"living-room-lamp","component":"light","property":"on","value":false,"heard":"` + now + `"}`
		if e.name != "reported" || e.id != "e1-1" || e.data != want {
			t.Errorf("got %+v, want %s", e, want)
		}
		m.reach("living-room-lamp", devices.Offline, "its will was published")
		if e := next(); e.name != "presence" || e.data != `{"at":"`+now+`","device":"living-room-lamp","presence":"offline","since":"`+now+`","why":"its will was published"}` {
			t.Errorf("got %+v", e)
		}
		m.join(device(time.Now(), "new", "New lamp", "Attic", light(0, 0, false)))
		if e, f := next(), map[string]any(nil); e.name != "joined" {
			t.Errorf("got %+v", e)
		} else if f = fields(t, e); f["device"] != "new" || f["description"].(map[string]any)["name"] != "New lamp" {
			t.Errorf("got %v", f)
		}
		name := "Old lamp"
		if _, err := m.Edit(t.Context(), "new", &name, nil); err != nil {
			t.Fatal(err)
		}
		if e := next(); e.name != "changed" || fields(t, e)["description"].(map[string]any)["name"] != "Old lamp" {
			t.Errorf("got %+v", e)
		} else if told := fields(t, e)["description"].(map[string]any)["telling"].([]any); len(told) == 0 || told[0] != "light/on" {
			t.Errorf("told first are %v", told)
		}
		resp, err := client.Post("http://localhost:1888/api/v1/devices/new/commands", "application/json", strings.NewReader(`{"component":"light","property":"on","value":true}`))
		if err != nil || resp.StatusCode != 202 {
			t.Fatalf("%v %v", resp, err)
		}
		_ = resp.Body.Close()
		if e := next(); e.name != "command" || fields(t, e)["command"].(map[string]any)["status"] != "sent" || fields(t, e)["device"] != "new" {
			t.Errorf("got %+v", e)
		}
		next() // the report
		if e := next(); e.name != "command" || fields(t, e)["command"].(map[string]any)["status"] != "confirmed" {
			t.Errorf("got %+v", e)
		}
		if _, err := m.Remove(t.Context(), "new", false); err != nil {
			t.Fatal(err)
		}
		if e := next(); e.name != "left" || fields(t, e)["device"] != "new" {
			t.Errorf("got %+v", e)
		}
	})
}

func TestResumingAStream(t *testing.T) {
	for name, tt := range map[string]struct {
		query  string
		header map[string]string
		first  string // name and id of the first event
	}{
		"with Last-Event-ID":            {"", map[string]string{"Last-Event-ID": "e1-3"}, "reported e1-4"},
		"with a query":                  {"?after=e1-4", nil, "reported e1-5"},
		"the header is newer":           {"?after=e1-1", map[string]string{"Last-Event-ID": "e1-4"}, "reported e1-5"},
		"after what is no longer kept":  {"?after=e1-1", nil, "reset e1-5"},
		"after another life of the hub": {"?after=e0-4", nil, "reset e1-5"},
		"after what is yet to come":     {"?after=e1-99", nil, "reset e1-5"},
		"with nonsense":                 {"?after=latest", nil, "reset e1-5"},
		"with a number alone":           {"?after=-3", nil, "reset e1-5"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMemory(sampleHouse(time.Now())...)
				m.keep = 3
				for i := range 5 {
					m.report("living-room-lamp", lampOn, devices.BoolValue(i%2 == 0))
				}
				client, _, _ := run(t, m, web.Options{})
				next, done := listen(t, client, tt.query, tt.header)
				defer done()
				if e := next(); e.name+" "+e.id != tt.first {
					t.Fatalf("got %s %s, want %s", e.name, e.id, tt.first)
				}
				m.report("tv-plug", devices.Ref{Component: "switch", Property: "on"}, devices.BoolValue(false))
				for e := next(); e.id != "e1-6"; e = next() {
					if e.name == "reset" {
						t.Fatal("a second reset")
					}
				}
			})
		})
	}
}

func TestStreamOfOneDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(sampleHouse(time.Now())...)
		client, _, _ := run(t, m, web.Options{})
		next, done := listen(t, client, "?device=living-room-lamp", nil)
		defer done()
		next() // the reset
		m.report("tv-plug", devices.Ref{Component: "switch", Property: "on"}, devices.BoolValue(false))
		begun := time.Now()
		if e := next(); e.comment != "alive" || e.id != "e1-1" || e.name != "" || time.Since(begun) != 15*time.Second {
			t.Errorf("got %+v after %s, want a heartbeat with the newest id after 15 s", e, time.Since(begun))
		}
		if e := next(); e.comment != "alive" || e.id != "" {
			t.Errorf("got %+v, want a heartbeat without an id", e)
		}
		m.report("living-room-lamp", lampOn, devices.BoolValue(false))
		if e := next(); e.id != "e1-2" || fields(t, e)["device"] != "living-room-lamp" {
			t.Errorf("got %+v", e)
		}
	})
}

func TestSlowReaderIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(sampleHouse(time.Now())...)
		client, p, _ := run(t, m, web.Options{})
		conn, err := p.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() { _, _ = io.WriteString(conn, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n") }()
		buf := make([]byte, 4096)
		if n, err := conn.Read(buf); err != nil || !bytes.HasPrefix(buf[:n], []byte("HTTP/1.1 200")) {
			t.Fatalf("%q %v", buf[:n], err)
		}
		time.Sleep(time.Minute) // virtual; nobody reads, so the first write that does not fit has to give up
		if text := get(t, client, "/metrics"); !strings.Contains(text, "homehub_event_streams 0") || !strings.Contains(text, "homehub_event_streams_cut_total 1") {
			t.Error("the stream is still open after a minute without a reader")
		}
	})
}

func get(t *testing.T, client *http.Client, path string) string {
	t.Helper()
	resp, err := client.Get("http://localhost:1888" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestStreamEndsWithItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		valid := true
		m := newMemory()
		client, _, _ := run(t, m, web.Options{Authenticate: func(string) (string, bool) {
			mu.Lock()
			defer mu.Unlock()
			return "phone", valid
		}})
		req, _ := http.NewRequest("GET", "http://localhost:1888/api/v1/events", nil)
		req.Header.Set("Authorization", "Bearer x")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		mu.Lock()
		valid = false
		mu.Unlock()
		begun := time.Now()
		if _, err := io.ReadAll(resp.Body); err != nil || time.Since(begun) > 15*time.Second {
			t.Errorf("the stream ended with %v after %s", err, time.Since(begun))
		}
	})
}

func TestStreamsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _, _ := run(t, newMemory(), web.Options{})
		for range 128 {
			_, done := listen(t, client, "", nil)
			defer done()
		}
		resp, err := client.Get("http://localhost:1888/api/v1/events")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
			t.Errorf("the next stream gets %s", resp.Status)
		}
	})
}

func TestStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(sampleHouse(time.Now())...)
		m.silent["tv-plug"] = true
		client, p, stop := run(t, m, web.Options{})
		next, done := listen(t, client, "", nil)
		defer done()
		next()
		waited := make(chan int, 1)
		go func() {
			resp, err := client.Post("http://localhost:1888/api/v1/devices/tv-plug/commands?wait=1m", "application/json",
				strings.NewReader(`{"component":"switch","property":"on","value":false}`))
			if err != nil {
				waited <- 0
				return
			}
			defer resp.Body.Close()
			waited <- resp.StatusCode
		}()
		for next().name != "command" {
		}
		begun := time.Now()
		if err := stop(); err != nil {
			t.Errorf("Run returned %v", err)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("stopping took %s", took)
		}
		if code := <-waited; code != 202 {
			t.Errorf("who waited for a command got %d, want it as it is with 202", code)
		}
		if _, err := p.dial(); err == nil {
			t.Error("the listener is still open")
		}
	})
}

func TestAHeadOfTheStreamEnds(t *testing.T) {
	h := handler(t, newMemory(), web.Options{OpenLoopback: true})
	if w := (request{method: "HEAD", target: "/api/v1/events"}).do(h); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestAfterTheEndEverythingIsRefused(t *testing.T) {
	s, err := web.New(newMemory(), web.Options{OpenLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx, newPipes()); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, request{target: "/api/v1/devices"}.do(s.Handler()), 503, "stopping")
}

// Who takes his time holds a connection and a goroutine: none does so for long.
func TestSlowClientsAreBounded(t *testing.T) {
	const begun = "POST /api/v1/links HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
	for name, tt := range map[string]struct {
		sent  string
		limit time.Duration
	}{
		"who does not end his headers":              {"GET /healthz HTTP/1.1\r\nHost: lo", 10 * time.Second},
		"who does not end a body that nobody wants": {strings.Replace(begun, "links", "nowhere", 1), 10 * time.Second},
		"who does not end his body":                 {begun, 10 * time.Second},
		"who does not read what he asked":           {"GET /static/app.js HTTP/1.1\r\nHost: localhost\r\n\r\n", 30 * time.Second},
		"who asks for nothing more and stays":       {"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, p, _ := run(t, newMemory(), web.Options{})
				conn, err := p.dial()
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := io.WriteString(conn, tt.sent); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				if tt.limit == 30*time.Second {
					time.Sleep(tt.limit + time.Second)
				}
				_, _ = io.Copy(io.Discard, conn) // until the server closes it
				if took := time.Since(began); took > tt.limit+time.Second {
					t.Errorf("the connection was open for %s", took)
				}
			})
		})
	}
}

// A wait is longer than an answer may usually take.
func TestALongWaitIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(sampleHouse(time.Now())...)
		m.silent["tv-plug"] = true
		client, _, _ := run(t, m, web.Options{})
		begun := time.Now()
		resp, err := client.Post("http://localhost:1888/api/v1/devices/tv-plug/commands?wait=4m", "application/json",
			strings.NewReader(`{"component":"switch","property":"on","value":false}`))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if took := time.Since(begun); resp.StatusCode != 202 || took != 4*time.Minute {
			t.Errorf("it was answered %s after %s", resp.Status, took)
		}
	})
}

func TestRunSaysWhyItCannotServe(t *testing.T) {
	s, err := web.New(newMemory(), web.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := newPipes()
	_ = p.Close()
	if err := s.Run(t.Context(), p); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run on a closed listener returned %v", err)
	}
}
