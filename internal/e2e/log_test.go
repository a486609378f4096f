package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// greet connects an MQTT 3.1.1 client, and waits until it is served: for CONNACK, and for the answer to a PINGREQ.
func greet(t *testing.T, address, id string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, limit)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(limit))
	packet := append([]byte{0x10, byte(12 + len(id)), 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, byte(len(id))}, id...)
	if _, err := c.Write(append(packet, 0xC0, 0)); err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	if _, err := io.ReadFull(c, make([]byte, 4+2)); err != nil {
		t.Fatalf("%s is not served: %v", id, err)
	}
	return c
}

// A reader of the log that hangs holds up no client: neither those that are there, nor those that come. It has missed nothing when it
// reads again.
func TestALogThatNobodyReadsHoldsNobodyUp(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	cmd := exec.Command(ours("hub"), "serve", "--data-dir", t.TempDir(), "--mqtt-listen", "127.0.0.1:0", "--web-listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	cmd.Stderr = writer
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has ended, if all went well
		_ = cmd.Wait()
	})
	writer.Close()
	address := ""
	for lines := bufio.NewScanner(out); address == "" && lines.Scan(); {
		if m := regexp.MustCompile(`mqtt://(127\.0\.0\.1:\d+)`).FindStringSubmatch(lines.Text()); m != nil {
			address = m[1]
		}
	}
	if address == "" {
		t.Fatal("the hub has not said where it listens")
	}

	const clients = 800 // what is said of them is several times what fits into a pipe
	first := greet(t, address, "first")
	defer first.Close()
	for n := range clients {
		greet(t, address, fmt.Sprintf("client-%d", n)).Close()
	}
	if _, err := first.Write([]byte{0xC0, 0}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(first, make([]byte, 2)); err != nil {
		t.Fatalf("a client that was there gets no answer: %v", err)
	}

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the hub ended with %v", err)
	}
	came, went := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile(`msg="client (connected|disconnected)".* client=(client-\d+|first) `).FindAllStringSubmatch(string(text), -1) {
		if id := m[2]; m[1] == "connected" {
			came[id] = true
		} else if went[id] = true; !came[id] {
			t.Errorf("%s went before it came", id)
		}
	}
	if len(came) != clients+1 || len(went) != clients+1 {
		t.Errorf("of %d clients %d came and %d went in the log", clients+1, len(came), len(went))
	}
}

// What was logged stands before the error that the program ends with.
func TestTheLogIsCompleteWhenTheProgramFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	data := t.TempDir()
	journal := filepath.Join(data, "broker", "journal-000000000001")
	if err := os.MkdirAll(filepath.Dir(journal), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(journal, []byte(strings.Repeat("no journal ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code := call(t, "hub", "serve", "--data-dir", data, "--mqtt-listen", "127.0.0.1:0", "--web-listen", taken.Addr().String())
	if code == 0 || !regexp.MustCompile(`(?s)the journal is damaged.*\nhub: [^\n]*is taken by another program[^\n]*\n$`).MatchString(out) {
		t.Errorf("exit %d\n%s", code, out)
	}
}
