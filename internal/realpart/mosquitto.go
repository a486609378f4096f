package realpart

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Mosquitto starts a real mosquitto on a free port of loopback until the test's end, with more lines of configuration, and returns its
// address. It keeps nothing on disk. Like Find it skips the test where there is no mosquitto.
func Mosquitto(tb testing.TB, config string) (address string) {
	tb.Helper()
	program := Find(tb, "mosquitto", "mosquitto")
	who, err := user.Current() // else a mosquitto of root's would become somebody who may not read our files
	if err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(tb.TempDir(), "mosquitto.conf")
	said := ""
	for range 3 { // somebody else may take the port between our asking and its binding
		address = freeAddress(tb)
		_, port, _ := net.SplitHostPort(address)
		text := "user " + who.Username + "\nlistener " + port + " 127.0.0.1\npersistence false\nlog_dest stderr\n" + config
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
		running := false
		if said, running = run(tb, exec.Command(program, "-c", file)); running {
			return address
		}
	}
	tb.Fatalf("mosquitto does not start: %s", said)
	return ""
}

// run starts mosquitto and waits until it says that it runs, or ends, and returns what it has said until then.
func run(tb testing.TB, cmd *exec.Cmd) (said string, running bool) {
	heard := &log{running: make(chan struct{})}
	cmd.Stderr = heard
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed
		close(gone)
	}()
	tb.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-gone
		if tb.Failed() {
			tb.Logf("mosquitto said:\n%s", heard.text())
		}
	})
	select {
	case <-heard.running:
		return "", true
	case <-gone:
	case <-time.After(30 * time.Second):
	}
	return heard.text(), false
}

// log takes what mosquitto says.
type log struct {
	running chan struct{} // is closed when it says that it runs: it listens then

	mu   sync.Mutex
	said bytes.Buffer
	runs bool
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said.Write(b)
	if !l.runs && strings.Contains(l.said.String(), " running\n") {
		l.runs = true
		close(l.running)
	}
	return len(b), nil
}

func (l *log) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.String()
}

// freeAddress is an address of loopback at which nobody listened a moment ago.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
