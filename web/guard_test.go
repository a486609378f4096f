package web_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"home.arpa/homehub/web"
)

// request is one request as it arrives, for handlers without a network.
type request struct {
	method, target string
	from           string // the peer's address; empty means the loopback's
	host           string // empty means localhost:1888
	body           string // of type application/json, unless header says otherwise
	header         map[string]string
	old            bool // HTTP/1.0
}

func (q request) do(h http.Handler) *httptest.ResponseRecorder {
	if q.method == "" {
		q.method = http.MethodGet
	}
	var body io.Reader
	if q.body != "" {
		body = strings.NewReader(q.body)
	}
	r := httptest.NewRequest(q.method, q.target, body)
	r.RemoteAddr, r.Host = "127.0.0.1:40000", "localhost:1888"
	if q.from != "" {
		r.RemoteAddr = q.from
	}
	if q.host != "" {
		r.Host = q.host
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range q.header {
		r.Header.Set(k, v)
	}
	if q.old {
		r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func handler(t *testing.T, m *memory, o web.Options) http.Handler {
	t.Helper()
	s, err := web.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return s.Handler()
}

// wantProblem checks that an answer is a problem of the status whose detail holds the words.
func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int, words string) {
	t.Helper()
	var p web.Problem
	if w.Code != status || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("got %d %s %s, want problem %d", w.Code, w.Header().Get("Content-Type"), w.Body, status)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if p.Status != status || p.Title != http.StatusText(status) || p.Type != "about:blank" || !strings.Contains(p.Detail, words) {
		t.Errorf("got %+v, want status %d and %q in the detail", p, status, words)
	}
}

func tokens(token string) (string, bool) { return "phone", token == "good" }

func TestHostNames(t *testing.T) {
	h := handler(t, newMemory(), web.Options{OpenLoopback: true, Hosts: []string{"hub.example.org"}, MQTT: http.NotFoundHandler()})
	for _, tt := range []struct {
		host string
		want int
	}{
		{"localhost", 200},
		{"localhost:1888", 200},
		{"LOCALHOST.:1888", 200},
		{"app.localhost:1888", 200},
		{"127.0.0.1:1888", 200},
		{"[::1]:1888", 200},
		{"192.168.1.5:1888", 200},
		{"[fe80::1%25eth0]:80", 200},
		{"homehub.local", 200},
		{"hub.example.org", 200},
		{"HUB.example.org:443", 200},
		{"evil.example.org", 421},
		{"hub.example.org.evil.net", 421},
		{"localhost.evil.net", 421},
		{"127.0.0.1.evil.net", 421},
		{"notlocalhost", 421},
		{".localhost.evil", 421},
		{"", 421},
	} {
		t.Run(tt.host, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/healthz", nil)
			r.Host = tt.host
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("got %d, want %d", w.Code, tt.want)
			}
			if tt.want == 421 && !strings.Contains(w.Body.String(), "web.hosts") {
				t.Errorf("%q does not say which setting to change", w.Body)
			}
		})
	}
	t.Run("the API answers with a problem", func(t *testing.T) {
		wantProblem(t, request{target: "/api/v1/devices", host: "evil.example.org"}.do(h), 421, "evil.example.org")
	})
	t.Run("MQTT is behind the same check", func(t *testing.T) {
		if w := (request{target: "/mqtt", host: "evil.example.org"}).do(h); w.Code != 421 {
			t.Errorf("got %d, want 421", w.Code)
		}
	})
	for _, bad := range []string{"", "http://hub", "hub:80", "*.example.org"} {
		if _, err := web.New(newMemory(), web.Options{Hosts: []string{bad}}); err == nil {
			t.Errorf("New took the host %q", bad)
		}
	}
}

