package remote_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
	"home.arpa/homehub/broker/remote"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listener remembers, as lines of text.
type listener struct {
	visit func(ctx context.Context, m broker.Message)
	mu    sync.Mutex
	lines []string
}

func (l *listener) say(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

// said returns the lines since the last call.
func (l *listener) said() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}

func (l *listener) HandleMessage(ctx context.Context, m broker.Message) {
	if l.visit != nil {
		l.visit(ctx, m)
	}
	l.say(m.Topic + "=" + string(m.Payload))
}

func (l *listener) HandleSession(context.Context, broker.Session) {}

func (l *listener) HandleLink(up bool, detail string) { l.say(fmt.Sprintf("%v: %s", up, detail)) }

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// running is a link that runs.
type running struct {
	*remote.Link
	*listener
	stop  context.CancelFunc
	ended chan error
}

func run(t *testing.T, o remote.Options, visit func(context.Context, broker.Message), subs ...broker.Subscription) *running {
	t.Helper()
	l, err := remote.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l.Subscribe(subs...)
	ctx, stop := context.WithCancel(context.Background())
	r := &running{l, &listener{visit: visit}, stop, make(chan error, 1)}
	go func() { r.ended <- l.Run(ctx, r.listener) }()
	return r
}

func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
}

func over(b *brokertest.Broker) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) { return b.Dial(), nil }
}

func TestTheLinkComesBackAndIsCurrentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var there atomic.Pointer[brokertest.Broker]
		dial := func(context.Context) (net.Conn, error) {
			if b := there.Load(); b != nil {
				return b.Dial(), nil
			}
			return nil, errors.New("nobody there")
		}
		l := run(t, remote.Options{Dial: dial, ClientID: "hub"}, nil, broker.Subscription{Filter: "room/#", QoS: 1})
		synctest.Wait()
		want(t, l.said(), "false: no connection to the broker: connecting: nobody there")
		time.Sleep(time.Hour)
		want(t, l.said()) // the same again is no news

		b := brokertest.New(t)
		there.Store(b)
		other := run(t, remote.Options{Dial: over(b), ClientID: "other"}, nil)
		if err := other.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		publish := func(topic, payload string, retain bool) {
			t.Helper()
			if err := other.Publish(t.Context(), broker.Message{Topic: topic, Payload: []byte(payload), QoS: 1, Retain: retain}); err != nil {
				t.Error(err)
			}
		}
		publish("room/lamp", "on", true)
		if err := l.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want(t, l.said(), "true: connected to the broker", "room/lamp=on")
		other.end(t)

		there.Store(nil)
		b.Stop()
		synctest.Wait()
		want(t, l.said(), "false: lost the connection to the broker: the broker ended it: server shutting down")
		if err := l.Publish(t.Context(), broker.Message{Topic: "a"}); !errors.Is(err, broker.ErrClosed) {
			t.Errorf("publishing while the link is down: %v", err)
		}
		l.Subscribe(broker.Subscription{Filter: "hall/#", QoS: 1})
		l.Unsubscribe("room/#")

		b = brokertest.New(t)
		there.Store(b)
		other = run(t, remote.Options{Dial: over(b), ClientID: "other"}, nil)
		if err := errors.Join(l.Sync(t.Context()), other.Sync(t.Context())); err != nil {
			t.Fatal(err)
		}
		publish("room/lamp", "off", false)
		publish("hall/lamp", "off", false)
		synctest.Wait()
		want(t, l.said(), "true: connected to the broker", "hall/lamp=off")
		l.end(t)
		want(t, l.said(), "false: closed the connection to the broker")
		other.end(t)
	})
}

