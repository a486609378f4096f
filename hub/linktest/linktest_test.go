package linktest_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/remote"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/linktest"
	"home.arpa/homehub/internal/realpart"
)

var _ hub.Link = (*remote.Link)(nil)

func TestEmbeddedLink(t *testing.T) {
	linktest.Run(t, func(t *testing.T) linktest.Setup {
		b := brokertest.New(t)
		return linktest.Setup{Link: b.Link(), Settle: settle, Peer: peers(overPipe(b))}
	})
}

func TestRemoteLinkToTheEmbeddedBroker(t *testing.T) {
	linktest.Run(t, func(t *testing.T) linktest.Setup {
		b := brokertest.New(t)
		return linktest.Setup{Link: open(t, overPipe(b), "hub"), Settle: settle, Peer: peers(overPipe(b))}
	})
}

func TestRemoteLinkToMosquitto(t *testing.T) {
	program := realpart.Find(t, "mosquitto", "mosquitto")
	linktest.Run(t, func(t *testing.T) linktest.Setup {
		o := remote.Options{URL: "mqtt://" + startMosquitto(t, program)}
		return linktest.Setup{Link: open(t, o, "hub"), Settle: settle, Peer: peers(o)}
	})
}

func overPipe(b *brokertest.Broker) remote.Options {
	return remote.Options{Dial: func(context.Context) (net.Conn, error) { return b.Dial(), nil }}
}

func open(t *testing.T, o remote.Options, id string) *remote.Link {
	t.Helper()
	o.ClientID = id
	l, err := remote.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func settle(ctx context.Context, l hub.Link) error {
	if r, ok := l.(*remote.Link); ok {
		return r.Sync(ctx)
	}
	return nil // a subscription of the embedded link is in force when the call returns
}

var peerNumber atomic.Int64

func peers(o remote.Options) func(*testing.T, hub.LinkHandler) hub.Link {
	return func(t *testing.T, h hub.LinkHandler) hub.Link {
		t.Helper()
		l := open(t, o, fmt.Sprintf("peer-%d", peerNumber.Add(1)))
		run(t, l, h)
		return l
	}
}

// run runs a link until the test ends, and returns when it is up.
func run(t *testing.T, l *remote.Link, h broker.Handler) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, h) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if err := l.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// startMosquitto starts a broker on a free port of this machine and returns its address.
func startMosquitto(t *testing.T, program string) string {
	t.Helper()
	for range 5 { // between finding a free port and using it somebody else may take it
		if address, ok := tryMosquitto(t, program); ok {
			return address
		}
	}
	t.Fatal("mosquitto does not start")
	return ""
}

func tryMosquitto(t *testing.T, program string) (address string, ok bool) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(address, ":")
	config := filepath.Join(t.TempDir(), "mosquitto.conf")
	if err := os.WriteFile(config, []byte("listener "+port+" 127.0.0.1\nallow_anonymous true\nlog_dest stderr\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-c", config)
	said := &announcement{word: []byte(" running"), heard: make(chan struct{})}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // killed at the end
		close(ended)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	select {
	case <-said.heard:
		return address, true
	case <-ended:
		return "", false
	}
}

// announcement waits for a word in what a program says.
type announcement struct {
	word  []byte
	heard chan struct{}
	text  []byte
	done  bool
}

func (a *announcement) Write(p []byte) (int, error) {
	if !a.done {
		if a.text = append(a.text, p...); bytes.Contains(a.text, a.word) {
			a.done = true
			close(a.heard)
		}
	}
	return len(p), nil
}
