//go:build !unix

package embedded

import "syscall"

// attempt writes nothing: where a socket cannot be written without waiting, a writer goroutine does it all.
func attempt(syscall.RawConn, []byte) (int, error) { return 0, nil }
