package embedded

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// idlers is how many porters wait for an errand.
func (p *porters) idlers() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle)
}

func TestPortersComeWithConnectionsAndGoWhenThereIsNothingToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := &porters{broker: b}
		var clients []net.Conn
		for range 20 {
			client, server := net.Pipe()
			clients = append(clients, client)
			p.admit(server)
		}
		synctest.Wait()
		if n := p.idlers(); n != 0 {
			t.Errorf("%d porters are idle while all of them wait for CONNECT", n)
		}
		for i, client := range clients {
			come(t, client, string(rune('a'+i)))
		}
		synctest.Wait()
		if n := p.idlers(); n != 0 {
			t.Errorf("%d porters are idle while all of them wait for clients over pipes, for which there is no lobby", n)
		}
		for _, client := range clients[1:] {
			client.Close()
		}
		synctest.Wait()
		if n := p.idlers(); n != 19 {
			t.Errorf("%d porters are idle after they have seen 19 clients out", n)
		}
		time.Sleep(3 * porterRest) // of the bubble's time
		synctest.Wait()
		if n := p.idlers(); n != 0 {
			t.Errorf("%d porters are idle after a long time without an errand", n)
		}
		p.end()
		clients[0].Close() // who stays longer than the listener is seen out all the same
		p.close()
		if n := p.idlers(); n != 0 {
			t.Errorf("%d porters are idle after the end", n)
		}
	})
}

// come says hello and waits for the answer.
func come(t *testing.T, client net.Conn, id string) {
	t.Helper()
	body := append(appendText(nil, "MQTT"), mqtt311, 2, 0, 60)
	body = appendText(body, id)
	if _, err := client.Write(append(appendVarint([]byte{connectPacket << 4}, len(body)), body...)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4)
	if _, err := client.Read(answer); err != nil || answer[0] != connackPacket<<4 || answer[3] != success {
		t.Fatalf("the answer is % x, %v", answer, err)
	}
}

func TestALifetimeEndsForWhoAsksBeforeAndAfterIt(t *testing.T) {
	var l lifetime
	before := l.context()
	if before.Err() != nil {
		t.Error("it has ended before its end")
	}
	l.end()
	l.end()
	if before.Err() == nil || l.context().Err() == nil {
		t.Error("it has not ended")
	}
	var unasked lifetime
	unasked.end()
	if unasked.context().Err() == nil {
		t.Error("it has not ended for who asks after its end only")
	}
}
