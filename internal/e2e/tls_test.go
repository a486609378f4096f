package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"home.arpa/homehub/internal/realpart"
)

// secure is a hub that speaks TLS on all its ports, with certificates of its own making.
type secure struct {
	house
	mqtts              string // the port
	data, config, text string
	ca, cert, key      string // the authority's certificate; a client's pair, in the name of lamp
}

// serveTLS makes certificates and starts a hub with them; more is added to the configuration under mqtt.tls.
func serveTLS(t *testing.T, more string) secure {
	t.Helper()
	data, dir := t.TempDir(), t.TempDir()
	must(t, "hub", "cert", "make", "--data-dir", data)
	must(t, "hub", "cert", "add", "lamp", "--data-dir", data, "--out", dir)
	s := secure{data: data, config: filepath.Join(dir, "hub.yaml"), cert: filepath.Join(dir, "lamp.crt"), key: filepath.Join(dir, "lamp.key")}
	made := filepath.Join(data, "certificates")
	s.ca = filepath.Join(made, "ca.crt")
	pair := fmt.Sprintf("    cert: %s\n    key: %s\n", filepath.Join(made, "hub.crt"), filepath.Join(made, "hub.key"))
	s.text = "mqtt:\n  listen: none\n  anonymous: never\n  tls:\n    listen: 127.0.0.1:0\n" + pair + "    client_ca: " + s.ca + "\n" + more +
		"web:\n  listen: 127.0.0.1:0\n  tls:\n" + pair
	s.configure(t, s.text)
	p := start(t, "hub", "serve", "--data-dir", data, "--config", s.config)
	s.house = house{p, "", p.expect(`https://127\.0\.0\.1:(\d+)`)[1]}
	s.mqtts = p.expect(`mqtts://127\.0\.0\.1:(\d+)`)[1]
	p.expect(`Ctrl-C stops it`)
	return s
}

// configure puts a configuration in place as editors do.
func (s secure) configure(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(s.config+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.config+".new", s.config); err != nil {
		t.Fatal(err)
	}
}

// trusting is a client's configuration for TLS.
func (s secure) trusting(t *testing.T) *tls.Config {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(readFile(t, s.ca))) {
		t.Fatal("the authority's certificate is none")
	}
	return &tls.Config{RootCAs: roots}
}

