package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// contentPolicy lets a page use what the hub itself serves, and nothing inline.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard is what every request passes before anything looks at its path: it sets the headers that bind browsers, refuses
// foreign names and foreign pages, and counts.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if r.ContentLength != 0 { // whether or not anybody reads it: what is left of a body the server reads when it has answered
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // a recorder in a test cannot
		}

		if !s.hostKnown(r.Host) {
			s.metrics.refused.WithLabelValues("host").Inc()
			refuse(w, r, http.StatusMisdirectedRequest, fmt.Sprintf("this hub does not go by the name %.100q. If that is its "+
				"name in your network, add it to web.hosts in the configuration (or to $HUB_WEB_HOSTS) and start the hub "+
				"again; until then, use its IP address", hostname(r.Host)))
			return
		}
		if r.URL.Path == "/mqtt" && s.o.MQTT != nil {
			s.o.MQTT.ServeHTTP(w, r)
			return
		}
		if !safe(r.Method) && !ownOrigin(r) {
			s.metrics.refused.WithLabelValues("origin").Inc()
			refuse(w, r, http.StatusForbidden, fmt.Sprintf("pages of %.100q may not use this hub; only its own pages may", r.Header.Get("Origin")))
			return
		}

		s.inflight.RLock()
		defer s.inflight.RUnlock()
		if s.closed {
			problem(w, http.StatusServiceUnavailable, "the hub is stopping")
			return
		}
		rec := &recorder{ResponseWriter: w, code: http.StatusOK}
		begun := time.Now()
		defer func() { s.metrics.request(r, rec.code, time.Since(begun)) }()
		next.ServeHTTP(rec, r)
	})
}

// recorder remembers the status of an answer. http.ResponseController finds the rest through Unwrap.
type recorder struct {
	http.ResponseWriter
	code  int
	wrote bool
}

func (r *recorder) WriteHeader(code int) {
	if !r.wrote {
		r.code, r.wrote = code, true
	}
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.wrote = true
	return r.ResponseWriter.Write(b)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// knownHosts are the names by which this machine may be called: those that it gives itself, and extra.
func knownHosts(extra []string) (map[string]bool, error) {
	known := map[string]bool{"localhost": true, "homehub.local": true}
	if name, err := os.Hostname(); err == nil && name != "" {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		known[name] = true
		short, _, _ := strings.Cut(name, ".")
		known[short], known[short+".local"] = true, true
	}
	for _, name := range extra {
		if name == "" || strings.ContainsAny(name, "/: *") {
			return nil, fmt.Errorf("checking the host %q: want a name without scheme, port or wildcard, such as hub.example.org", name)
		}
		known[strings.ToLower(strings.TrimSuffix(name, "."))] = true
	}
	return known, nil
}

// hostKnown says whether a Host header names this machine. A name that anybody can point here by DNS must be a known one,
// or else a page of that name could talk to the hub as if it were the hub's own (DNS rebinding). An IP address cannot be
// pointed anywhere, so that any is good: behind a container's port mapping the hub does not know its own.
func (s *Server) hostKnown(host string) bool {
	name := hostname(host)
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return s.hosts[name] || strings.HasSuffix(name, ".localhost")
}

// hostname is a Host header without port, brackets and trailing dot, in lower case.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// ownOrigin says whether a request comes from the hub's own pages, or from no page at all: programs send neither header.
func ownOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return false
	}
	return sameOrigin(r)
}

// sameOrigin says whether the Origin header, if there is one, has the host and port of the Host header. The scheme is not
// compared: a proxy may have ended the TLS.
func sameOrigin(r *http.Request) bool {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return true
	}
	u, err := url.Parse(values[0])
	return err == nil && len(values) == 1 && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// forwarding are headers by which proxies say that a request is not their own; X-Forwarded-… and X-Original-… count, too.
var forwarding = []string{"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip"}

// trusted says whether a request can be trusted to come from a program or a browser on this machine: over the loopback
// interface, to a loopback name or address, not from a page of somebody else's, and through no proxy that says so of itself.
// The broker goes by the same behind /mqtt; it must not import this package.
//
// A proxy on this machine that hides that it is one cannot be told from a local program; those that speak HTTP/1.0, as
// some do unless told otherwise, are.
func trusted(r *http.Request) bool {
	if peer := peerAddress(r); !peer.IsLoopback() || !r.ProtoAtLeast(1, 1) {
		return false
	}
	name := hostname(r.Host)
	if addr, err := netip.ParseAddr(name); err == nil {
		if !addr.Unmap().IsLoopback() {
			return false
		}
	} else if name != "localhost" && !strings.HasSuffix(name, ".localhost") {
		return false
	}
	for _, h := range forwarding {
		if _, ok := r.Header[h]; ok {
			return false
		}
	}
	for h := range r.Header {
		if strings.HasPrefix(h, "X-Forwarded-") || strings.HasPrefix(h, "X-Original-") {
			return false
		}
	}
	if ownOrigin(r) {
		return true
	}
	// Following a link from somewhere to the hub's page shows it to the person only.
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" &&
		r.Header.Get("Sec-Fetch-Dest") == "document" && sameOrigin(r)
}

// peerAddress is the IP address at the other end of the connection; the zero Addr when there is none.
func peerAddress(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
