package load_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"home.arpa/homehub/broker/embedded"
	"home.arpa/homehub/internal/bench/load"
)

// running starts an embedded broker on a port of its own. Its process is the test's.
func running(t *testing.T, o embedded.Options) load.Broker {
	t.Helper()
	b, err := embedded.New(o)
	if err != nil {
		t.Fatal(err)
	}
	address, err := b.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return load.Broker{Address: address.String(), PID: os.Getpid()}
}

func TestTrafficOfEveryShapeArrives(t *testing.T) {
	const short = 50 * time.Millisecond
	for name, traffic := range map[string]load.Traffic{
		"pairs, QoS 0":              {Shape: load.Pairs, Publishers: 5, QoS: 0},
		"pairs, QoS 1":              {Shape: load.Pairs, Publishers: 5, QoS: 1, Window: 20},
		"pairs, QoS 2":              {Shape: load.Pairs, Publishers: 5, QoS: 2, Window: 20},
		"pairs that last, QoS 1":    {Shape: load.Pairs, Publishers: 5, QoS: 1, Window: 20, Persistent: true},
		"fan-out, QoS 1":            {Shape: load.FanOut, Subscribers: 7, QoS: 1, Window: 20},
		"fan-in, QoS 0":             {Shape: load.FanIn, Publishers: 6, Subscribers: 2, Window: 8},
		"shared, QoS 1":             {Shape: load.Shared, Publishers: 6, Subscribers: 3, QoS: 1, Window: 8},
		"paced, QoS 1":              {Shape: load.Pairs, Publishers: 5, QoS: 1, Rate: 200},
		"latency, QoS 2":            {Shape: load.Pairs, Publishers: 5, QoS: 2, Rate: 200, Latency: true},
		"sensors that are retained": {Shape: load.Sensors, Publishers: 5, Rate: 200, Retain: true},
	} {
		t.Run(name, func(t *testing.T) {
			traffic.Warmup, traffic.Duration = short/2, short
			f, err := traffic.Run(t.Context(), running(t, embedded.Options{}))
			if err != nil {
				t.Fatal(err)
			}
			if f.Published == 0 || f.Delivered != f.Expected || f.Repeated != 0 || (f.Expected == 0) != (traffic.Shape == load.Sensors) {
				t.Errorf("got %+v", f)
			}
			if want := f.Published; traffic.QoS > 0 && (f.Acknowledged != want || f.Total <= want) {
				t.Errorf("%d of %d acknowledged, %d with the warm-up", f.Acknowledged, want, f.Total)
			}
			if f.Process <= 0 || f.Peak <= 0 || f.Wall < short {
				t.Errorf("what it cost: %+v", f)
			}
			if d := f.Latency; traffic.Latency != (d.Median > 0 && d.Median <= d.P99 && d.P99 <= d.P999 && d.P999 <= d.Greatest) {
				t.Errorf("latency: %+v", d)
			}
		})
	}
}

func TestLostMessagesAreSeen(t *testing.T) {
	b := running(t, embedded.Options{Access: deaf{}})
	traffic := load.Traffic{Shape: load.FanIn, Publishers: 2, Subscribers: 1, Window: 8, Duration: 20 * time.Millisecond, Stall: 500 * time.Millisecond}
	f, err := traffic.Run(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if f.Expected != f.Published || f.Expected-f.Delivered != 8 || f.Delivered == 0 {
		t.Errorf("got %+v, want all but the window of one of two publishers", f)
	}
}

// deaf lets nobody receive one publisher's messages.
type deaf struct{}

func (d deaf) Permit(_, _ string) embedded.Permit { return d }
func (deaf) MayPublish(string) bool               { return true }
func (deaf) MayReceive(topic string) bool         { return topic != "test/1" }
func (deaf) MaySubscribe(string) bool             { return true }

func TestACrowdConnectsAndPings(t *testing.T) {
	crowd := load.Crowd{Clients: 150, KeepAlive: 10, Hold: 2 * time.Second} // in which 30 of them ping, unless the machine is busy
	p, err := crowd.Run(t.Context(), running(t, embedded.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if p.PerSecond <= 0 || p.Answered == 0 || p.Connecting.Process <= 0 || p.Idle.Wall < crowd.Hold {
		t.Errorf("got %+v", p)
	}
}

func TestWhatIsStoredIsFetched(t *testing.T) {
	b := running(t, embedded.Options{})
	for _, queue := range []string{"", "away"} {
		if _, err := (load.Store{Count: 500, Queue: queue}).Run(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		got, err := load.Fetch{Count: 500, Queue: queue}.Run(t.Context(), b)
		if err != nil || got.Messages != 500 || got.Repeated != 0 || got.Took <= 0 {
			t.Errorf("queue %q: %+v, %v", queue, got, err)
		}
	}
	if _, err := (load.Fetch{Count: 1, Queue: "nobody", Stall: time.Millisecond}).Run(t.Context(), b); err == nil {
		t.Error("a session without messages had some")
	}
}

func TestDevicesComeBackThatAreRefusedAtFirst(t *testing.T) {
	var devices []load.Login
	const many = 2 // for each wrong password the broker takes a second longer to say so
	for i := range many {
		devices = append(devices, load.Login{Client: fmt.Sprint("d", i), User: "u", Password: fmt.Sprint("p", i)})
	}
	asked := make(chan string, 100)
	refuse := func(_, password string) bool {
		asked <- password
		return len(asked) > many
	}
	storm := load.Storm{Devices: devices, Pause: 10 * time.Millisecond}
	r, err := storm.Run(t.Context(), running(t, embedded.Options{Authenticate: refuse}))
	if err != nil || r.Back != many || r.Attempts != 2*many || r.Took < storm.Pause {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestABrokerElsewhereIsNotLoaded(t *testing.T) {
	for _, address := range []string{"192.0.2.1:1883", "broker.example:1883", "127.0.0.1", "[::1]:1883"} {
		_, err := (load.Store{Count: 1}).Run(t.Context(), load.Broker{Address: address})
		if err == nil || !strings.Contains(err.Error(), address) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestARunEndsWithItsContext(t *testing.T) {
	b := running(t, embedded.Options{})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	runs := []error{}
	_, err := load.Traffic{Publishers: 1, Duration: time.Hour}.Run(ctx, b)
	runs = append(runs, err)
	_, err = load.Crowd{Clients: 1, Hold: time.Hour}.Run(ctx, b)
	runs = append(runs, err)
	_, err = load.Storm{Devices: []load.Login{{Client: "d"}}}.Run(ctx, b)
	runs = append(runs, err)
	if slices.Contains(runs, nil) {
		t.Errorf("got %v", runs)
	}
}