// shown is the serial number of the certificate that a port shows.
func (s secure) shown(t *testing.T, port string) string {
	t.Helper()
	c, err := tls.Dial("tcp", "127.0.0.1:"+port, s.trusting(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func TestTheCommandsLookIntoAHubThatSpeaksHTTPS(t *testing.T) {
	s := serveTLS(t, "")
	here := "127.0.0.1:" + s.web
	must(t, "hub", "status", "--ready", "--hub", "http://"+here) // as the health check of the image does
	must(t, "hub", "status", "--ready", "--hub", "https://localhost:"+s.web)
	if text := must(t, "hub", "status", "--hub", here); !strings.Contains(text, "https://"+here) {
		t.Errorf("the hub's status is %s", text)
	}
	if text, code := call(t, "hub", "device", "set", "nothing", "light/on", "true", "--hub", here); code != 1 || !strings.Contains(text, "no device") {
		t.Errorf("a command to a device that there is not ends with %d: %s", code, text)
	}

	// What is another machine's is trusted by its certificate only, and not talked to in plain by mistake.
	there := "0.0.0.0:" + s.web // which is reached, and is no loopback address
	for address, want := range map[string]string{"http://" + there: "speaks HTTPS only; say https://" + there, "https://" + there: "is not trusted .*SSL_CERT_FILE"} {
		text, code := call(t, "hub", "status", "--hub", address)
		if found, err := regexp.MatchString(want, text); err != nil || code != 1 || !found {
			t.Errorf("%s: ends with %d: %s", address, code, text)
		}
	}
	s.stop()
}

func TestMosquittosClientsSpeakTLS(t *testing.T) {
	publisher, subscriber := realpart.Find(t, "mosquitto-clients", "mosquitto_pub"), realpart.Find(t, "mosquitto-clients", "mosquitto_sub")
	s := serveTLS(t, "    client_auth: required\n")
	base := []string{"-h", "localhost", "-p", s.mqtts, "--cafile", s.ca}
	known := append(base, "--cert", s.cert, "--key", s.key)
	watch := start(t, subscriber, append(known, "-v", "-t", "#", "-q", "1")...)
	s.expect(`user=lamp`)
	watch.listens(func() { must(t, publisher, append(known, "-t", "ready", "-m", "?")...) })
	must(t, publisher, append(known, "-t", "greeting", "-m", "hello over TLS", "-q", "2")...)
	watch.expect(`greeting hello over TLS`)

	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no certificate", base, `TLS: it shows no certificate`},
		{"another authority", []string{"-h", "localhost", "-p", s.mqtts, "--cafile", "/etc/ssl/certs/ca-certificates.crt"}, `TLS: it .*does not accept the hub's certificate`},
		{"plain MQTT", []string{"-h", "localhost", "-p", s.mqtts}, `TLS: it does not speak TLS`},
	} {
		if _, code := call(t, publisher, append(c.args, "-t", "x", "-m", "1", "-q", "1")...); code == 0 {
			t.Errorf("%s: it was let in", c.name)
		}
		s.expect(c.want)
	}
	if strings.Contains(watch.text(), "x 1") {
		t.Error("a message of somebody who was refused arrived")
	}
	s.stop()
}

func TestHTTPSAndSecureWebSocket(t *testing.T) {
	s := serveTLS(t, "")
	transport := &http.Transport{TLSClientConfig: s.trusting(t)}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: limit}
	resp, err := client.Get("https://localhost:" + s.web + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.TLS.Version < tls.VersionTLS12 {
		t.Errorf("the page answers %s over TLS %x", resp.Status, resp.TLS.Version)
	}
	plain, err := http.Get("http://localhost:" + s.web + "/")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(plain.Body)
	plain.Body.Close()
	if plain.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "HTTPS") {
		t.Errorf("plain HTTP is answered %s: %s", plain.Status, text)
	}
	must(t, "hub", "user", "add", "phone", "--data-dir", s.data, "--save", filepath.Join(s.data, "phone"))
	secret := strings.TrimSpace(readFile(t, filepath.Join(s.data, "phone")))
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	field := func(s string) string { return string([]byte{0, byte(len(s))}) + s }
	body := "\x00\x04MQTT\x04\xC2\x00\x00" + field("phone") + field("phone") + field(secret)
	eventually(t, "the new user logs in", func() bool {
		ws, _, err := websocket.Dial(ctx, "wss://localhost:"+s.web+"/mqtt", &websocket.DialOptions{Subprotocols: []string{"mqtt"}, HTTPClient: client})
		if err != nil {
			t.Fatal(err)
		}
		defer ws.CloseNow()
		if err := ws.Write(ctx, websocket.MessageBinary, append([]byte{0x10, byte(len(body))}, body...)); err != nil {
			t.Fatal(err)
		}
		_, answer, err := ws.Read(ctx)
		return err == nil && string(answer) == "\x20\x02\x00\x00"
	})
	s.stop()
}

func TestEverythingIsReloadedWhileClientsStay(t *testing.T) {
	subscriber := realpart.Find(t, "mosquitto-clients", "mosquitto_sub")
	publisher := realpart.Find(t, "mosquitto-clients", "mosquitto_pub")
	if runtime.GOOS == "windows" {
		t.Skip("left out: there is no signal HUP")
	}
	s := serveTLS(t, "")
	known := []string{"-h", "localhost", "-p", s.mqtts, "--cafile", s.ca, "--cert", s.cert, "--key", s.key}
	watch := start(t, subscriber, append(known, "-v", "-t", "#", "-q", "1", "-i", "watch")...)
	s.expect(`user=lamp`)
	watch.listens(func() {
		must(t, publisher, "-h", "localhost", "-p", s.mqtts, "--cafile", s.ca, "--cert", s.cert, "--key", s.key, "-t", "ready", "-m", "?")
	})

	// A renewed certificate, on both ports.
	first := s.shown(t, s.mqtts)
	must(t, "hub", "cert", "make", "--data-dir", s.data)
	eventually(t, "the renewed certificate is shown", func() bool { return s.shown(t, s.mqtts) != first && s.shown(t, s.web) == s.shown(t, s.mqtts) })

	// A signal, and a mistake that refuses everything.
	hup := func() {
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	s.configure(t, s.text+"log:\n  level: debug\n  colour: red\n")
	hup()
	s.expect(`level=ERROR msg="not reloaded, the hub goes on as it was" component=reload problem="` + s.config + `:\d+: log\.colour: unknown key`)
	s.configure(t, s.text+"log:\n  level: debug\n")
	hup()
	s.expect(`level=INFO msg=reloaded component=reload changed="?log\.level`)

	// A change of the file alone; a port waits for a restart.
	s.configure(t, strings.Replace(s.text, "anonymous: never", "anonymous: always", 1)+"time_zone: Europe/Berlin\n")
	s.expect(`changed="mqtt\.anonymous, log\.level`)
	s.expect(`level=WARN msg="needs a restart of the hub" component=reload changed=time_zone`)
	must(t, publisher, "-h", "localhost", "-p", s.mqtts, "--cafile", s.ca, "-t", "now", "-m", "anonymous", "-q", "1")
	watch.expect(`now anonymous`) // over the connection that was there all the time
	if n := strings.Count(s.program.text(), `msg="client connected" component=broker client=watch`); n != 1 {
		t.Errorf("the subscriber connected %d times", n)
	}
	s.stop()
}

func TestTheServiceReloadsByASignal(t *testing.T) {
	unit := readFile(t, filepath.Join(root, "configs/systemd/homehub.service"))
	if !strings.Contains(unit, "\nExecReload=/bin/kill -HUP $MAINPID\n") {
		t.Error("the unit does not say how the service is reloaded")
	}
	if runtime.GOOS == "windows" {
		t.Skip("left out: there is no signal HUP")
	}
	h := serve(t, t.TempDir()) // without a file
	if err := h.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	h.expect(`msg=reloaded component=reload changed=nothing`)
	h.stop()
}
