package simulator_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/simulator"
)

// ear hears a broker as the hub does, and keeps the last payload of every topic and how often it came.
type ear struct {
	mu    sync.Mutex
	last  map[string]string
	times map[string]int
}

func listen(t *testing.T, b *brokertest.Broker, filters ...string) (*ear, func(topic, payload string)) {
	t.Helper()
	e := &ear{last: map[string]string{}, times: map[string]int{}}
	link := b.Link()
	for _, f := range filters {
		link.Subscribe(broker.Subscription{Filter: f, QoS: 1})
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- link.Run(ctx, e) }()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return e, func(topic, payload string) {
		if err := link.Publish(ctx, broker.Message{Topic: topic, Payload: []byte(payload), QoS: 1}); err != nil {
			t.Errorf("publishing to %s: %v", topic, err)
		}
	}
}

func (e *ear) HandleMessage(_ context.Context, m broker.Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last[m.Topic] = string(m.Payload)
	e.times[m.Topic]++
}

func (e *ear) HandleSession(context.Context, broker.Session) {}
func (e *ear) HandleLink(bool, string)                       {}

func (e *ear) want(t *testing.T, when, topic, payload string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if got := e.last[topic]; got != payload && !(strings.HasPrefix(got, "{") && strings.Contains(got, payload)) {
		t.Errorf("%s, %s says %q, want %q", when, topic, got, payload)
	}
}

// open runs a house against a broker over net.Pipe; it must be called inside a bubble. The function that it returns stops
// the house.
func open(t *testing.T, b *brokertest.Broker, house simulator.House, o simulator.Options) (*simulator.Simulator, func()) {
	t.Helper()
	o.Broker.Dial = pipeTo(func() *brokertest.Broker { return b })
	s, err := simulator.New(house, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	var once sync.Once
	halt := func() {
		once.Do(func() {
			stop()
			if err := <-ended; err != nil {
				t.Errorf("running the simulator: %v", err)
			}
		})
	}
	t.Cleanup(halt)
	return s, halt
}

func TestAHouseLivesOnABroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t)
		ear, publish := listen(t, b, "#")
		began := time.Now()
		s, halt := open(t, b, twoLanguages(simulator.DefaultHouse()), simulator.Options{Seed: 1})
		<-s.Ready()
		if took := time.Since(began); took > time.Second {
			t.Errorf("the house was up after %s", took)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		ear.want(t, "when the house is up", "homie/5/hall-lamp/$state", "ready")
		ear.want(t, "when the house is up", "sim/living-room-lamp/availability", "online")

		publish("sim/living-room-lamp/set", `{"state":"ON","brightness":102}`)
		publish("homie/5/hall-lamp/light/on/set", "true")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		ear.want(t, "after it was dimmed", "sim/living-room-lamp", `"state":"ON","brightness":102`)
		ear.want(t, "after it was switched on", "homie/5/hall-lamp/light/on", "true")

		halt()
		time.Sleep(time.Second)
		synctest.Wait()
		for _, id := range s.Devices() {
			if _, homie := ear.last["homie/5/"+id+"/$state"]; homie {
				ear.want(t, "after the house was closed", "homie/5/"+id+"/$state", "disconnected")
			} else {
				ear.want(t, "after the house was closed", "sim/"+id+"/availability", "offline")
			}
		}
		if n := s.Connected(); n != 0 {
			t.Errorf("%d devices are still connected", n)
		}
	})
}

