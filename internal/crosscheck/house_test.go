package crosscheck_test

import (
	"context"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/devices/shelly"
	"home.arpa/homehub/devices/tasmota"
	"home.arpa/homehub/devices/zigbee2mqtt"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/simulator"
	"home.arpa/homehub/store/memory"
)

// noon is the start of the model time: an early afternoon of summer, when the household leaves the shutters and the machines
// alone.
var noon = time.Date(2026, time.June, 15, 13, 0, 0, 0, time.UTC)

// home is the whole: a broker, a hub, a simulated house, and somebody who reads the topics. All are stopped when the test
// ends.
type home struct {
	*hub.Hub
	t      *testing.T
	broker *brokertest.Broker
	store  hub.Store
	plan   simulator.House
	sim    *simulator.Simulator
	reader *reader
	hubEnd func()
}

// newHome is a home in which nothing runs but the broker and the reader. It must be called inside a bubble.
func newHome(t *testing.T) *home {
	h := &home{t: t, broker: brokertest.New(t), store: memory.New(), plan: twoLanguages(simulator.DefaultHouse())}
	h.reader = &reader{link: h.broker.Link(), kept: map[string]string{}}
	h.reader.link.Subscribe(broker.Subscription{Filter: homie.Own + "/5/#", QoS: 1})
	h.run(func(ctx context.Context) error { return h.reader.link.Run(ctx, h.reader) })
	return h
}

// twoLanguages is a house without the devices that speak neither Home Assistant's discovery nor Homie 5: the one that tests of these
// two are about.
func twoLanguages(h simulator.House) simulator.House {
	h.Devices = slices.DeleteFunc(slices.Clone(h.Devices), func(d simulator.DeviceSpec) bool {
		return d.Speaks != simulator.HomeAssistant && d.Speaks != simulator.Homie
	})
	return h
}

// liveHome is a home in which everything runs and has settled.
func liveHome(t *testing.T, o hub.Options, s simulator.Options) *home {
	t.Helper()
	h := newHome(t)
	h.startHub(o)
	h.startHouse(s)
	h.settle(3 * time.Second)
	return h
}

// run runs something until the test ends, or until the returned function is called.
func (h *home) run(f func(ctx context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			h.t.Error(err)
		}
	})
	h.t.Cleanup(stop)
	return stop
}

func (h *home) startHub(o hub.Options) {
	h.t.Helper()
	ha, err := homeassistant.New(homeassistant.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	o.Exporter = homie.NewExporter(homie.Own)
	tasmotas, err := tasmota.New(tasmota.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	shellies, err := shelly.New(shelly.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	zigbee, err := zigbee2mqtt.New(zigbee2mqtt.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	if h.Hub, err = hub.New(h.broker.Link(), h.store, []hub.Convention{ha, homie.New(), tasmotas, shellies, zigbee}, o); err != nil {
		h.t.Fatal(err)
	}
	h.hubEnd = h.run(h.Hub.Run)
	<-h.Started()
}

// startHouse starts the planned house; it lives until the test ends, or until the returned function is called.
func (h *home) startHouse(o simulator.Options) (stop func()) {
	h.t.Helper()
	o.Broker.Dial = func(context.Context) (net.Conn, error) { return h.broker.Dial(), nil }
	if o.Start.IsZero() {
		o.Start = noon
	}
	var err error
	if h.sim, err = simulator.New(h.plan, o); err != nil {
		h.t.Fatal(err)
	}
	stop = h.run(h.sim.Run)
	<-h.sim.Ready()
	return stop
}

// settle lets some time pass.
func (h *home) settle(d time.Duration) {
	time.Sleep(d) // of the bubble: virtual time
	synctest.Wait()
}

func (h *home) device(id string) hub.View {
	h.t.Helper()
	synctest.Wait()
	v, err := h.Device(id)
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

// value is a property's last reading in words, empty if it has none.
func (h *home) value(path string) string {
	h.t.Helper()
	p, err := devices.ParsePath(path)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.device(p.Device).Reported[p.Ref.String()].Value.String()
}

// properties visits every property of a device.
func properties(d devices.Device, visit func(c devices.Component, p devices.Property, path devices.Path)) {
	for _, c := range d.Components {
		for _, p := range c.Properties {
			visit(c, p, devices.Path{Device: d.ID, Ref: devices.Ref{Component: c.ID, Property: p.ID}})
		}
	}
}

// reader is somebody with mosquitto_sub and mosquitto_pub: it reads what the hub publishes, and wishes.
type reader struct {
	link interface {
		Run(ctx context.Context, h broker.Handler) error
		Publish(ctx context.Context, m broker.Message) error
		Subscribe(subs ...broker.Subscription)
	}

	mu   sync.Mutex
	kept map[string]string // what is retained under hub/5, by topic
}

func (r *reader) HandleMessage(_ context.Context, m broker.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case strings.HasSuffix(m.Topic, "/set"):
	case len(m.Payload) == 0:
		delete(r.kept, m.Topic)
	default:
		r.kept[m.Topic] = string(m.Payload)
	}
}

func (r *reader) HandleSession(context.Context, broker.Session) {}
func (r *reader) HandleLink(bool, string)                       {}

func (r *reader) all() map[string]string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.kept)
}

func (r *reader) wish(path devices.Path, text string) error {
	return r.link.Publish(context.Background(), broker.Message{Topic: homie.Own + "/5/" + path.String() + "/set", Payload: []byte(text), QoS: 1})
}