func TestAGoodbyeIsNoDeathButAbandonIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t)
		watcher := run(t, remote.Options{Dial: over(b), ClientID: "watcher"}, nil, broker.Subscription{Filter: "#", QoS: 1})
		device := func() *running {
			d := run(t, remote.Options{Dial: over(b), ClientID: "lamp", Will: &broker.Message{Topic: "lamp", Payload: []byte("lost"), QoS: 1, Retain: true}}, nil)
			if err := errors.Join(d.Sync(t.Context()), watcher.Sync(t.Context())); err != nil {
				t.Fatal(err)
			}
			return d
		}
		device().end(t)
		synctest.Wait()
		want(t, watcher.said(), "true: connected to the broker")

		d := device()
		d.Abandon()
		d.Abandon()
		if err := <-d.ended; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		want(t, watcher.said(), "lamp=lost")
		want(t, d.said(), "true: connected to the broker", "false: closed the connection to the broker")
		if err := d.Publish(t.Context(), broker.Message{Topic: "a"}); !errors.Is(err, broker.ErrClosed) {
			t.Errorf("publishing after Abandon: %v", err)
		}
		if err := d.Run(t.Context(), nil); err == nil {
			t.Error("Run can be called twice")
		}
		watcher.end(t)
	})
}

func TestAWrongPasswordIsTriedAgainUntilItIsRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mended atomic.Bool // the broker has learnt the password
		b := brokertest.New(t, embedded.Options{
			Anonymous:    embedded.Never,
			Authenticate: func(user, password string) bool { return user == "hub" && password == "secret" && mended.Load() },
		})
		var log bytes.Buffer
		l := run(t, remote.Options{URL: "mqtt://hub:secret@broker.lan", Dial: over(b), Logger: slog.New(slog.NewTextHandler(&log, nil))}, nil)
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		want(t, l.said(), "false: no connection to mqtt://broker.lan:1883: logging in: the broker refuses it: bad user name or password")
		if n := strings.Count(log.String(), "level=WARN"); n != 3 {
			t.Errorf("logged %d times in 12 minutes:\n%s", n, &log)
		}
		mended.Store(true)
		if err := l.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want(t, l.said(), "true: connected to mqtt://broker.lan:1883")
		l.end(t)
		if strings.Contains(log.String(), "secret") {
			t.Errorf("the password is in the log:\n%s", &log)
		}
	})
}

func TestAHandlerThatTakesItsTimeDoesNotCostTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t)
		var once sync.Once
		l := run(t, remote.Options{Dial: over(b), ClientID: "hub", KeepAlive: 10 * time.Second}, func(context.Context, broker.Message) {
			once.Do(func() { time.Sleep(10 * time.Minute) })
		}, broker.Subscription{Filter: "count", QoS: 1})
		other := run(t, remote.Options{Dial: over(b), ClientID: "other"}, nil)
		if err := errors.Join(l.Sync(t.Context()), other.Sync(t.Context())); err != nil {
			t.Fatal(err)
		}
		const n = 3000 // more than may wait in the link
		for i := range n {
			if err := other.Publish(t.Context(), broker.Message{Topic: "count", Payload: fmt.Append(nil, i), QoS: 1}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Minute)
		if err := l.Publish(t.Context(), broker.Message{Topic: "meanwhile", QoS: 1}); err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		said := l.said()
		if len(said) != 1+n || said[0] != "true: connected to the broker" || said[n] != fmt.Sprintf("count=%d", n-1) {
			t.Errorf("said %d lines, %q to %q", len(said), said[:min(3, len(said))], said[len(said)-1])
		}
		l.end(t)
		other.end(t)
	})
}

// deaf is a broker that accepts a client and then neither reads nor answers.
func deaf(t *testing.T, wait *sync.WaitGroup) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) {
		client, server := net.Pipe()
		wait.Go(func() {
			defer server.Close()
			if _, err := server.Read(make([]byte, 1000)); err != nil {
				t.Error(err)
			}
			if _, err := server.Write([]byte{0x20, 3, 0, 0, 0}); err != nil { // CONNACK
				t.Error(err)
			}
			time.Sleep(10 * time.Minute)
		})
		return client, nil
	}
}

func TestABrokerThatFallsSilentIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wait sync.WaitGroup
		began := time.Now()
		l := run(t, remote.Options{Dial: deaf(t, &wait), ClientID: "hub", KeepAlive: 10 * time.Second}, nil)
		if err := l.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := l.Publish(t.Context(), broker.Message{Topic: "a", QoS: 1})
		if took := time.Since(began); !errors.Is(err, broker.ErrClosed) || took > time.Minute {
			t.Errorf("publishing ended after %v with %v", took, err)
		}
		synctest.Wait()
		if said := l.said(); len(said) != 2 || !strings.HasPrefix(said[1], "false: lost the connection to the broker: ") {
			t.Errorf("said %q", said)
		}
		l.end(t)
		wait.Wait()
	})
}

func TestTheEndDoesNotWaitForADeafBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wait sync.WaitGroup
		l := run(t, remote.Options{Dial: deaf(t, &wait), ClientID: "hub"}, nil, broker.Subscription{Filter: "a"})
		synctest.Wait()
		began := time.Now()
		l.end(t)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the end took %v", took)
		}
		wait.Wait()
	})
}

// A broker may answer a QoS 2 message in the very moment in which the connection ends. Answers that nobody asked for are as good,
// and there can be as many of them as it takes.
func TestAnAnswerMayCrossTheEnd(t *testing.T) {
	pubrecs := bytes.Repeat([]byte{0x50, 2, 0, 1}, 1000)
	for range 100 {
		var wait sync.WaitGroup
		flowing := make(chan struct{})
		l := run(t, remote.Options{Dial: func(context.Context) (net.Conn, error) {
			client, server := net.Pipe()
			wait.Go(func() { _, _ = io.Copy(io.Discard, server) })
			wait.Go(func() {
				defer server.Close()
				_, err := server.Write([]byte{0x20, 3, 0, 0, 0}) // CONNACK
				for n := 0; err == nil; n++ {
					if _, err = server.Write(pubrecs); n == 0 {
						close(flowing)
					}
				}
			})
			return client, nil
		}, ClientID: "hub"}, nil)
		<-flowing
		l.end(t)
		wait.Wait()
	}
}

func TestATakenNameDoesNotMakeAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t)
		var attempts atomic.Int64
		dial := func(context.Context) (net.Conn, error) {
			attempts.Add(1)
			return b.Dial(), nil
		}
		one, two := run(t, remote.Options{Dial: dial, ClientID: "same"}, nil), run(t, remote.Options{Dial: dial, ClientID: "same"}, nil)
		time.Sleep(10 * time.Minute)
		if n := attempts.Load(); n > 200 {
			t.Errorf("%d connections in 10 minutes", n)
		}
		if said := strings.Join(one.said(), "\n"); !strings.Contains(said, "taken over by another connection with the same client ID") {
			t.Errorf("said %s", said)
		}
		one.end(t)
		two.end(t)
	})
}

func TestAPacketThatIsTooLargeIsRefusedAndNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t, embedded.Options{MaxPacketSize: 1000})
		l := run(t, remote.Options{Dial: over(b), ClientID: "hub"}, nil)
		if err := l.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := l.Publish(t.Context(), broker.Message{Topic: "a", Payload: make([]byte, 1000)}); err == nil || errors.Is(err, broker.ErrClosed) {
			t.Errorf("got %v", err)
		}
		if err := l.Publish(t.Context(), broker.Message{Topic: "a", Payload: make([]byte, 900), QoS: 1}); err != nil {
			t.Error(err)
		}
		want(t, l.said(), "true: connected to the broker")
		l.end(t)
	})
}

func TestWhatABrokerRefusesIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t, embedded.Options{Access: brokertest.MayPublish(func(_, _, topic string) bool { return topic != "secret" })})
		l := run(t, remote.Options{Dial: over(b), ClientID: "hub"}, nil)
		if err := l.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, qos := range []byte{1, 2} {
			err := l.Publish(t.Context(), broker.Message{Topic: "secret", QoS: qos})
			if err == nil || !strings.Contains(err.Error(), "not authorized") || errors.Is(err, broker.ErrClosed) {
				t.Errorf("QoS %d: %v", qos, err)
			}
		}
		l.end(t)
	})
}

