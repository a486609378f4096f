package hub_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
		before := len(l.published)
		limit(t, h, 5)
		if _, err := h.Send(t.Context(), hub.Request{Path: parsePath(t, "plug/switch/press"), Value: devices.BoolValue(true)}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if d := cmp.Diff([]broker.Message{
			{Topic: "plain/plug/set/limit", Payload: []byte("5"), QoS: 1},
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
