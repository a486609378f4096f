package outage

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// Program is what a Process runs.
type Program struct {
	Path string
	Args []string
	// Env is added to the environment of this program.
	Env []string
	// Out gets what it prints, both outputs as they come; nil: nobody.
	Out io.Writer
}

// Process is a running program that ends with this one, however this one ends, where the system can do that (Linux). It is in a
// process group of its own, so that Ctrl-C in a terminal does not reach it: whoever started it decides how it ends.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// Start starts a program.
func Start(p Program) (*Process, error) {
	cmd := exec.Command(p.Path, p.Args...)
	cmd.Env = append(os.Environ(), p.Env...)
	cmd.Stdout, cmd.Stderr = p.Out, p.Out
	cmd.WaitDelay = 5 * time.Second // for a program of its own that holds on to its outputs
	bind(cmd)
	c := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The system ends the program when the thread ends that has started it, so that thread has to live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its state
			close(c.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.Path, err)
	}
	return c, nil
}

// PID is its process identifier.
func (c *Process) PID() int { return c.cmd.Process.Pid }

// Done is closed when it has ended and all that it printed has been handed on.
func (c *Process) Done() <-chan struct{} { return c.done }

// Ended says how it ended, after Done.
func (c *Process) Ended() string { return c.cmd.ProcessState.String() }

// Code is its exit code after Done, -1 if a signal ended it.
func (c *Process) Code() int { return c.cmd.ProcessState.ExitCode() }

// Kill ends it at once (SIGKILL) and returns when it has ended. It may have ended before.
func (c *Process) Kill() {
	_ = c.cmd.Process.Kill() // an error is that it has ended
	<-c.done
}

// Signal sends it a signal, unless it has ended.
func (c *Process) Signal(s os.Signal) {
	_ = c.cmd.Process.Signal(s) // an error is that it has ended
}
