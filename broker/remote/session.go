package remote

import (
	"sync"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/session/state"
)

// sessionState is the library's memory of a connection, for one that may end while a QoS 2 message is on its way: the library's own
// answers a PUBREC through a connection that its end may have taken away meanwhile, which is a race and, when it is lost, a
// nil pointer (github.com/eclipse-paho/paho.golang/issues/343). Here an answer is given before the end or not at all; with
// fresh sessions nobody misses it.
type sessionState struct {
	*state.State
	mu   sync.Mutex
	over bool
}

func newSessionState() *sessionState { return &sessionState{State: state.NewInMemory()} }

// PacketReceived handles an acknowledgement or a message of the broker. Only a PUBREC waits for its turn: a message may take
// its time to reach the handler, and must not hold up the end.
func (s *sessionState) PacketReceived(p *packets.ControlPacket, out chan<- *packets.Publish) error {
	if _, ok := p.Content.(*packets.Pubrec); ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.over {
			return nil
		}
	}
	return s.State.PacketReceived(p, out)
}

// ConnectionLost tells that the connection is gone, by then closed: an answer that is just being written ends soon.
func (s *sessionState) ConnectionLost(d *packets.Disconnect) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	return s.State.ConnectionLost(d)
}
