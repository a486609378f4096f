package outage_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"home.arpa/homehub/internal/outage"
)

// TestMain makes the tests' own program a parent that starts a child, tells its number, and waits to be killed.
func TestMain(m *testing.M) {
	if os.Getenv("OUTAGE_PARENT") == "" {
		os.Exit(m.Run())
	}
	child, err := outage.Start(outage.Program{Path: "sleep", Args: []string{"600"}})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(child.PID())
	<-child.Done()
}

func TestAProcessEndsWithItsParent(t *testing.T) {
	if _, err := exec.LookPath("sleep"); err != nil {
		t.Skip(err)
	}
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "OUTAGE_PARENT=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = parent.Process.Kill() // it has ended, if all went well
		_ = parent.Wait()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the parent says %q", line)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the child does not run: %v", err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); alive(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the child outlives its parent")
		}
	}
}

// alive says whether a process runs; one that has ended and that nobody has asked about does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

func TestAProcessHandsOnWhatItPrintsAndIsKilled(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	var out strings.Builder
	p, err := outage.Start(outage.Program{Path: "sh", Args: []string{"-c", "echo one; echo $TWO >&2"}, Env: []string{"TWO=two"}, Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if out.String() != "one\ntwo\n" || p.Code() != 0 {
		t.Errorf("it printed %q and ended with %s", out.String(), p.Ended())
	}
	if p, err = outage.Start(outage.Program{Path: "sleep", Args: []string{"600"}}); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	if p.Code() != -1 || !strings.Contains(p.Ended(), "killed") {
		t.Errorf("it ended with %s", p.Ended())
	}
	if _, err := outage.Start(outage.Program{Path: "/nowhere/at/all"}); err == nil {
		t.Error("a program that is not there was started")
	}
}
