package hub_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/store/memory"
)

func message(topic, payload, client string) broker.Message {
	return broker.Message{Topic: topic, Payload: []byte(payload), Client: client}
}

// still is a link over which nothing comes but what the test itself hands to the hub.
type still struct {
	mu         sync.Mutex
	subscribed []string
	published  []broker.Message
	err        error // of Publish
	handler    hub.LinkHandler
}

func (l *still) Run(ctx context.Context, h hub.LinkHandler) error {
	l.handler = h
	h.HandleLink(true, "connected to a test")
	<-ctx.Done()
	return nil
}

func (l *still) Publish(_ context.Context, m broker.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.published = append(l.published, m)
	}
	return l.err
}

func (l *still) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *still) Subscribe(subs ...broker.Subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range subs {
		l.subscribed = append(l.subscribed, s.Filter)
	}
}

func (l *still) Unsubscribe(...string) {}

// runHub runs a hub until the test ends.
func runHub(t *testing.T, l hub.Link, s hub.Store, c hub.Convention, o hub.Options) *hub.Hub {
	t.Helper()
	h, err := hub.New(l, s, []hub.Convention{c}, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("running the hub: %v", err)
		}
	})
	<-h.Started()
	return h
}

func TestAFlooderDoesNotHoldTheHouse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newPlain()
		c.block = make(chan struct{})
		h := runHub(t, &still{}, memory.New(), c, hub.Options{})
		for _, key := range []string{"flood", "calm"} {
			h.HandleMessage(t.Context(), message("plain/"+key+"/config", key, key))
		}
		synctest.Wait()
		h.HandleMessage(t.Context(), message("plain/x/block", "", "")) // the hub's goroutine stands still

		const many = 5000
		var flooding sync.WaitGroup
		flooding.Go(func() {
			for i := range many {
				h.HandleMessage(t.Context(), message("plain/flood/is/power", strconv.Itoa(i), "flood"))
			}
		})
		synctest.Wait()
		if n := h.Counters().Inbox; n > h.Counters().InboxSize/4 {
			t.Errorf("the flooder has %d places of %d", n, h.Counters().InboxSize)
		}
		var calm sync.WaitGroup
		calm.Go(func() { h.HandleMessage(t.Context(), message("plain/calm/is/power", "7", "calm")) })
		calm.Wait() // the other one is not held up

		// A held-back publisher whose connection ends goes away; what it wanted to say is not said.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var other sync.WaitGroup
		other.Go(func() { h.HandleMessage(ctx, message("plain/flood/is/on", "true", "flood")) })
		time.Sleep(2 * time.Second)
		other.Wait()

		close(c.block)
		flooding.Wait()
		synctest.Wait()
		v, err := h.Device("flood")
		if err != nil || v.Reported["switch/power"].Value.String() != strconv.Itoa(many-1) || len(v.Reported) != 1 {
			t.Errorf("the flooder's last value is %v, %v", v.Reported, err)
		}
		if got := h.Overview().LastEvent; got != many+1+4 { // every one of them, in order, and two devices that joined and came online
			t.Errorf("%d events", got)
		}
		if v, _ := h.Device("calm"); v.Reported["switch/power"].Value.Float() != 7 {
			t.Errorf("the calm one's value is %v", v.Reported)
		}
	})
}

func TestStoppingLetsPublishersGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newPlain()
		c.block = make(chan struct{})
		h, err := hub.New(&still{}, memory.New(), []hub.Convention{c}, hub.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var flooding sync.WaitGroup
		for client := range 8 {
			flooding.Go(func() {
				for range 500 {
					h.HandleMessage(t.Context(), message("plain/x/block", "", strconv.Itoa(client)))
				}
			})
		}
		synctest.Wait() // nobody empties the inbox: the hub does not run
		if n := h.Counters().Inbox; n != h.Counters().InboxSize {
			t.Errorf("%d messages wait", n)
		}
		close(c.block)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := h.Run(ctx); err != nil {
			t.Error(err)
		}
		flooding.Wait()
	})
}

func TestAPublisherThatLeavesAtOnceIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := runHub(t, &still{}, memory.New(), newPlain(), hub.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for i := range 50 {
			h.HandleMessage(ctx, message("plain/p"+strconv.Itoa(i)+"/config", "P", "mosq"))
		}
		synctest.Wait()
		if n := len(h.Devices()); n != 50 {
			t.Errorf("%d devices of 50", n)
		}
	})
}

func TestManyDevicesAndPeopleAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := runHub(t, &still{}, memory.New(), newPlain(), hub.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		const many, last = 8, 199
		var wg, readers sync.WaitGroup
		var heard [many]uint64 // by each reader, the number of the newest event
		for i := range many {
			key := "p" + strconv.Itoa(i)
			wg.Go(func() {
				h.HandleSession(ctx, broker.Session{Client: key, Connected: true})
				h.HandleMessage(ctx, message("plain/"+key+"/config", key, key))
				for n := range last + 1 {
					h.HandleMessage(ctx, message("plain/"+key+"/is/power", strconv.Itoa(n), key))
				}
				h.HandleSession(ctx, broker.Session{Client: key, Reason: "it broke"})
			})
			wg.Go(func() {
				for range 10 {
					for _, v := range h.Devices() {
						if _, err := h.Send(ctx, hub.Request{Path: parsePath(t, v.ID+"/switch/limit"), Value: intValue(5), Origin: "test"}); err != nil {
							t.Error(err)
						}
						if _, err := h.Commands(ctx, v.ID, 5); err != nil {
							t.Error(err)
						}
					}
					h.Overview()
					h.Counters()
				}
			})
			readers.Go(func() {
				_ = h.Watch(ctx, h.Overview().Epoch, 0, func(n hub.Numbered) error {
					if n.ID != heard[i]+1 {
						t.Errorf("event %d came after %d", n.ID, heard[i])
					}
					heard[i] = n.ID
					return nil
				})
			})
		}
		wg.Wait()
		synctest.Wait()
		all := h.Devices()
		if len(all) != many {
			t.Errorf("%d devices of %d", len(all), many)
		}
		for _, v := range all {
			if got := v.Reported["switch/power"].Value.Float(); got != last || v.Reach.Presence != devices.Offline || v.Reach.Why != "it broke" {
				t.Errorf("%s says %v and is %+v", v.ID, got, v.Reach)
			}
			if len(v.Pending) > 1 {
				t.Errorf("%s has %d pending commands for one property", v.ID, len(v.Pending))
			}
		}
		newest := h.Overview().LastEvent
		for i, n := range heard {
			if n != newest {
				t.Errorf("reader %d has heard up to %d, the newest is %d", i, n, newest)
			}
		}
		cancel()
		readers.Wait()
	})
}

// greedy is a convention that wants new topics with each message, and takes no device.
type greedy struct{ plain }

func (*greedy) Filters() []broker.Subscription { return []broker.Subscription{{Filter: "greedy/#"}} }

func (*greedy) Parse(m broker.Message) hub.Parsed {
	p := hub.Parsed{Content: m.Topic}
	for i := range 1000 {
		p.Subscribe = append(p.Subscribe, broker.Subscription{Filter: fmt.Sprintf("%s/%d", m.Topic, i)})
	}
	return p
}

func (*greedy) Apply(broker.Message, hub.Parsed) hub.Update { return hub.Update{} }

func TestNobodyCanMakeTheHubSubscribeWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &still{}
		h := runHub(t, l, memory.New(), &greedy{}, hub.Options{})
		for i := range 250 {
			h.HandleMessage(t.Context(), message(fmt.Sprintf("greedy/%d", i), "x", "flood"))
		}
		synctest.Wait()
		l.mu.Lock()
		defer l.mu.Unlock()
		if n := len(l.subscribed); n > 200_000 || n < 100_000 {
			t.Errorf("there are %d subscriptions", n)
		}
		if o := h.Overview(); len(o.Unclaimed) == 0 || !strings.Contains(o.Unclaimed[0].Reason, "subscribed already") {
			t.Errorf("it is not told: %+v", o.Unclaimed)
		}
	})
}
