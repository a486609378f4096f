package app_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"home.arpa/homehub/internal/app"
	"home.arpa/homehub/internal/certificate"
	"home.arpa/homehub/internal/config"
)

// The pages check the names by which a browser calls this machine, the broker the pages that it comes from: what the configuration allows has
// to pass both.
func TestAPageOfAnAllowedOriginReachesTheBroker(t *testing.T) {
	cfg := settings(t)
	cfg.MQTT.AllowedOrigins = []string{"panel.lan:8443"}
	url, stop := running(t, func(ctx context.Context, o app.Options) error { return app.Serve(ctx, cfg, o) })
	for _, test := range []struct {
		name string
		page http.Header
		want int
	}{
		{"no page", nil, http.StatusSwitchingProtocols},
		{"the hub's own", http.Header{"Origin": {url}, "Sec-Fetch-Site": {"same-origin"}}, http.StatusSwitchingProtocols},
		{"one that is allowed", http.Header{"Origin": {"https://panel.lan:8443"}, "Sec-Fetch-Site": {"cross-site"}}, http.StatusSwitchingProtocols},
		{"one of the same host and another port", http.Header{"Origin": {"https://panel.lan"}, "Sec-Fetch-Site": {"cross-site"}}, http.StatusForbidden},
		{"another one", http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}, http.StatusForbidden},
		{"one that hides its origin", http.Header{"Sec-Fetch-Site": {"cross-site"}}, http.StatusForbidden},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		ws, resp, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(url, "http")+"/mqtt",
			&websocket.DialOptions{Subprotocols: []string{"mqtt"}, HTTPHeader: test.page})
		switch {
		case resp == nil:
			t.Errorf("%s: %v", test.name, err)
		case resp.StatusCode != test.want:
			t.Errorf("%s: the answer is %d, want %d", test.name, resp.StatusCode, test.want)
		}
		if err == nil {
			_ = ws.CloseNow()
		}
		cancel()
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// Over secure WebSocket a client certificate is the user, as it is over TLS, and the pages need none.
func TestACertificateLogsInOverSecureWebSocket(t *testing.T) {
	dir := t.TempDir()
	a, err := certificate.NewAuthority(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := a.Server([]string{"127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range []string{"lamp", "lost"} {
		if files[name], _, err = a.Client(name, dir, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, _, err := a.Revoke(files["lost"], time.Now()); err != nil {
		t.Fatal(err)
	}
	cfg := settings(t)
	cfg.MQTT.Anonymous, cfg.Web.TLS.Cert, cfg.Web.TLS.Key = "never", cert, key
	cfg.MQTT.TLS = config.MQTTTLS{
		Listen: "127.0.0.1:0", Cert: cert, Key: key, ClientCA: filepath.Join(dir, certificate.AuthorityCert),
		ClientCRL: filepath.Join(dir, certificate.RevokedList), ClientAuth: "required",
	}
	url, stop := running(t, func(ctx context.Context, o app.Options) error { return app.Serve(ctx, cfg, o) })
	for name, want := range map[string]int{"lamp": 0, "": 5, "lost": http.StatusForbidden} {
		c := &tls.Config{InsecureSkipVerify: true}
		if name != "" {
			pair, err := tls.LoadX509KeyPair(files[name], strings.TrimSuffix(files[name], ".crt")+".key")
			if err != nil {
				t.Fatal(err)
			}
			c.Certificates = []tls.Certificate{pair}
		}
		transport := &http.Transport{TLSClientConfig: c}
		browser := &http.Client{Transport: transport}
		if resp, err := browser.Get(url + "/healthz"); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%q: the page answers %v, %v", name, resp, err)
		} else {
			resp.Body.Close()
		}
		if got := overWebSocket(t, browser, url); got != want {
			t.Errorf("%q is answered %d, want %d", name, got, want)
		}
		transport.CloseIdleConnections()
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// overWebSocket connects without a login, and returns the code of the broker's answer, or the status of the page's if that is no.
func overWebSocket(t *testing.T, browser *http.Client, url string) int {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	ws, resp, err := websocket.Dial(ctx, "wss"+strings.TrimPrefix(url, "https")+"/mqtt", &websocket.DialOptions{Subprotocols: []string{"mqtt"}, HTTPClient: browser})
	if err != nil && resp != nil {
		return resp.StatusCode
	}
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	if err := ws.Write(ctx, websocket.MessageBinary, []byte("\x10\x0D\x00\x04MQTT\x04\x02\x00\x00\x00\x01c")); err != nil {
		t.Fatal(err)
	}
	_, answer, err := ws.Read(ctx)
	if err != nil || len(answer) != 4 {
		t.Fatalf("the answer is % x, %v", answer, err)
	}
	return int(answer[3])
}
