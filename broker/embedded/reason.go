package embedded

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// inWords says why a connection could not be read or written any longer, as a part of a sentence about the client.
func inWords(err error) string {
	if wrong, ok := errors.AsType[*packetError](err); ok {
		if wrong.code == keepAliveTimeout || wrong.code == 0 {
			return wrong.text
		}
		return "protocol error: " + wrong.text
	}
	switch {
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset by peer"
	case errors.Is(err, syscall.ETIMEDOUT):
		return "connection timed out"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "the network does not reach it any more"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe), err == nil:
		return "it closed its connection without a goodbye"
	}
	return tlsReason(err)
}

// farewells are what a client may give as the reason of its DISCONNECT (MQTT 5.0, table 3-13).
var farewells = map[byte]string{
	0x80: "an error of its own",
	0x81: "a malformed packet",
	0x82: "a protocol error",
	0x83: "an error of its own",
	0x90: "a topic name that it does not accept",
	0x93: "more messages than it had allowed",
	0x94: "a topic alias that it does not know",
	0x95: "a packet that is too large for it",
	0x96: "too many messages",
	0x97: "a limit of its own",
	0x98: "an administrative action",
	0x99: "a payload that is not what it is said to be",
}
