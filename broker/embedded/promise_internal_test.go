package embedded

import (
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

const (
	subackPacket   = 9
	unsubackPacket = 11
)

// What a client is told, and what the standard lets it rely on from then on, is on disk before it is told: while the disk does not answer, the
// broker does not either. The same with a disk that does shows that it is this which it waits for.
func TestWhatIsPromisedIsOnDiskBefore(t *testing.T) {
	for _, test := range []struct {
		name   string
		away   bool // the client has left before
		answer byte
		do     func(b *Broker, sub *visitor) (waits *visitor)
	}{
		{"a session", false, connackPacket, func(b *Broker, sub *visitor) *visitor {
			return knock(sub.t, b, "another", 0)
		}},
		{"a will", false, connackPacket, func(b *Broker, sub *visitor) *visitor {
			return knock(sub.t, b, "another", cleanStart|4, appendText(appendText(nil, "will"), "gone")...)
		}},
		{"the end of the session before", true, connackPacket, func(b *Broker, sub *visitor) *visitor {
			return knock(sub.t, b, "sub", cleanStart)
		}},
		{"that the session ends with this connection", true, connackPacket, func(b *Broker, sub *visitor) *visitor {
			const flags, keepAlive, properties = 0, 0, 0
			return knockWith(sub.t, b, appendText(append(appendText(nil, "MQTT"), mqtt5, flags, 0, keepAlive, properties), "sub"))
		}},
		{"a subscription", false, subackPacket, func(_ *Broker, sub *visitor) *visitor {
			sub.send(subscribePacket<<4|2, append(appendText([]byte{0, 2}, "other"), 1))
			return sub
		}},
		{"the end of a subscription", false, unsubackPacket, func(_ *Broker, sub *visitor) *visitor {
			sub.send(unsubscribePacket<<4|2, appendText([]byte{0, 2}, "t"))
			return sub
		}},
		{"a message with QoS 1", false, pubackPacket, func(_ *Broker, sub *visitor) *visitor {
			sub.send(publishPacket<<4|2|1, append(appendText(nil, "kept"), 0, 3, 'x'))
			return sub
		}},
		{"a message with QoS 2", false, pubrecPacket, func(_ *Broker, sub *visitor) *visitor {
			sub.send(publishPacket<<4|4, append(appendText(nil, "nobody"), 0, 3, 'x'))
			return sub
		}},
		{"the end of a QoS 2 message", false, pubcompPacket, func(_ *Broker, sub *visitor) *visitor {
			sub.send(pubrelPacket<<4|2, []byte{0, 7})
			return sub
		}},
		{"that a QoS 2 message has come to a client", false, pubrelPacket, func(_ *Broker, sub *visitor) *visitor {
			sub.send(pubrecPacket<<4, []byte{0, 1})
			return sub
		}},
		{"the identifier of a QoS 2 message to a client", false, publishPacket, func(b *Broker, sub *visitor) *visitor {
			offer(sub.t, b)
			return sub
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, stalled := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					j := openStallable(t)
					sub := knock(t, j.broker, "sub", 0)
					sub.expect(connackPacket)
					sub.send(subscribePacket<<4|2, append(appendText([]byte{0, 1}, "t"), 2))
					sub.expect(subackPacket)
					offer(t, j.broker)
					sub.expect(publishPacket)
					sub.send(publishPacket<<4|4, append(appendText(nil, "nobody"), 0, 7, 'x'))
					sub.expect(pubrecPacket)
					if test.away {
						sub.leave()
					}
					if stalled {
						j.stall()
					}
					waits := test.do(j.broker, sub)
					if !stalled {
						waits.expect(test.answer)
						j.stall() // as finish has it
					} else if packet := waits.hears(time.Minute); len(packet) > 0 {
						t.Errorf("while the disk does not answer it hears % x", packet)
					}
					j.finish(sub, waits)
				})
			}
		})
	}
}

// offer publishes a message with QoS 2 to those who have subscribed to t.
func offer(t *testing.T, b *Broker) {
	var owed batch
	b.router.route(&message{topic: "t", qos: 2}, nil, nil, &owed, nil)
	owed.settle(t.Context())
}

// hears returns what comes within a time.
func (v *visitor) hears(within time.Duration) []byte {
	v.t.Helper()
	_ = v.nc.SetReadDeadline(time.Now().Add(within))
	b := make([]byte, 100)
	n, err := v.nc.Read(b)
	if n == 0 && !errors.Is(err, os.ErrDeadlineExceeded) {
		v.t.Errorf("the connection has ended: %v", err)
	}
	return b[:n:n]
}
