package embedded_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// numbered is a content by which a message is known, and known to be whole.
func numbered(n, size int) string {
	word := fmt.Sprint(n, ",")
	return strings.Repeat(word, 1+size/len(word))
}

func number(t *testing.T, content string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(strings.SplitN(content, ",", 2)[0], &n); err != nil || content != numbered(n, len(content)-len(fmt.Sprint(n, ","))) {
		t.Fatalf("a message has the content %.80q", content)
	}
	return n
}

// The memory of a message is used again when its receiver has acknowledged it. Members of a shared subscription that go without having done so
// leave what they had to others; one that has a session takes it up again, and another client gets some messages, too.
func TestMessagesAreWholeWhoeverGetsThem(t *testing.T) {
	bubble(t, embedded.Options{Folder: t.TempDir(), MaxInflight: 5}, func(t *testing.T, b *brokertest.Broker) {
		dice := rand.New(rand.NewPCG(1, 2))
		join := func(i int) *client {
			h := hello{version: 5, id: fmt.Sprint("member", i)}
			if i == 0 {
				h = enduring(5, h.id)
			}
			c, connack := connected(t, b, h)
			if connack[0] == 0 { // there was no session
				c.subscribe(filter{"$share/g/#", byte(1 + i%2)})
			}
			return c
		}
		members := []*client{join(0), join(1), join(2), join(3)}
		other := connect(t, b, hello{id: "other"})
		other.subscribe(filter{"some/+", 2})
		got := map[int]bool{}
		take := func(c *client, m packet) {
			switch m.kind() {
			case PUBLISH:
				p := m.post(c.version)
				got[number(t, p.payload)] = true
				if p.qos == 1 {
					c.send(ack(PUBACK, p.id))
				} else {
					c.send(ack(PUBREC, p.id))
				}
			case PUBREL:
				c.send(ack(PUBCOMP, m.id()))
			}
		}
		pub := connect(t, b, hello{id: "pub"})
		const count = 2000
		var once []int
		for n := range count {
			topic := []string{"all", "some/1", "some/2"}[dice.IntN(3)]
			qos := byte(1 + dice.IntN(2))
			if qos == 1 {
				once = append(once, n)
			}
			pub.publish(post{topic: topic, payload: numbered(n, dice.IntN(1200)), qos: qos, id: 1 + n%100})
			if topic != "all" {
				number(t, other.receive().payload)
			}
			i := dice.IntN(len(members))
			c := members[i]
			for range dice.IntN(4) {
				synctest.Wait()
				if len(c.packets) > 0 {
					take(c, <-c.packets)
				}
			}
			if dice.IntN(50) == 0 {
				c.nc.Close()
				members[i] = join(i)
			}
		}
		for quiet := false; !quiet; {
			synctest.Wait()
			quiet = true
			for _, c := range members {
				for len(c.packets) > 0 {
					take(c, <-c.packets)
					quiet = false
				}
			}
		}
		for _, n := range once { // with QoS 2, what a member had been sent is nobody else's
			if !got[n] {
				t.Errorf("message %d never came", n)
			}
		}
	})
}
