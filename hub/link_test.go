package hub_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/store/memory"
)

func intValue(i int64) devices.Value { return devices.IntValue(i) }

func limit(t *testing.T, h *hub.Hub, n int64) devices.Command {
	t.Helper()
	c, err := h.Send(t.Context(), hub.Request{Path: parsePath(t, "plug/switch/limit"), Value: intValue(n), Origin: "test"})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	if c, err = h.Command(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestALinkThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &still{}
		h := runHub(t, l, memory.New(), newPlain(), hub.Options{Exporter: homie.NewExporter("hub")})
		h.HandleMessage(t.Context(), message("plain/plug/config", "Plug", ""))
		h.HandleMessage(t.Context(), message("plain/plug/is/limit", "1", ""))
		seconds(10)

		l.handler.HandleLink(false, "the broker does not answer")
		c := limit(t, h, 5)
		if c.Status != devices.Waiting || c.Reason != "the link to the broker is down: the broker does not answer" {
			t.Errorf("the command is %s (%s)", c.Status, c.Reason)
		}
		if o := h.Overview(); o.LinkUp || o.LinkNote != "the broker does not answer" || o.Online != 1 {
			t.Errorf("overview %+v", o)
		}
		press, err := h.Send(t.Context(), hub.Request{Path: parsePath(t, "plug/switch/press"), Value: devices.BoolValue(true)})
		if err != nil || press.Status != devices.Refused {
			t.Errorf("got %+v, %v", press, err)
		}
		for i := range 100 {
			h.HandleMessage(t.Context(), message("plain/plug/is/power", fmt.Sprint(i), ""))
		}
		synctest.Wait()
		if n := h.Counters().ExportsWaiting; n != 2 { // the value and the target, once each
			t.Errorf("%d exports wait", n)
		}
		minutes(1)
		before := len(l.published)
		l.handler.HandleLink(true, "connected again")
		seconds(2)
		if c, _ = h.Command(t.Context(), c.ID); c.Status != devices.Sent {
			t.Errorf("the command is %s (%s)", c.Status, c.Reason)
		}
		var topics []string
		for _, m := range l.published[before:] {
			topics = append(topics, m.Topic)
		}
		slices.Sort(topics)
		topics = slices.Compact(topics)
		if d := cmp.Diff([]string{ // all of it, since the broker may have forgotten
			"hub/5/homehub/$description", "hub/5/homehub/$state",
			"hub/5/plug/$description", "hub/5/plug/$state", "hub/5/plug/switch/limit", "hub/5/plug/switch/limit/$target",
			"hub/5/plug/switch/power", "plain/hello", "plain/plug/set/limit",
		}, topics); d != "" {
			t.Errorf("published (-want +got):\n%s", d)
		}
	})
}

// A press that could not be passed on in time is worth nothing: of those that wait the oldest go.
func TestPressesThatCannotBePassedOnAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &still{}
		h := runHub(t, l, memory.New(), newPlain(), hub.Options{Exporter: homie.NewExporter("hub")})
		h.HandleMessage(t.Context(), message("plain/plug/config", "Plug", ""))
		seconds(10)
		l.handler.HandleLink(false, "the broker does not answer")
		const many, most = 1500, 1024
		for range many {
			h.HandleMessage(t.Context(), message("plain/plug/is/press", "true", ""))
		}
		synctest.Wait()
		if c := h.Counters(); c.ExportsWaiting != most || c.OccurrencesDropped != many-most {
			t.Errorf("%d presses wait, and %d were dropped", c.ExportsWaiting, c.OccurrencesDropped)
		}
		l.handler.HandleLink(true, "connected again")
		seconds(10)
		passed := 0
		for _, m := range l.published {
			if m.Topic == "hub/5/plug/switch/press" {
				passed++
			}
		}
		if passed != most {
			t.Errorf("%d presses were passed on", passed)
		}
	})
}

func TestAPublishThatFails(t *testing.T) {
	for _, test := range []struct {
		name   string
		err    error
		status devices.Status
		reason string
		after  devices.Status // when publishing works again
	}{
		{
			"because the link is down is tried again", fmt.Errorf("publishing: %w", broker.ErrClosed), devices.Waiting,
			"the link to the broker is down: connected to a test", devices.Sent,
		},
		{
			"because the broker does not acknowledge it is tried again", fmt.Errorf("publishing: %w", context.DeadlineExceeded), devices.Waiting,
			"the link to the broker is down: connected to a test", devices.Sent,
		},
		{
			"because it was given up is tried again", fmt.Errorf("publishing: %w", context.Canceled), devices.Waiting,
			"the link to the broker is down: connected to a test", devices.Sent,
		},
		{
			"for good refuses the command", errors.New("the broker has no room"), devices.Refused,
			"it could not be published: the broker has no room", devices.Refused,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &still{}
				h := runHub(t, l, memory.New(), newPlain(), hub.Options{})
				h.HandleMessage(t.Context(), message("plain/plug/config", "Plug", ""))
				seconds(10)
				l.fail(test.err)
				c := limit(t, h, 5)
				if c.Status != test.status || c.Reason != test.reason {
					t.Errorf("the command is %s (%s)", c.Status, c.Reason)
				}
				minutes(1)
				l.fail(nil)
				seconds(2)
				if c, _ = h.Command(t.Context(), c.ID); c.Status != test.after {
					t.Errorf("later it is %s (%s)", c.Status, c.Reason)
				}
			})
		})
	}
}

