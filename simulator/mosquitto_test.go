package simulator_test

import (
	"bytes"
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"home.arpa/homehub/internal/realpart"
	"home.arpa/homehub/simulator"
)

// subscriber is a real mosquitto_sub.
type subscriber struct {
	mu    sync.Mutex
	last  map[string]string
	half  []byte        // of a line
	fresh chan struct{} // holds one: something has come
}

func subscribe(t *testing.T, address string, filters ...string) *subscriber {
	t.Helper()
	host, port, _ := net.SplitHostPort(address)
	args := []string{"-h", host, "-p", port, "-v", "-V", "5", "-q", "1", "-i", "test-ear"}
	for _, f := range filters {
		args = append(args, "-t", f)
	}
	cmd := exec.Command(realpart.Find(t, "mosquitto-clients", "mosquitto_sub"), args...)
	s := &subscriber{last: map[string]string{}, fresh: make(chan struct{}, 1)}
	cmd.Stdout = s
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // it was killed
	})
	return s
}

// Write takes what mosquitto_sub prints.
func (s *subscriber) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := append(s.half, p...)
	for {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			s.half = bytes.Clone(text)
			break
		}
		topic, payload, _ := strings.Cut(string(line), " ")
		s.last[topic], text = payload, rest
	}
	select {
	case s.fresh <- struct{}{}:
	default:
	}
	return len(p), nil
}

// await waits until the topics say what is wanted, or fails after a long time.
func (s *subscriber) await(t *testing.T, what string, ok func(last map[string]string) bool) {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		s.mu.Lock()
		good := ok(s.last)
		s.mu.Unlock()
		if good {
			return
		}
		select {
		case <-s.fresh:
		case <-limit:
			t.Fatalf("in a minute it did not come: %s", what)
		}
	}
}

func remoteHouse(t *testing.T, n int, at simulator.Broker, o simulator.Options) (s *simulator.Simulator, halt func()) {
	t.Helper()
	house, err := twoLanguages(simulator.DefaultHouse()).Resize(n)
	if err != nil {
		t.Fatal(err)
	}
	o.Broker = at
	if s, err = simulator.New(house, o); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	var once sync.Once
	halt = func() {
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

func TestAHouseLivesOnMosquitto(t *testing.T) {
	t.Parallel()
	address := realpart.Mosquitto(t, "max_queued_messages 100000\nallow_anonymous true\n")
	host, port, _ := net.SplitHostPort(address)
	ear := subscribe(t, address, "#")
	s, halt := remoteHouse(t, 28, simulator.Broker{URL: "mqtt://" + address}, simulator.Options{Seed: 1})
	<-s.Ready()
	publish := func(topic, payload string) {
		t.Helper()
		pub := exec.Command(realpart.Find(t, "mosquitto-clients", "mosquitto_pub"), "-h", host, "-p", port, "-t", topic, "-m", payload)
		if out, err := pub.CombinedOutput(); err != nil {
			t.Fatalf("mosquitto_pub: %v %s", err, out)
		}
	}
	ear.await(t, "the lamps are there", func(last map[string]string) bool {
		return last["homie/5/hall-lamp/$state"] == "ready" && last["sim/living-room-lamp/availability"] == "online" &&
			strings.Contains(last["homeassistant/device/living-room-lamp/config"], `"light"`)
	})
	publish("sim/living-room-lamp/set", `{"state":"ON","brightness":51}`)
	publish("homie/5/bedroom-lamp/light/brightness/set", "20")
	ear.await(t, "the lamps are dimmed", func(last map[string]string) bool {
		return strings.Contains(last["sim/living-room-lamp"], `"state":"ON","brightness":51,`) &&
			last["homie/5/bedroom-lamp/light/brightness"] == "20.0" && last["homie/5/bedroom-lamp/light/brightness/$target"] == "20"
	})
	if err := s.CutPower("motion-hall"); err != nil {
		t.Fatal(err)
	}
	ear.await(t, "the will of the motion sensor", func(last map[string]string) bool {
		return last["sim/motion-hall/availability"] == "offline"
	})
	halt()
	ear.await(t, "every device's goodbye", func(last map[string]string) bool {
		gone := 0
		for topic, payload := range last {
			if strings.HasSuffix(topic, "/$state") && payload == "disconnected" ||
				strings.HasSuffix(topic, "/availability") && payload == "offline" {
				gone++
			}
		}
		return gone == 28
	})
}

func TestFiveHundredDevicesGetOnMosquitto(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out: connecting 500 devices takes seconds")
	}
	address := realpart.Mosquitto(t, "max_queued_messages 100000\nallow_anonymous true\n")
	ear := subscribe(t, address, "+/5/+/$state", "sim/+/availability")
	s, halt := remoteHouse(t, 500, simulator.Broker{URL: "mqtt://" + address}, simulator.Options{Seed: 5})
	<-s.Ready()
	count := func(texts ...string) func(map[string]string) bool {
		return func(last map[string]string) bool {
			n := 0
			for _, payload := range last {
				if payload == texts[0] || payload == texts[1] {
					n++
				}
			}
			return n == 500
		}
	}
	ear.await(t, "all are there", count("ready", "online"))
	if n := s.Connected(); n != 500 {
		t.Errorf("%d devices are connected, want 500", n)
	}
	halt()
	ear.await(t, "all have said goodbye", count("disconnected", "offline"))
}

func TestARefusedLoginIsToldOnceInPlainWords(t *testing.T) {
	t.Parallel()
	realpart.Find(t, "mosquitto", "mosquitto")
	passwords := filepath.Join(t.TempDir(), "passwords")
	if out, err := exec.Command(realpart.Find(t, "mosquitto", "mosquitto_passwd"), "-b", "-c", passwords, "house", "secret").CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_passwd: %v %s", err, out)
	}
	address := realpart.Mosquitto(t, "max_queued_messages 100000\nallow_anonymous false\npassword_file "+passwords+"\n")
	told := make(chan string, 100)
	_, halt := remoteHouse(t, 10, simulator.Broker{URL: "mqtt://" + address}, simulator.Options{Trouble: func(text string) { told <- text }})
	if text := <-told; !strings.HasPrefix(text, "the broker does not let the devices in; use --user and --password-file; the user needs the right to ") {
		t.Errorf("it said %q", text)
	}
	halt()
	if len(told) > 0 {
		t.Errorf("it also said %q", <-told)
	}
	s, _ := remoteHouse(t, 3, simulator.Broker{URL: "mqtt://" + address, User: "house", Password: "secret"}, simulator.Options{})
	<-s.Ready()
}
