package embedded

import (
	"net"
	"runtime"
	"testing"
)

// bystander is an access policy, and a permit, that lets nobody receive anything and calls a function when it is asked.
type bystander struct {
	open
	asked func()
}

func (p bystander) Permit(string, string) Permit { return p }
func (p bystander) MayReceive(string) bool       { p.asked(); return false }

// A client may subscribe to much that it may not receive. Whoever looks for something that it may gives the router's lock back after each filter:
// a look takes long where much is retained.
func TestLooksForWhatIsRetainedLetOthersIn(t *testing.T) {
	asked, came := 0, make(chan struct{})
	var r *router
	b, err := New(Options{Access: bystander{asked: func() {
		switch asked++; asked {
		case 1:
			go func() {
				r.mu.Lock()
				defer r.mu.Unlock()
				close(came)
			}()
			for r.mu.TryRLock() { // it does not wait yet
				r.mu.RUnlock()
				runtime.Gosched()
			}
		case 2:
			select {
			case <-came:
			default:
				t.Error("who wants the lock waits for a second look")
			}
		}
	}}})
	if err != nil {
		t.Fatal(err)
	}
	r = &b.router
	var owed batch
	r.route(&message{topic: "a", payload: []byte("x"), retain: true}, nil, nil, &owed, nil)
	here, there := net.Pipe()
	defer there.Close()
	defer here.Close()
	c := newConn(b, here, peer{local: true})
	c.connect = connect{id: "c", name: "c", version: mqtt5, receiveMaximum: 1}
	if _, code := b.claim(c); code != success {
		t.Fatalf("it is refused with %#x", code)
	}
	c.opened.Store(true)
	c.session.attach(c)
	var plan []replay
	for _, filter := range []string{"#", "+", "a"} {
		r.subscribe(c.session, &subscription{filter: filter}, &plan)
	}
	c.session.follow(plan)
	if r.refill(c.session, c) || asked != 3 || c.session.hungry.Load() {
		t.Errorf("it was asked %d times, want 3, and nothing to be left", asked)
	}
}

// A client may subscribe again and again to what it does not read: only the last time counts, so nothing grows.
func TestSubscribingAgainTakesThePlaceOfWhatWaits(t *testing.T) {
	b, s := newSessions(t, Options{}, "c")
	var owed batch
	b.router.route(&message{topic: "a", payload: []byte("x"), retain: true}, nil, nil, &owed, nil)
	for range 100 {
		for _, filter := range []string{"#", "a"} {
			var plan []replay
			b.router.subscribe(s[0], &subscription{filter: filter}, &plan)
			s[0].follow(plan)
		}
	}
	if n := len(s[0].replays); n != 2 {
		t.Errorf("%d replays of 2 filters wait", n)
	}
}