func TestCommandsAreNeverRetainedAndWhatCannotBeConfirmedIsNotKeptByTheBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &still{}
		h := runHub(t, l, memory.New(), newPlain(), hub.Options{})
		h.HandleMessage(t.Context(), message("plain/plug/config", "Plug", ""))
		seconds(10)
		h.HandleMessage(t.Context(), message("plain/plug/is/flip", "false", ""))
		synctest.Wait()
		before := len(l.published)
		limit(t, h, 5)
		if _, err := h.Send(t.Context(), hub.Request{Path: parsePath(t, "plug/switch/flip"), Value: devices.BoolValue(true)}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Send(t.Context(), hub.Request{Path: parsePath(t, "plug/switch/press"), Value: devices.BoolValue(true)}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if d := cmp.Diff([]broker.Message{
			{Topic: "plain/plug/set/limit", Payload: []byte("5"), QoS: 1},
			{Topic: "plain/plug/set/flip", Payload: []byte("true"), QoS: 0}, // twice would be back to what it was
			{Topic: "plain/plug/set/press", Payload: []byte("true"), QoS: 0},
		}, l.published[before:]); d != "" {
			t.Errorf("published (-want +got):\n%s", d)
		}
	})
}

// dead is a link that can never work, or one of which nothing is heard.
type dead struct {
	still
	err error
}

func (l *dead) Run(ctx context.Context, _ hub.LinkHandler) error {
	if l.err == nil {
		<-ctx.Done()
	}
	return l.err
}

func TestALinkThatCanNeverWorkEndsTheHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("the broker refuses the login")
		h, err := hub.New(&dead{err: refused}, memory.New(), nil, hub.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Run(t.Context()); !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
	})
}

func TestTheStartDoesNotWaitForALinkForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		runHub(t, &dead{}, memory.New(), newPlain(), hub.Options{})
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// stuck is a link whose broker takes its time to acknowledge a message, until it is let go.
type stuck struct {
	still
	held chan struct{}
}

func (l *stuck) Publish(ctx context.Context, m broker.Message) error {
	<-l.held
	return l.still.Publish(ctx, m)
}

// Of what waits behind a slow broker, what nobody wants any more is not sent: the lamp would go on and off again.
func TestACommandThatIsSupersededOnItsWayIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &stuck{held: make(chan struct{})}
		h := runHub(t, l, memory.New(), newPlain(), hub.Options{})
		h.HandleMessage(t.Context(), message("plain/plug/config", "Plug", ""))
		synctest.Wait()
		limit(t, h, 1) // the broker has it
		second, third := limit(t, h, 2), limit(t, h, 3)
		if second, _ = h.Command(t.Context(), second.ID); second.Status != devices.Superseded || third.Status != devices.Waiting {
			t.Errorf("the second is %s, the third %s", second.Status, third.Status)
		}
		close(l.held)
		seconds(2)
		var got []string
		for _, m := range l.published {
			if m.Topic == "plain/plug/set/limit" {
				got = append(got, string(m.Payload))
			}
		}
		if !slices.Equal(got, []string{"1", "3"}) {
			t.Errorf("the plug was told %q", got)
		}
	})
}

func TestPendingCommandsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := runHub(t, &still{}, memory.New(), newPlain(), hub.Options{Exporter: homie.NewExporter("hub")})
		const plugs, most = 250, 10_000
		for i := range plugs { // each is just back, so that its commands wait for a second
			for _, m := range []broker.Message{
				message(fmt.Sprintf("plain/p%d/config", i), fmt.Sprintf("P%d!", i), ""), message(fmt.Sprintf("plain/p%d/status", i), "offline", ""),
				message(fmt.Sprintf("plain/p%d/status", i), "online", ""),
			} {
				h.HandleMessage(t.Context(), m)
			}
		}
		for i := range most + 1 {
			h.HandleMessage(t.Context(), message(fmt.Sprintf("hub/5/p%d/switch/press/set", i%plugs), "true", ""))
			if i%500 == 0 {
				synctest.Wait() // until the store has them
			}
		}
		synctest.Wait()
		v, err := h.Device("p0")
		if err != nil || v.Faults != 1 || !strings.Contains(v.LastFaults[0].Reason, "too many commands") || h.Overview().Pending != most {
			t.Errorf("%d are pending, and the faults of the last one's device are %+v, %v", h.Overview().Pending, v.LastFaults, err)
		}
		seconds(2) // and they are gone
		if n := h.Overview().Pending; n != 0 {
			t.Errorf("%d are pending for ever", n)
		}
	})
}

// What the broker did not take does not come back over what has been reported since.
func TestAnOldValueDoesNotTakeThePlaceOfANewerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &stuck{held: make(chan struct{})}
		h := runHub(t, l, memory.New(), newPlain(), hub.Options{Exporter: homie.NewExporter("hub")})
		h.HandleMessage(t.Context(), message("plain/plug/config", "Plug", ""))
		synctest.Wait()
		l.held <- struct{}{} // the description is on its way, and all that belongs to it
		for range 20 {
			select {
			case l.held <- struct{}{}:
			default:
			}
			synctest.Wait()
		}
		h.HandleMessage(t.Context(), message("plain/plug/is/power", "1", ""))
		synctest.Wait() // the dispatcher waits for the broker to take it
		h.HandleMessage(t.Context(), message("plain/plug/is/power", "2", ""))
		synctest.Wait()
		l.fail(broker.ErrClosed)
		close(l.held)
		synctest.Wait()
		l.fail(nil)
		seconds(5)
		var got []string
		for _, m := range l.published {
			if m.Topic == "hub/5/plug/switch/power" {
				got = append(got, string(m.Payload))
			}
		}
		if !slices.Equal(got, []string{"2"}) {
			t.Errorf("published were %q", got)
		}
	})
}
