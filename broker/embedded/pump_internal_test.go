package embedded

import "testing"

// Whoever writes an outbox looks whether its session is hungry when there is room again. So a session that finds no room is hungry before it gives
// the outbox back.
func TestASessionIsHungryBeforeThereIsRoom(t *testing.T) {
	c := &conn{broker: &Broker{}}
	s := &session{window: 10}
	s.allow(open{})
	s.queue.push(delivery{outgoing: outgoing{message: &message{topic: "t"}, level: 1}, ready: true})
	c.out.put(make([]byte, fillLevel), 1, 0, fillLevel)
	if sent, room := s.pour(c); sent || room || !s.hungry.Load() {
		t.Errorf("it sent something: %t, found room: %t, is hungry: %t", sent, room, s.hungry.Load())
	}
	b := c.out.take()
	c.out.more(len(b), b)
	if !s.pump(c) || s.hungry.Load() || s.queue.sent != 1 {
		t.Errorf("with room, %d messages are on their way, and it is hungry: %t", s.queue.sent, s.hungry.Load())
	}
}
