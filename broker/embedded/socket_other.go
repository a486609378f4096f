//go:build !unix

package embedded

import "net"

// socket is for where a connection can be written without waiting. Here it cannot: a writer goroutine does it all.
type socket struct{}

func newSocket(*conn) *socket { return nil }

func (*socket) read() error               { return net.ErrClosed }
func (*socket) glance([]byte) int         { return 0 }
func (*socket) write([]byte) (int, error) { return 0, net.ErrClosed }
