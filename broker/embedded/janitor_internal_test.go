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
