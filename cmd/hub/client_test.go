package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// answers stands for the network: it counts the requests and answers each alike.
type answers struct {
	status int
	body   string
	seen   []*http.Request
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.seen = append(a.seen, r)
	return &http.Response{StatusCode: a.status, Status: http.StatusText(a.status), Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

// A token that has gone over plain HTTP by mistake is not sent once more as if nothing had happened; on this machine nobody listens.
func TestAHubThatSpeaksHTTPSIsAskedSoOnThisMachineOnly(t *testing.T) {
	for hub, want := range map[string]int{"hub.lan:1888": 1, "192.168.1.5:1888": 1, "127.0.0.1:1888": 2, "localhost:1888": 2} {
		c, err := newClient(hub, "")
		if err != nil {
			t.Fatal(err)
		}
		network := &answers{status: http.StatusBadRequest, body: wantsHTTPS + "\n"}
		c.http.Transport = network
		_, err = c.request(t.Context(), http.MethodGet, "/api/v1/status", nil, nil)
		if len(network.seen) != want || network.seen[want-1].URL.Scheme != map[int]string{1: "http", 2: "https"}[want] {
			t.Errorf("%s was asked %d times", hub, len(network.seen))
		}
		if want == 1 && (err == nil || !strings.Contains(err.Error(), "say https://"+hub)) {
			t.Errorf("%s: %v", hub, err)
		}
	}
}

func TestACertificateIsLookedAtUnlessTheHubIsOnThisMachine(t *testing.T) {
	for hub, loose := range map[string]bool{
		"https://hub.lan": false, "https://192.168.1.5": false, "https://localhost.evil.net": false, "https://localhost": true, "https://127.0.0.1:1888": true, "https://[::1]:1888": true,
	} {
		c, err := newClient(hub, "")
		if err != nil {
			t.Fatal(err)
		}
		config := c.http.Transport.(*http.Transport).TLSClientConfig
		if got := config != nil && config.InsecureSkipVerify; got != loose {
			t.Errorf("%s: certificates are not looked at: %t", hub, got)
		}
	}
}

func TestATokenGoesToTheHubThatWasNamedOnly(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another server was sent %s with the token %q", r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	got := ""
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(hub.Close)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("hh-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := newClient(hub.URL, file)
	if err != nil {
		t.Fatal(err)
	}
	var p problem
	if _, err := c.request(t.Context(), http.MethodGet, "/api/v1/status", nil, nil); !errors.As(err, &p) || p.Status != http.StatusTemporaryRedirect {
		t.Errorf("a redirect is answered by %v", err)
	}
	if got != "Bearer hh-secret" {
		t.Errorf("the hub was sent %q", got)
	}
}

func TestAHubThatIsNotReadySaysSo(t *testing.T) {
	c, err := newClient("127.0.0.1:1888", "")
	if err != nil {
		t.Fatal(err)
	}
	c.http.Transport = &answers{status: http.StatusServiceUnavailable, body: `{"title":"Service Unavailable","detail":"there is no broker"}`}
	if _, err := c.request(t.Context(), http.MethodGet, "/readyz", nil, nil); err == nil || err.Error() != "the hub is not ready: there is no broker" {
		t.Errorf("got %v", err)
	}
}
