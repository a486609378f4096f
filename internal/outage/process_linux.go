package outage

import (
	"os/exec"
	"syscall"
)

// bind makes a program end when the thread that starts it does.
func bind(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
