package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"home.arpa/homehub/internal/bench/load"
	"home.arpa/homehub/internal/bench/proc"
)

// process is a broker that runs.
type process struct {
	cmd     *exec.Cmd
	address string // of MQTT
	web     string // of the hub's pages, empty for others
	pid     int    // the broker's own, which is cmd's unless something runs it
	log     string
	ended   chan struct{} // closed when it has ended
}

func (p *process) broker() load.Broker { return load.Broker{Address: p.address, PID: p.pid} }

// launch starts a command in a folder on one processor, and returns when it accepts MQTT clients on p's address.
func (p *process) launch(ctx context.Context, folder string, processor int, env []string, args ...string) error {
	p.log = filepath.Join(folder, "log")
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("starting %s: %w", args[0], err)
	}
	defer log.Close() // the process has its own
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env = folder, log, log, env
	// The program's main thread, which starts all brokers, lives as long as the program: whatever happens to it, no broker stays.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := proc.On(processor, p.cmd.Start); err != nil {
		return fmt.Errorf("starting %s: %w", args[0], err)
	}
	p.pid, p.ended = p.cmd.Process.Pid, make(chan struct{})
	go func() { // ends with the process, which stop and kill wait for
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	if err := p.ready(ctx, 30*time.Second); err != nil {
		p.kill()
		text, _ := os.ReadFile(p.log)
		return fmt.Errorf("starting %s: %w: %s", args[0], err, whyItEnded(string(text)))
	}
	return nil
}

// ready waits until a client is accepted.
func (p *process) ready(ctx context.Context, limit time.Duration) error {
	end := time.Now().Add(limit)
	for {
		err := load.Knock(p.address)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return errors.New("it ended")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(end) {
			return fmt.Errorf("it accepts nobody: %w", err)
		}
	}
}

// stop ends it as an administrator would, and by force after ten seconds.
func (p *process) stop() {
	_ = syscall.Kill(p.pid, syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		p.kill()
	}
}

// kill ends it at once.
func (p *process) kill() {
	_ = syscall.Kill(p.pid, syscall.SIGKILL)
	select {
	case <-p.ended:
	case <-time.After(time.Second): // what runs it hangs
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// whyItEnded is what a program's output says of its end: where it panicked, or its last line.
func whyItEnded(text string) string {
	if i := strings.LastIndex(text, "panic: "); i >= 0 {
		line, _, _ := strings.Cut(text[i:], "\n")
		return line
	}
	return lastLine(text)
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
