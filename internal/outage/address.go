package outage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// FreeAddress is an address of this machine, host and port, that nobody listens on. Its port is none of those that systems choose for
// outgoing connections (from 32768 on by Linux, from 49152 on elsewhere): a client that keeps trying to reach a program that is
// away would in the end be connected to itself, and the program could not come back.
func FreeAddress() (string, error) {
	const lowest, highest = 10_000, 32_000
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(lowest+rand.IntN(highest-lowest)))
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", fmt.Errorf("looking for a free port from %d to %d: %w", lowest, highest, errors.New("all that were tried are taken"))
}
