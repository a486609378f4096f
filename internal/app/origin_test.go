package app_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"home.arpa/homehub/internal/app"
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
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
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
