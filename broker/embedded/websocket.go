package embedded

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// subprotocols are what a WebSocket client must offer one of: mqtt [MQTT-6.0.0-3], or mqttv3.1 for the oldest version.
var subprotocols = []string{"mqtt", "mqttv3.1"}

// WebSocket returns a handler that serves MQTT over WebSocket, to be mounted at a path such as /mqtt. Browsers are let in from pages
// of the host that they connect to and of Options.Origins. The handler returns when its connection has ended.
func (b *Broker) WebSocket() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !offers(r.Header) {
			http.Error(w, "this is an MQTT broker: the WebSocket subprotocol must be mqtt or mqttv3.1", http.StatusBadRequest)
			return
		}
		if page := foreignPage(r, b.options().Origins); page != "" {
			b.turnedAway(newConn(b, nil, webPeer(r)), classOrigin, page+" may not connect: mqtt.allowed_origins does not name it")
			http.Error(w, "pages of other hosts may use this MQTT broker only if mqtt.allowed_origins names them", http.StatusForbidden)
			return
		}
		p := webPeer(r)
		var err error
		if p.shown, err = b.shownIn(r.TLS); err != nil {
			why := "TLS: " + certificateReason(err)
			b.turnedAway(newConn(b, nil, p), classTLS, why)
			http.Error(w, why, http.StatusForbidden)
			return
		}
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: subprotocols, InsecureSkipVerify: true}) // the Origin, just verified
		if err != nil {
			b.log.Debug("no WebSocket connection", "address", r.RemoteAddr, "error", err)
			return
		}
		nc := &webConn{Conn: websocket.NetConn(context.WithoutCancel(r.Context()), ws, websocket.MessageBinary), ws: ws}
		b.serve(nc, p)
	})
}

// offers says whether a client offers one of our subprotocols.
func offers(h http.Header) bool {
	for _, line := range h.Values("Sec-WebSocket-Protocol") {
		for offer := range strings.SplitSeq(line, ",") {
			for _, ours := range subprotocols {
				if strings.EqualFold(strings.TrimSpace(offer), ours) {
					return true
				}
			}
		}
	}
	return false
}

// foreignPage names the page that a browser connects from when it may not; empty: no browser, a page of the host that is connected to, or
// one of origins. The scheme is not compared: a proxy may have ended the TLS.
func foreignPage(r *http.Request, origins []string) string {
	values := r.Header.Values("Origin")
	if len(values) == 0 { // browsers say it for WebSocket [RFC 6455, 10.2]; one that did not would tell this much
		if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
			return "a page that hides where it is from"
		}
		return ""
	}
	u, err := url.Parse(values[0])
	if err != nil || len(values) > 1 || u.Host == "" {
		return "a page of no host"
	}
	ours := func(host string) bool { return strings.EqualFold(u.Host, host) }
	if ours(r.Host) || slices.ContainsFunc(origins, ours) {
		return ""
	}
	return "a page of " + u.Host
}

// webPeer describes the client of a request. It counts as one on this machine only if nothing hints at a proxy, at a name that
// leads here from elsewhere, or at a page of another host.
func webPeer(r *http.Request) peer {
	p := peer{address: r.RemoteAddr, host: r.RemoteAddr, fragile: true}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return p
	}
	ip := at.Addr().Unmap()
	p.address, p.host = netip.AddrPortFrom(ip, at.Port()).String(), ip.String()
	p.local = ip.IsLoopback() && !forwarded(r.Header) && loopbackName(r.Host) && sameOrigin(r)
	return p
}

// forwarding are headers by which proxies say that a request is not their own; X-Forwarded-… and X-Original-… count, too. The pages go by the same.
var forwarding = []string{"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip"}

func forwarded(h http.Header) bool {
	for name := range h {
		if slices.Contains(forwarding, name) || strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "X-Original-") {
			return true
		}
	}
	return false
}

// loopbackName says whether a Host header names this machine as it names itself.
func loopbackName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true // not a browser
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

// webConn is a WebSocket connection as a stream of bytes. A read deadline that passes breaks it; the error says so in the way
// that other connections do.
type webConn struct {
	net.Conn
	ws       *websocket.Conn
	deadline atomic.Int64 // in nanoseconds, 0: none
}

func (c *webConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if at := c.deadline.Load(); err != nil && at != 0 && time.Now().UnixNano() >= at {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

func (c *webConn) SetReadDeadline(t time.Time) error {
	at := int64(0)
	if !t.IsZero() {
		at = t.UnixNano()
	}
	c.deadline.Store(at)
	return c.Conn.SetReadDeadline(t)
}

// Close closes without the closing handshake, for which a client that is gone would be waited for.
func (c *webConn) Close() error { return c.ws.CloseNow() }
