//go:build !unix

package embedded

import "net"

// socket is for where a connection can be written without waiting. Here it cannot: a writer goroutine does it all.
type socket struct{ waits func() error }

func newSocket(net.Conn) *socket { return nil }

func (*socket) read([]byte, bool) ([]byte, int, error) { return nil, 0, net.ErrClosed }
func (*socket) write([]byte) (int, error)              { return 0, net.ErrClosed }
