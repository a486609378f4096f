package outage_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
	"home.arpa/homehub/internal/outage"
)

// patience bounds a round of these tests in virtual time.
const patience = 10 * time.Minute

// bench is a broker that can be replaced by another one, and the witnesses at it.
type bench struct {
	*outage.Witnesses
	t *testing.T

	mu     sync.Mutex
	broker *brokertest.Broker // nil while there is none
}

func newBench(t *testing.T, o outage.Options) *bench {
	b := &bench{t: t}
	o.Dial = b.dial
	o.Quiet = 10 * time.Second
	w, err := outage.New(o)
	if err != nil {
		t.Fatal(err)
	}
	b.Witnesses = w
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { stop(); <-ended })
	return b
}

func (b *bench) dial(ctx context.Context) (net.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broker == nil {
		return nil, errors.New("nobody is there")
	}
	return b.broker.DialContext(ctx, "", "")
}

// open starts a broker that keeps its things in a folder, or nowhere.
func (b *bench) open(folder string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broker = brokertest.New(b.t, embedded.Options{Folder: folder, MaxQueued: 100_000})
}

// stop ends it.
func (b *bench) stop() {
	b.mu.Lock()
	was := b.broker
	b.broker = nil
	b.mu.Unlock()
	was.Stop()
}

// round is one outage: in the middle of it the broker ends and another one begins.
func (b *bench) round(before, after string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	b.open(before)
	b.must("getting ready", b.Ready(ctx))
	b.must("beginning", b.Begin(ctx, 60))
	time.Sleep(30 * time.Millisecond) // virtual; half of the messages
	b.Outage()
	b.stop()
	b.Restarted()
	b.open(after)
	b.must("settling", b.Settle(ctx))
	b.must("finishing", b.Finish(ctx, outage.AfterGrace))
}

func (b *bench) must(what string, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("%s: %v; so far %s", what, err, b.Verdict(outage.Midway))
	}
}

func TestABrokerThatKeepsEverythingIsAcquitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		b := newBench(t, outage.Options{Pace: time.Millisecond})
		b.round(folder, folder)
		v := b.Verdict(outage.AfterGrace)
		if v.Violations() > 0 {
			t.Errorf("%s", v)
		}
		if v.Acknowledged != v.Sent || v.Sent < 60*6 || v.Received < v.Acknowledged || v.RetainedSeen < 120 || v.WillsPublished != 5 || len(v.Back) != 1 {
			t.Errorf("the witnesses have not seen enough: %s", v)
		}
		b.stop()
	})
}

func TestABrokerThatForgetsIsFoundOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, outage.Options{Pace: time.Millisecond})
		b.round("", "")
		v := b.Verdict(outage.AfterGrace)
		if v.SessionsLost == 0 || v.Lost == 0 || v.RetainedWrong == 0 || v.WillsMissing == 0 || v.Forgotten == 0 {
			t.Errorf("the witnesses have not noticed it: %s", v)
		}
		b.stop()
	})
}

func TestABrokerWithoutAnOutageIsAcquitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, outage.Options{Bulk: 20_000})
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		b.open("")
		b.must("getting ready", b.Ready(ctx))
		for range 3 {
			b.must("beginning", b.Begin(ctx, 40))
			b.must("settling", b.Settle(ctx))
		}
		b.must("finishing", b.Finish(ctx, outage.AfterDelays))
		if v := b.Verdict(outage.AfterDelays); v.Violations() > 0 || v.Acknowledged < 40*7*3 || v.DuplicatedQoS1 > 200 {
			t.Errorf("%s", v)
		}
		b.stop()
	})
}
