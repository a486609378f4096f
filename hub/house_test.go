package hub_test

import (
	"context"
	"encoding/json"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/store/memory"
)

// house is a hub with an embedded broker, in a bubble with virtual time.
type house struct {
	t       *testing.T
	broker  *brokertest.Broker
	store   hub.Store
	options hub.Options
	*hub.Hub
	stop func()
}

// inHouse runs a test in a house whose hub runs.
func inHouse(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	inHouseWith(t, func(*hub.Options) {}, f)
}

// inHouseWith is inHouse with other options of the hub.
func inHouseWith(t *testing.T, set func(o *hub.Options), f func(t *testing.T, h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		set(&h.options)
		h.start()
		f(t, h)
	})
}

func newHouse(t *testing.T) *house {
	h := &house{
		t: t, broker: brokertest.New(t, embedded.Options{Anonymous: embedded.Always}), store: memory.New(),
		options: hub.Options{Exporter: homie.NewExporter(homie.Own)},
	}
	t.Cleanup(func() {
		if h.stop != nil {
			h.stop()
		}
	})
	return h
}

// start starts a hub, which knows what the store of the house remembers.
func (h *house) start() {
	h.t.Helper()
	ha, err := homeassistant.New(homeassistant.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	h.Hub, err = hub.New(h.broker.Link(), h.store, []hub.Convention{ha, homie.New(), newPlain(), newRumour()}, h.options)
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func(running *hub.Hub) { ended <- running.Run(ctx) }(h.Hub)
	h.stop = func() {
		h.stop = nil
		cancel()
		if err := <-ended; err != nil {
			h.t.Errorf("running the hub: %v", err)
		}
	}
	<-h.Started()
	synctest.Wait()
}

func (h *house) restart() {
	h.t.Helper()
	h.stop()
	h.start()
}

// device returns what the hub knows of a device.
func (h *house) device(id string) hub.View {
	h.t.Helper()
	synctest.Wait()
	v, err := h.Device(id)
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

func (h *house) wantPresence(id string, p devices.Presence, why string) {
	h.t.Helper()
	if r := h.device(id).Reach; r.Presence != p || r.Why != why {
		h.t.Errorf("%s is %s (%s), want %s (%s)", id, r.Presence, r.Why, p, why)
	}
}

// wantValue compares a property's last reading; empty means none.
func (h *house) wantValue(path, want string) {
	h.t.Helper()
	p := parsePath(h.t, path)
	r := h.device(p.Device).Reported[p.Ref.String()]
	if got := r.Value.String(); got != want {
		h.t.Errorf("%s is %q, want %q", path, got, want)
	}
}

// send asks for a value.
func (h *house) send(path, value string) devices.Command {
	h.t.Helper()
	c, err := h.trySend(path, value)
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

func (h *house) trySend(path, value string) (devices.Command, error) {
	synctest.Wait() // until the hub has taken what was published before
	p := parsePath(h.t, path)
	v := devices.TextValue(value)
	if d, err := h.Device(p.Device); err == nil {
		if property := d.Device.Property(p.Ref); property != nil {
			if v, err = property.ParseText(value); err != nil {
				return devices.Command{}, err
			}
		}
	}
	return h.Send(h.t.Context(), hub.Request{Path: p, Value: v, Origin: "test"})
}

func (h *house) wantCommand(id string, status devices.Status, reason string) {
	h.t.Helper()
	synctest.Wait()
	c, err := h.Command(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	if c.Status != status || c.Reason != reason {
		h.t.Errorf("the command is %s (%s), want %s (%s)", c.Status, c.Reason, status, reason)
	}
}

// retained is what the broker keeps under a topic; ok is false when it keeps nothing.
func (h *house) retained(topic string) (payload string, ok bool) {
	h.t.Helper()
	synctest.Wait()
	c := h.client("reader", nil)
	defer c.leave()
	c.subscribe(topic)
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.got) == 0 {
		return "", false
	}
	return c.got[0].payload, true
}

func (h *house) wantRetained(topic, want string) {
	h.t.Helper()
	if got, _ := h.retained(topic); got != want {
		h.t.Errorf("retained under %s is %q, want %q", topic, got, want)
	}
}

func parsePath(t *testing.T, s string) devices.Path {
	t.Helper()
	p, err := devices.ParsePath(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// client is an MQTT client: a device, or somebody with mosquitto_pub.
type client struct {
	t    *testing.T
	conn net.Conn
	mqtt *paho.Client

	mu     sync.Mutex
	got    []delivery
	onTake func(topic, payload string) // called for each delivery
}

type delivery struct{ topic, payload string }

// client connects. The will is a topic and a payload, retained; nil for none.
func (h *house) client(id string, will []string) *client {
	h.t.Helper()
	c := &client{t: h.t, conn: packets.NewThreadSafeConn(h.broker.Dial())} // else its pings tear other packets apart
	c.mqtt = paho.NewClient(paho.ClientConfig{
		ClientID: id, Conn: c.conn,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			c.mu.Lock()
			c.got = append(c.got, delivery{p.Packet.Topic, string(p.Packet.Payload)})
			f := c.onTake
			c.mu.Unlock()
			if f != nil {
				f(p.Packet.Topic, string(p.Packet.Payload))
			}
			return true, nil
		}},
	})
	connect := &paho.Connect{ClientID: id, KeepAlive: 60, CleanStart: true}
	if will != nil {
		connect.WillMessage = &paho.WillMessage{Topic: will[0], Payload: []byte(will[1]), Retain: true, QoS: 1}
	}
	if _, err := c.mqtt.Connect(h.t.Context(), connect); err != nil {
		h.t.Fatalf("connecting %s: %v", id, err)
	}
	h.t.Cleanup(c.cut)
	return c
}

func (c *client) subscribe(filters ...string) {
	c.t.Helper()
	var s paho.Subscribe
	for _, f := range filters {
		s.Subscriptions = append(s.Subscriptions, paho.SubscribeOptions{Topic: f, QoS: 1})
	}
	if _, err := c.mqtt.Subscribe(c.t.Context(), &s); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) publish(topic, payload string) { c.put(topic, payload, false) }
func (c *client) retain(topic, payload string)  { c.put(topic, payload, true) }

func (c *client) put(topic, payload string, retain bool) {
	c.t.Helper()
	if _, err := c.mqtt.Publish(c.t.Context(), &paho.Publish{Topic: topic, Payload: []byte(payload), QoS: 1, Retain: retain}); err != nil {
		c.t.Fatalf("publishing to %s: %v", topic, err)
	}
}

// cut is a power cut; leave is a DISCONNECT.
func (c *client) cut() { _ = c.conn.Close(); <-c.mqtt.Done() }

func (c *client) leave() {
	_ = c.mqtt.Disconnect(&paho.Disconnect{})
	c.cut()
}

// taken are the deliveries so far, as topic=payload.
func (c *client) taken() []string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []string
	for _, d := range c.got {
		list = append(list, d.topic+"="+d.payload)
	}
	return list
}

// lamp is a lamp that speaks Homie 5, with a connection and a will of its own.
type lamp struct {
	*client
	id string
}

// powerLamp switches a lamp on. It says all that a Homie device says, and does what it is told if obedient.
func (h *house) powerLamp(id, name string, on string, obedient bool) *lamp {
	h.t.Helper()
	base := "homie/5/" + id + "/"
	l := &lamp{client: h.client(id, []string{base + "$state", "lost"}), id: id}
	l.onTake = func(topic, payload string) {
		if value, ok := strings.CutSuffix(topic, "/set"); ok && obedient {
			// With QoS 0, since this is the goroutine that would have to take the acknowledgement.
			_, err := l.mqtt.Publish(h.t.Context(), &paho.Publish{Topic: value, Payload: []byte(payload), Retain: true})
			if err != nil {
				h.t.Errorf("the lamp answering: %v", err)
			}
		}
	}
	l.retain(base+"$state", "init")
	description, err := json.Marshal(map[string]any{
		"homie": "5.0", "version": 1, "name": name, "nodes": map[string]any{"light": map[string]any{"properties": map[string]any{
			"on":         map[string]any{"datatype": "boolean", "settable": true},
			"brightness": map[string]any{"datatype": "float", "format": "0:100", "unit": "%", "settable": true},
		}}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	l.retain(base+"$description", string(description))
	l.retain(base+"light/on", on)
	l.retain(base+"light/brightness", "20")
	l.retain(base+"$state", "ready")
	l.subscribe(base + "+/+/set")
	seconds(1) // that it gets to settle
	return l
}

// watch collects the feed's events from now on, in words.
func (h *house) watch() func() []string {
	h.t.Helper()
	var mu sync.Mutex
	var lines []string
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = h.Watch(ctx, "", hub.Newest, func(n hub.Numbered) error {
			mu.Lock()
			defer mu.Unlock()
			// The device's report may be quicker than the news that the command was sent, which is then left out.
			if line := words(n.Event); !strings.HasSuffix(line, ": sent") {
				lines = append(lines, line)
			}
			return nil
		})
	})
	synctest.Wait()
	h.t.Cleanup(func() { cancel(); wg.Wait() })
	return func() []string {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(lines)
	}
}

func words(e devices.Event) string {
	switch e := e.(type) {
	case devices.Joined:
		return e.Device.ID + " joined"
	case devices.Changed:
		return e.Device.ID + " changed"
	case devices.Reported:
		return e.Device + "/" + e.Ref.String() + " = " + e.Value.String()
	case devices.PresenceChanged:
		return e.Device + " is " + string(e.Presence)
	case devices.CommandMoved:
		return e.Command.Device + "/" + e.Command.Ref.String() + " to " + e.Command.Value.String() + ": " + string(e.Command.Status)
	case devices.Left:
		return e.Device + " left"
	}
	return "?"
}

// minutes lets virtual time pass.
func minutes(n float64) { time.Sleep(time.Duration(n * float64(time.Minute))); synctest.Wait() }
func seconds(n float64) { time.Sleep(time.Duration(n * float64(time.Second))); synctest.Wait() }

// publish has something be retained in topics, by a link as the hub has one.
func publish(t *testing.T, link *embedded.Link, topics ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	up := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := link.Run(ctx, &silent{up: up}); err != nil {
			t.Error(err)
		}
	})
	<-up
	for _, topic := range topics {
		if err := link.Publish(ctx, broker.Message{Topic: topic, Payload: []byte("x"), QoS: 1, Retain: true}); err != nil {
			t.Error(err)
		}
	}
	cancel()
	wg.Wait()
}

type silent struct{ up chan struct{} }

func (silent) HandleMessage(context.Context, broker.Message) {}
func (silent) HandleSession(context.Context, broker.Session) {}
func (s *silent) HandleLink(up bool, _ string) {
	if up {
		close(s.up)
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }
