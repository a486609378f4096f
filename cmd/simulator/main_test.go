package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"home.arpa/homehub/internal/outage"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"simulator": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:      "testdata/script",
		Deadline: time.Now().Add(10 * time.Minute), // what should fail at once may start to live instead
		Setup: func(e *testscript.Env) error {
			e.Setenv("NOBODY", nobody(t))
			return nil
		},
	})
}

// nobody is an address at which nobody listens.
func nobody(t *testing.T) string {
	address, err := outage.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func TestWithoutABrokerItSaysSoOnceAndStopsWhenItIsTold(t *testing.T) {
	cmd := exec.Command("simulator", "--broker", "mqtt://user:secret@"+nobody(t), "--seed", "2", "--devices", "5")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stderr := bufio.NewReader(pipe)
	line, err := stderr.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "simulator: nobody listens at the broker's address") {
		t.Errorf("it said %q (%v)", line, err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if rest, _ := stderr.ReadString(0); rest != "" {
		t.Errorf("it also said %q", rest)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	for _, want := range []string{"The pretend house: 5 devices", "seed 2, so it is Sunday, 15 November 2026, 07:00", "mqtt://user:xxxxx@"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("it printed\n%swithout %s", stdout.String(), want)
		}
	}
	if strings.Contains(stdout.String()+line, "secret") {
		t.Error("it printed the password")
	}
}