func TestOrigins(t *testing.T) {
	mqtt := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	h := handler(t, newMemory(sampleHouse(start)...), web.Options{OpenLoopback: true, Authenticate: tokens, MQTT: mqtt})
	for _, tt := range []struct {
		name   string
		header map[string]string
		ok     bool
	}{
		{"a program sends no origin", nil, true},
		{"our own page", map[string]string{"Origin": "http://localhost:1888", "Sec-Fetch-Site": "same-origin"}, true},
		{"our own page behind a proxy that ends TLS", map[string]string{"Origin": "https://localhost:1888"}, true},
		{"another site", map[string]string{"Origin": "https://evil.example.org", "Sec-Fetch-Site": "cross-site"}, false},
		{"another site in an old browser", map[string]string{"Origin": "https://evil.example.org"}, false},
		{"another port of this machine", map[string]string{"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}, false},
		{"a sandboxed page", map[string]string{"Origin": "null"}, false},
		{"a page that hides its origin", map[string]string{"Sec-Fetch-Site": "cross-site"}, false},
		{"a page of this machine's that hides its origin", map[string]string{"Sec-Fetch-Site": "same-site"}, false},
		{"what is no origin at all", map[string]string{"Origin": "%%%"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, token := range []string{"", "Bearer good"} { // a token does not help a foreign page
				header := map[string]string{}
				for k, v := range tt.header {
					header[k] = v
				}
				if token != "" {
					header["Authorization"] = token
				}
				w := request{method: "PATCH", target: "/api/v1/devices/tv-plug", body: `{"name":"TV"}`, header: header}.do(h)
				if got := w.Code == 200; got != tt.ok || !tt.ok && w.Code != 403 {
					t.Errorf("PATCH with token %q: got %d", token, w.Code)
				}
			}
			if w := (request{target: "/mqtt", header: tt.header}).do(h); w.Code != http.StatusTeapot {
				t.Errorf("/mqtt, whose handler decides for itself: got %d", w.Code)
			}
		})
	}
}

func TestTwoOriginsAreNone(t *testing.T) {
	h := handler(t, newMemory(sampleHouse(start)...), web.Options{OpenLoopback: true})
	r := httptest.NewRequest("DELETE", "/api/v1/devices/tv-plug", nil)
	r.RemoteAddr, r.Host = "127.0.0.1:40000", "localhost:1888"
	r.Header["Origin"] = []string{"http://localhost:1888", "https://evil.example.org"}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	wantProblem(t, w, 403, "only its own pages may")
}

func TestWhoIsLetIn(t *testing.T) {
	open := handler(t, newMemory(), web.Options{OpenLoopback: true, Authenticate: tokens, Hosts: []string{"hub.example.org"}})
	shut := handler(t, newMemory(), web.Options{Authenticate: tokens})
	const lan = "192.168.1.40:50000"
	for _, tt := range []struct {
		name string
		req  request
		h    http.Handler
		want int
	}{
		{"a program on this machine", request{}, open, 200},
		{"a program on this machine over IPv6", request{from: "[::1]:50000", host: "[::1]:1888"}, open, 200},
		{"a program on this machine when loopback is not open", request{}, shut, 401},
		{"another machine", request{from: lan, host: "192.168.1.5:1888"}, open, 401},
		{"another machine that claims to be localhost", request{from: lan, host: "localhost:1888"}, open, 401},
		{"another machine with a token", request{from: lan, host: "192.168.1.5:1888", header: map[string]string{"Authorization": "Bearer good"}}, open, 200},
		{"the scheme's case does not matter", request{from: lan, header: map[string]string{"Authorization": "bearer good"}}, open, 200},
		{"another machine with a wrong token", request{from: lan, header: map[string]string{"Authorization": "Bearer bad"}}, open, 401},
		{"this machine with a wrong token", request{header: map[string]string{"Authorization": "Bearer bad"}}, open, 401},
		{"this machine with a password", request{header: map[string]string{"Authorization": "Basic Z29vZDpnb29k"}}, open, 401},
		{"another machine with a token of another scheme", request{from: lan, header: map[string]string{"Authorization": "Basic good"}}, open, 401},
		{"no address", request{from: "@", host: "localhost"}, open, 401},

		{"a proxy that keeps the name", request{host: "hub.example.org"}, open, 401},
		{"a proxy that keeps the LAN address", request{host: "192.168.1.5:1888"}, open, 401},
		{"a proxy that speaks HTTP/1.0", request{old: true}, open, 401},
		{"X-Forwarded-For", request{header: map[string]string{"X-Forwarded-For": "127.0.0.1"}}, open, 401},
		{"X-Forwarded-Proto", request{header: map[string]string{"X-Forwarded-Proto": "https"}}, open, 401},
		{"an empty X-Forwarded-For", request{header: map[string]string{"X-Forwarded-For": ""}}, open, 401},
		{"Forwarded", request{header: map[string]string{"Forwarded": "for=127.0.0.1"}}, open, 401},
		{"X-Real-IP", request{header: map[string]string{"X-Real-IP": "127.0.0.1"}}, open, 401},
		{"Via", request{header: map[string]string{"Via": "1.1 proxy"}}, open, 401},
		{"X-Client-IP", request{header: map[string]string{"X-Client-IP": "127.0.0.1"}}, open, 401},
		{"X-Original-Host", request{header: map[string]string{"X-Original-Host": "localhost"}}, open, 401},
		{"CF-Connecting-IP", request{header: map[string]string{"CF-Connecting-IP": "1.2.3.4"}}, open, 401},
		{"a proxy's request with a token", request{host: "hub.example.org", header: map[string]string{"X-Forwarded-For": "1.2.3.4", "Authorization": "Bearer good"}}, open, 200},

		{"a foreign page reads", request{header: map[string]string{"Origin": "https://evil.example.org"}}, open, 401},
		{"a foreign page embeds", request{header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}}, open, 401},
		{"a foreign page frames", request{header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}}, open, 401},
		{"a person follows a link", request{header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}}, open, 200},
		{"a foreign page asks as if a person followed a link", request{header: map[string]string{
			"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Origin": "https://evil.example.org",
		}}, open, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.req.target = "/api/v1/devices"
			w := tt.req.do(tt.h)
			if w.Code != tt.want {
				t.Fatalf("got %d %s, want %d", w.Code, w.Body, tt.want)
			}
			if tt.want == 401 {
				wantProblem(t, w, 401, "token")
				if !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("WWW-Authenticate is %q", w.Header().Get("WWW-Authenticate"))
				}
			}
		})
	}
	t.Run("whatever is asked for", func(t *testing.T) {
		source, err := os.ReadFile("web.go") // so that a path that is added there is looked at here
		if err != nil {
			t.Fatal(err)
		}
		routes := regexp.MustCompile(`(?m)^\tapi\("([^"]+)", methods\{(.+)\}\)$`).FindAllStringSubmatch(string(source), -1)
		if n := strings.Count(string(source), "\tapi("); len(routes) != n || n < 10 {
			t.Fatalf("of %d paths %d are understood", n, len(routes))
		}
		for _, route := range routes {
			target := strings.ReplaceAll("/api/v1"+route[1], "{id}", "tv-plug")
			for _, method := range regexp.MustCompile(`"([A-Z]+)"`).FindAllStringSubmatch(route[2], -1) {
				w := request{method: method[1], target: target, from: lan, host: "192.168.1.5:1888", body: "{}"}.do(open)
				if w.Code != 401 {
					t.Errorf("a stranger's %s %s is answered %d %s", method[1], target, w.Code, w.Body)
				}
			}
		}
	})
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 401, "/login": 200, "/static/base.css": 200, "/": 303, "/api/v1/nothing": 401} {
		if w := (request{target: path, from: lan}).do(open); w.Code != want {
			t.Errorf("a stranger gets %d at %s, want %d", w.Code, path, want)
		}
	}
}