func TestOptions(t *testing.T) {
	dir := t.TempDir()
	password, empty := filepath.Join(dir, "password"), filepath.Join(dir, "empty.pem")
	for file, text := range map[string]string{password: "from file\r\n", empty: "no certificate"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, o := range map[string]remote.Options{
		"nothing at all":            {},
		"another scheme":            {URL: "http://broker"},
		"no host":                   {URL: "mqtt://"},
		"no URL":                    {URL: "mqtt://user:hush@[::1"},
		"a keep alive too short":    {URL: "mqtt://broker", KeepAlive: time.Millisecond},
		"a keep alive too long":     {URL: "mqtt://broker", KeepAlive: 20 * time.Hour},
		"a will to nowhere":         {URL: "mqtt://broker", Will: &broker.Message{Topic: "a/#"}},
		"a will with QoS 3":         {URL: "mqtt://broker", Will: &broker.Message{Topic: "a", QoS: 3}},
		"no such password file":     {URL: "mqtt://broker", PasswordFile: filepath.Join(dir, "none")},
		"no such CA file":           {URL: "mqtts://broker", CAFile: filepath.Join(dir, "none")},
		"a CA file without content": {URL: "mqtts://broker", CAFile: empty},
		"a CA file without TLS":     {URL: "mqtt://broker", CAFile: empty},
	} {
		if _, err := remote.New(o); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, u := range []string{"mqtt://broker", "mqtts://user:hush@broker:1234", "ws://broker/path", "wss://[::1]"} {
		if _, err := remote.New(remote.Options{URL: u, PasswordFile: password}); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
}

func TestCredentialsComeFromTheURLOrTheFileOrTheOptions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		o    remote.Options
		want string
	}{
		{remote.Options{URL: "mqtt://u:p%40ss@broker"}, "u p@ss"},
		{remote.Options{URL: "mqtt://u:p@broker", User: "v", Password: "q"}, "v q"},
		{remote.Options{URL: "mqtt://u:p@broker", PasswordFile: file}, "u from file"},
	} {
		synctest.Test(t, func(t *testing.T) {
			asked := make(chan string, 1)
			b := brokertest.New(t, embedded.Options{
				Anonymous:    embedded.Never,
				Authenticate: func(user, password string) bool { asked <- user + " " + password; return true },
			})
			test.o.Dial = over(b)
			l := run(t, test.o, nil)
			if got := <-asked; got != test.want {
				t.Errorf("%+v: logged in with %q, want %q", test.o, got, test.want)
			}
			l.end(t)
		})
	}
}

func TestAServerThatIsNoBroker(t *testing.T) {
	for name, answer := range map[string]string{"hangs up": "", "speaks HTTP": "HTTP/1.1 400 Bad Request\r\n\r\n", "speaks MQTT 3": "\x20\x02\x00\x01"} {
		synctest.Test(t, func(t *testing.T) {
			var wait sync.WaitGroup
			l := run(t, remote.Options{Dial: func(context.Context) (net.Conn, error) {
				client, server := net.Pipe()
				wait.Go(func() {
					defer server.Close()
					if _, err := server.Read(make([]byte, 1000)); err != nil {
						t.Error(err)
					}
					if _, err := io.WriteString(server, answer); err != nil {
						t.Log(err) // it need not hear us out
					}
				})
				return client, nil
			}}, nil)
			synctest.Wait()
			if said := l.said(); len(said) == 0 || !strings.HasPrefix(said[0], "false: no connection to the broker: logging in: ") {
				t.Errorf("%s: %q", name, said)
			}
			l.end(t)
			wait.Wait()
		})
	}
}
