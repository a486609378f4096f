package embedded_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// web serves a broker over WebSocket and returns the URL.
func web(t *testing.T, b *brokertest.Broker) string {
	server := httptest.NewServer(b.WebSocket())
	t.Cleanup(server.Close)
	t.Cleanup(b.Stop) // before the server waits for its connections
	return "ws" + strings.TrimPrefix(server.URL, "http")
}

func dialWeb(t *testing.T, url string, o websocket.DialOptions) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience())
	defer cancel()
	return websocket.Dial(ctx, url, &o)
}

func TestWebSocket(t *testing.T) {
	b := brokertest.New(t)
	url := web(t, b)
	for version, protocol := range map[byte]string{3: "mqttv3.1", 4: "mqtt", 5: "mqtt"} {
		ws, _, err := dialWeb(t, url, websocket.DialOptions{Subprotocols: []string{protocol}})
		if err != nil {
			t.Fatal(err)
		}
		if got := ws.Subprotocol(); got != protocol {
			t.Errorf("the subprotocol is %q, want %q", got, protocol)
		}
		c := attach(t, websocket.NetConn(t.Context(), ws, websocket.MessageBinary))
		if code := c.hello(hello{version: version, id: "web" + protocol, keepAlive: 30})[1]; code != 0 {
			t.Fatalf("refused with %d", code)
		}
		c.subscribe(filter{"t", 2})
		packet := post{topic: "t", payload: strings.Repeat("x", 100_000)}.bytes(version)
		c.send(packet[:7]) // a packet may be cut into messages anywhere
		c.send(packet[7:50_000])
		c.send(join(packet[50_000:], []byte{0xC0, 0}))
		if m := c.receive(); len(m.payload) != 100_000 {
			t.Errorf("got %d bytes", len(m.payload))
		}
		c.expect(PINGRESP)
		if version == 5 {
			b.Disconnect("webmqtt")
			c.expectEnd(0x98)
		} else {
			c.goodbye()
		}
	}
}

func TestWebSocketWantsItsSubprotocol(t *testing.T) {
	url := web(t, brokertest.New(t))
	for _, protocols := range [][]string{nil, {"chat"}} {
		_, resp, err := dialWeb(t, url, websocket.DialOptions{Subprotocols: protocols})
		if err == nil || resp == nil || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("offering %v: %v, %v; want 400", protocols, resp, err)
		}
	}
}

func TestWebSocketEndsWithTextMessages(t *testing.T) {
	b := brokertest.New(t)
	ws, _, err := dialWeb(t, web(t, b), websocket.DialOptions{Subprotocols: []string{"mqtt"}})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	ctx, cancel := context.WithTimeout(t.Context(), patience())
	defer cancel()
	if err := ws.Write(ctx, websocket.MessageText, hello{id: "c"}.bytes()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ws.Read(ctx); websocket.CloseStatus(err) != websocket.StatusUnsupportedData {
		t.Errorf("got %v, want the close status for unsupported data", err)
	}
}

func TestWebSocketOriginAndTrust(t *testing.T) {
	b := brokertest.New(t, embedded.Options{Origins: []string{"panel.lan:8443"}})
	url := web(t, b)
	host := strings.TrimPrefix(url, "ws://")
	const refused, stranger, trusted = "403", "stranger", "trusted"
	tests := []struct {
		name   string
		host   string
		header http.Header
		want   string
	}{
		{"no browser", "", nil, trusted},
		{"a page of this host", "", http.Header{"Origin": {"http://" + host}}, trusted},
		{"localhost by name", "localhost:1888", nil, trusted},
		{"a page of this host by name", "localhost:1888", http.Header{"Origin": {"http://localhost:1888"}}, trusted},
		{"a page of another host", "", http.Header{"Origin": {"https://evil.example"}}, refused},
		{"a page of no host", "", http.Header{"Origin": {"null"}}, refused},
		{"what is no origin", "", http.Header{"Origin": {"%%%"}}, refused},
		{"a page that gives two origins", "", http.Header{"Origin": {"http://" + host, "https://evil.example"}}, refused},
		{"a page that hides where it is from", "", http.Header{"Sec-Fetch-Site": {"cross-site"}}, refused},
		{"a page of a configured host on another port", "", http.Header{"Origin": {"https://panel.lan"}}, refused},
		{"a page of a configured host is let in, but is a stranger", "", http.Header{"Origin": {"https://panel.lan:8443"}}, stranger},
		{"a page that has rebound its name to here", "evil.example", http.Header{"Origin": {"http://evil.example"}}, stranger},
		{"a foreign host name", "hub.lan", nil, stranger},
		{"a proxy", "", http.Header{"X-Forwarded-For": {"192.168.1.40"}}, stranger},
		{"a proxy that follows the standard", "", http.Header{"Forwarded": {"for=192.168.1.40"}}, stranger},
		{"a proxy of another kind", "", http.Header{"X-Real-Ip": {"192.168.1.40"}}, stranger},
		{"a proxy that names the client in its own way", "", http.Header{"X-Client-Ip": {"192.168.1.40"}}, stranger},
		{"a proxy that names the host it was called by", "", http.Header{"X-Original-Host": {"hub.example"}}, stranger},
		{"a proxy of the cloud", "", http.Header{"Cf-Connecting-Ip": {"192.168.1.40"}}, stranger},
		{"a proxy that says nothing in its header", "", http.Header{"X-Forwarded-For": {""}}, stranger},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ws, resp, err := dialWeb(t, url, websocket.DialOptions{Subprotocols: []string{"mqtt"}, Host: test.host, HTTPHeader: test.header})
			if test.want == refused {
				if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
					t.Errorf("got %v, %v; want 403", resp, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			c := attach(t, websocket.NetConn(t.Context(), ws, websocket.MessageBinary))
			code := c.hello(hello{id: "c"})[1]
			if want := map[string]byte{trusted: 0, stranger: 5}[test.want]; code != want {
				t.Errorf("the answer is %d, want %d", code, want)
			}
		})
	}
	all := b.Refusals()
	if !slices.ContainsFunc(all, func(r embedded.Refusal) bool {
		return r.Address == "127.0.0.1" && r.Reason == "a page of evil.example may not connect: mqtt.allowed_origins does not name it"
	}) {
		t.Errorf("the page that was refused is not listed: %+v", all)
	}
	if n := b.Stats().Refused["origin"]; n != 6 {
		t.Errorf("%d pages are counted, want 6", n)
	}
}

func TestWebSocketKeepAlive(t *testing.T) {
	b := brokertest.New(t, embedded.Options{ConnectTimeout: time.Second})
	url := web(t, b)
	ws, _, err := dialWeb(t, url, websocket.DialOptions{Subprotocols: []string{"mqtt"}})
	if err != nil {
		t.Fatal(err)
	}
	silent := attach(t, websocket.NetConn(t.Context(), ws, websocket.MessageBinary))
	ws, _, err = dialWeb(t, url, websocket.DialOptions{Subprotocols: []string{"mqtt"}})
	if err != nil {
		t.Fatal(err)
	}
	c := attach(t, websocket.NetConn(t.Context(), ws, websocket.MessageBinary))
	c.hello(hello{id: "c", keepAlive: 1})
	c.expectEnd(0)
	silent.expectEnd(0)
}
