package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

// limit bounds every wait of these tests; reaching it is a failure, never a result.
const limit = time.Minute

// tester is what *testing.T and *testscript.TestScript have in common.
type tester interface {
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// program is this program, running as a process of its own.
type program struct {
	t    tester
	cmd  *exec.Cmd
	done chan struct{}

	mu   sync.Mutex
	text strings.Builder
	news chan struct{} // a token when there is more text
}

// launch starts "hub ARGS" with more environment; the caller ends it. Both its outputs are read as one.
func launch(t tester, env []string, args ...string) *program {
	p := &program{t: t, cmd: exec.Command("hub", args...), done: make(chan struct{}), news: make(chan struct{}, 1)}
	p.cmd.Env = append(os.Environ(), env...)
	r, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("starting hub %q: %v", args, err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewReader(r); ; {
			line, err := lines.ReadString('\n')
			p.mu.Lock()
			p.text.WriteString(line)
			p.mu.Unlock()
			select {
			case p.news <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		_ = p.cmd.Wait() // the exit code tells it
		w.Close()
		<-read
		close(p.done)
	}()
	return p
}

func (p *program) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// expect waits until what the program has said matches, and returns the match.
func (p *program) expect(pattern string) []string {
	re := regexp.MustCompile(pattern)
	for end := time.After(limit); ; {
		if m := re.FindStringSubmatch(p.said()); m != nil {
			return m
		}
		select {
		case <-p.news:
			continue
		case <-p.done:
			if re.MatchString(p.said()) {
				continue
			}
			p.t.Fatalf("hub %q ended without saying %q:\n%s", p.cmd.Args[1:], pattern, p.said())
		case <-end:
			p.t.Fatalf("hub %q has not said %q within %s:\n%s", p.cmd.Args[1:], pattern, limit, p.said())
		}
	}
}

// interrupt sends Ctrl-C and returns the exit code.
func (p *program) interrupt() int {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatalf("interrupting hub: %v", err)
	}
	return p.code()
}

// code waits for the program's end and returns its exit code.
func (p *program) code() int {
	select {
	case <-p.done:
	case <-time.After(limit):
		p.t.Fatalf("hub %q does not end:\n%s", p.cmd.Args[1:], p.said())
	}
	return p.cmd.ProcessState.ExitCode()
}

// end ends the program if it still runs: as Ctrl-C does, so that a demo removes its folder.
func (p *program) end() {
	_ = p.cmd.Process.Signal(os.Interrupt) // an error is that it has ended
	select {
	case <-p.done:
	case <-time.After(limit):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// house is a running hub and where it is.
type house struct {
	*program
	mqtt, web string // host and port
}

// open starts "hub demo" or "hub serve", on free ports unless args name some.
func open(t tester, args ...string) house {
	for _, flag := range []string{"--mqtt-listen", "--web-listen"} {
		if !strings.Contains(strings.Join(args, " "), flag) {
			args = append(args, flag, "127.0.0.1:0")
		}
	}
	p := launch(t, nil, args...)
	p.expect(`Ctrl-C stops it`)
	return house{p, p.expect(`mqtt://(127\.0\.0\.1:\d+)`)[1], p.expect(`http://(127\.0\.0\.1:\d+)`)[1]}
}
