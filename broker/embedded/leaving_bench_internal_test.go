package embedded

import (
	"fmt"
	"net"
	"testing"
	"time"
)

// BenchmarkLeaving is what the broker has to do when a client comes and leaves and its session lasts, where many others have left before: to take
// its session, to give it back, and to look what is due, if the janitor is asked to.
func BenchmarkLeaving(b *testing.B) {
	broker, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	here, there := net.Pipe()
	defer there.Close()
	defer here.Close()
	const clients = 5000
	visit := func(i int) {
		c := newConn(broker, here, peer{local: true})
		id := fmt.Sprint("client", i%clients)
		c.connect = connect{id: id, name: id, version: mqtt5, expiry: 3600}
		if _, code := broker.claim(c); code != success {
			b.Fatalf("it is refused with %#x", code)
		}
		c.stop(&cause{reason: "gone"})
		broker.giveBack(c)
	}
	for i := range clients {
		visit(i)
	}
	for i := 0; b.Loop(); i++ {
		visit(i)
		select {
		case <-broker.janitor.wake:
			broker.tidy(b.Context(), time.Now())
		default:
		}
	}
}