func TestADeviceWithoutPowerLeavesItsWillAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t)
		ear, publish := listen(t, b, "#")
		s, halt := open(t, b, twoLanguages(simulator.DefaultHouse()), simulator.Options{Seed: 1})
		<-s.Ready()
		for _, id := range []string{"hall-lamp", "living-room-lamp"} {
			if err := s.CutPower(id); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		ear.want(t, "without power", "homie/5/hall-lamp/$state", "lost")
		ear.want(t, "without power", "sim/living-room-lamp/availability", "offline")
		if n := s.Connected(); n != 26 {
			t.Errorf("%d devices are connected, want 26", n)
		}
		publish("homie/5/hall-lamp/light/on/set", "true") // nobody hears it
		for _, id := range []string{"hall-lamp", "living-room-lamp"} {
			if err := s.RestorePower(id); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		ear.want(t, "with power again", "homie/5/hall-lamp/$state", "ready")
		ear.want(t, "with power again", "homie/5/hall-lamp/light/on", "false")
		ear.want(t, "with power again", "sim/living-room-lamp/availability", "online")
		if err := s.CutPower("attic-lamp"); err == nil {
			t.Error("a device that is not there lost its power")
		}
		// A house whose devices are without power can be closed all the same.
		if err := s.CutPower("hall-lamp"); err != nil {
			t.Fatal(err)
		}
		halt()
	})
}

func TestDevicesComeBackWhenTheBrokerDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var news []string
		first := brokertest.New(t)
		now := first
		house, err := simulator.DefaultHouse().Resize(5)
		if err != nil {
			t.Fatal(err)
		}
		s, err := simulator.New(house, simulator.Options{
			Broker: simulator.Broker{Dial: pipeTo(func() *brokertest.Broker {
				mu.Lock()
				defer mu.Unlock()
				return now
			})},
			Trouble: func(text string) {
				mu.Lock()
				defer mu.Unlock()
				news = append(news, text)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		<-s.Ready()
		mu.Lock()
		now = nil
		mu.Unlock()
		first.Stop()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if n := s.Connected(); n != 0 {
			t.Errorf("without a broker %d devices are connected", n)
		}
		second := brokertest.New(t)
		mu.Lock()
		now = second
		mu.Unlock()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := s.Connected(); n != 5 {
			t.Errorf("with the broker back, %d devices are connected, want 5", n)
		}
		ear, _ := listen(t, second, "#")
		time.Sleep(time.Second)
		synctest.Wait()
		ear.want(t, "on the new broker", "homie/5/hall-lamp/$state", "ready")
		mu.Lock()
		if len(news) != 2 || !strings.Contains(news[1], "all devices reach the broker now") {
			t.Errorf("people were told %q, want the trouble and its end", news)
		}
		mu.Unlock()
		stop()
		<-ended
	})
}

func TestFiveHundredDevicesGetOnTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t)
		ear, _ := listen(t, b, "+/5/+/$state", "sim/+/availability")
		house, err := twoLanguages(simulator.DefaultHouse()).Resize(500)
		if err != nil {
			t.Fatal(err)
		}
		s, halt := open(t, b, house, simulator.Options{Seed: 3})
		<-s.Ready()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		ready := 0
		for topic, text := range ear.last {
			if text == "ready" || text == "online" {
				ready++
			} else {
				t.Errorf("%s says %s", topic, text)
			}
		}
		if ready != 500 || s.Connected() != 500 {
			t.Errorf("%d devices are ready and %d connected, want 500", ready, s.Connected())
		}
		began := time.Now()
		halt()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the goodbye took %s", took)
		}
	})
}

func TestFiveHundredDevicesOfAllFamiliesGetOnTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t)
		house, err := simulator.DefaultHouse().Resize(500)
		if err != nil {
			t.Fatal(err)
		}
		families := map[string]int{}
		for _, d := range house.Devices {
			families[d.Speaks]++
		}
		for family, n := range families {
			if n < 20 {
				t.Errorf("only %d devices of 500 speak %s", n, family)
			}
		}
		s, _ := open(t, b, house, simulator.Options{Seed: 3})
		<-s.Ready()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := s.Connected(); n != 500 || len(families) < 7 {
			t.Errorf("%d devices of %d families are connected, want 500", n, len(families))
		}
	})
}

// pipeTo connects to whatever broker there is at the moment.
func pipeTo(now func() *brokertest.Broker) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		b := now()
		if b == nil {
			return nil, fmt.Errorf("dialling: %w", syscall.ECONNREFUSED)
		}
		return b.DialContext(ctx, "", "")
	}
}