func TestWrongTokensAreCounted(t *testing.T) {
	h := handler(t, newMemory(), web.Options{Authenticate: tokens})
	try := func(from, token string) *httptest.ResponseRecorder {
		return request{target: "/api/v1/devices", from: from, host: "192.168.1.5", header: map[string]string{"Authorization": "Bearer " + token}}.do(h)
	}
	for range 10 {
		if w := try("192.168.1.66:1", "bad"); w.Code != 401 {
			t.Fatalf("got %d, want 401", w.Code)
		}
	}
	w := try("192.168.1.66:2", "good")
	wantProblem(t, w, 429, "too many")
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if w := (request{method: "POST", target: "/api/v1/session", from: "192.168.1.66:3", body: `{"token":"good"}`}).do(h); w.Code != 429 {
		t.Errorf("signing in from the same address: got %d, want 429", w.Code)
	}
	if w := try("192.168.1.67:1", "good"); w.Code != 200 {
		t.Errorf("another address: got %d, want 200", w.Code)
	}
}

func TestWrongTokensAreCountedWhereBrowsersSignIn(t *testing.T) {
	h := handler(t, newMemory(), web.Options{Authenticate: tokens})
	in := func(token string) *httptest.ResponseRecorder {
		return request{method: "POST", target: "/api/v1/session", from: "192.168.1.66:1", host: "192.168.1.5", body: `{"token":"` + token + `"}`}.do(h)
	}
	for range 10 {
		if w := in("bad"); w.Code != 401 {
			t.Fatalf("got %d, want 401", w.Code)
		}
	}
	wantProblem(t, in("good"), 429, "too many")
}

func TestSession(t *testing.T) {
	valid := map[string]bool{"good": true}
	h := handler(t, newMemory(), web.Options{Authenticate: func(token string) (string, bool) { return "phone", valid[token] }})
	const lan = "192.168.1.40:1"
	in := func(body string) *httptest.ResponseRecorder {
		return request{method: "POST", target: "/api/v1/session", from: lan, host: "192.168.1.5", body: body}.do(h)
	}
	wantProblem(t, in(`{"token":"bad"}`), 401, "token")
	w := in(`{"token":" good\n"}`)
	cookies := w.Result().Cookies()
	if w.Code != 204 || len(cookies) != 1 {
		t.Fatalf("got %d and %v, want 204 and one cookie", w.Code, cookies)
	}
	c := cookies[0]
	if c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.MaxAge != 30*24*3600 || len(c.Value) < 20 || strings.Contains(c.Value, "good") {
		t.Errorf("unsafe cookie %+v", c)
	}
	overTLS := httptest.NewRequest("POST", "https://192.168.1.5/api/v1/session", strings.NewReader(`{"token":"good"}`))
	overTLS.RemoteAddr = lan
	overTLS.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, overTLS)
	if all := answer.Result().Cookies(); len(all) != 1 || !all[0].Secure {
		t.Errorf("over TLS the cookies are %v, want one that is never sent in the clear", all)
	}
	get := func(method, path, value string) *httptest.ResponseRecorder {
		return request{method: method, target: path, from: lan, host: "192.168.1.5", header: map[string]string{"Cookie": c.Name + "=" + value}}.do(h)
	}
	if w := get("GET", "/api/v1/session", c.Value); w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"name":"phone","by":"session"}` {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := get("GET", "/", c.Value); w.Code != 200 || !strings.Contains(w.Body.String(), "Sign out") {
		t.Errorf("the dashboard answers %d to who is signed in", w.Code)
	}
	if w := get("GET", "/api/v1/devices", c.Value+"x"); w.Code != 401 {
		t.Errorf("a wrong session gets %d, want 401", w.Code)
	}
	second := in(`{"token":"good"}`).Result().Cookies()[0].Value
	valid["good"] = false
	if w := get("GET", "/api/v1/devices", second); w.Code != 401 {
		t.Errorf("after its token was taken back, a session gets %d, want 401", w.Code)
	}
	valid["good"] = true
	if w := get("GET", "/api/v1/devices", second); w.Code != 401 {
		t.Errorf("a session that has ended came back with %d", w.Code)
	}
	if w := get("DELETE", "/api/v1/session", c.Value); w.Code != 204 || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("signing out: got %d and %v", w.Code, w.Result().Cookies())
	}
	if w := get("GET", "/api/v1/devices", c.Value); w.Code != 401 {
		t.Errorf("after signing out: got %d, want 401", w.Code)
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	h := handler(t, newMemory(), web.Options{OpenLoopback: true})
	for _, path := range []string{"/", "/login", "/api/v1/devices", "/healthz", "/static/app.js", "/nowhere"} {
		w := request{target: path}.do(h)
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s is open to other origins", path)
		}
	}
}
