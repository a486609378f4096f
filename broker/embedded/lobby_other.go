//go:build !linux

package embedded

import "syscall"

// watch is for where one goroutine can wait for many clients. Here each client has one that waits for it.
type watch struct{}

func newWatch() (*watch, error) { return nil, nil }

func (*watch) ask(*socket, bool) (fd int, err error) { return 0, syscall.ENOTSUP }
func (*watch) listen(*socket) []byte                 { return nil }
func (*watch) run(func(int))                         {}
func (*watch) close()                                {}
