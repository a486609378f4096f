package embedded

import (
	"net"
	"testing"
	"time"
)

// A session whose time is over is not resumed, though nobody has looked for it yet.
func TestASessionThatIsOverIsNotResumed(t *testing.T) {
	for _, test := range []struct {
		expires time.Time
		present bool
	}{{time.Now().Add(time.Hour), true}, {time.Now(), false}} {
		b, s := newSessions(t, Options{}, "c")
		s[0].expires = test.expires
		here, there := net.Pipe()
		defer there.Close()
		defer here.Close()
		c := newConn(b, here, peer{local: true})
		c.connect = connect{id: "c", name: "c", version: mqtt5, expiry: 60}
		if present, code := b.claim(c); present != test.present || code != success {
			t.Errorf("present is %t with code %#x, want %t", present, code, test.present)
		}
		if ended := s[0].ended; ended == test.present {
			t.Errorf("the session has ended: %t", ended)
		}
	}
}

// A client that was taken over before its CONNACK was never there: it has no will, and leaves none behind.
func TestAClientThatWasNeverThereHasNoWill(t *testing.T) {
	for _, there := range []bool{true, false} {
		b, s := newSessions(t, Options{Folder: t.TempDir()}, "watch")
		b.router.put(s[0], &subscription{filter: "will", qos: 1})
		ours, theirs := net.Pipe()
		defer theirs.Close()
		defer ours.Close()
		c := newConn(b, ours, peer{local: true})
		c.connect = connect{id: "c", name: "c", version: mqtt5, will: &will{message: &message{topic: "will", qos: 1}}}
		if _, code := b.claim(c); code != success {
			t.Fatalf("it is refused with %#x", code)
		}
		c.opened.Store(there)
		c.stop(&cause{reason: "taken over"})
		b.giveBack(c)
		want := 0
		if there {
			want = 1
		}
		if _, wills := b.registry.lasting(time.Now()); s[0].queue.len() != want || len(wills) > 0 {
			t.Errorf("it was there: %t. %d wills came, and %d are kept", there, s[0].queue.len(), len(wills))
		}
	}
}
