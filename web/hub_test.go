package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/hub"
	store "home.arpa/homehub/store/memory"
	"home.arpa/homehub/web"
)

// wire is a link at whose other end a Homie lamp does what it is told.
type wire struct {
	ready chan struct{}
	mu    sync.Mutex
	to    hub.LinkHandler
}

func (l *wire) Run(ctx context.Context, h hub.LinkHandler) error {
	l.mu.Lock()
	l.to = h
	l.mu.Unlock()
	h.HandleLink(true, "a wire")
	close(l.ready)
	<-ctx.Done()
	return nil
}

func (l *wire) Publish(ctx context.Context, m broker.Message) error {
	if topic, ok := strings.CutSuffix(m.Topic, "/set"); ok {
		l.say(ctx, topic, string(m.Payload))
	}
	return nil
}

func (l *wire) say(ctx context.Context, topic, payload string) {
	l.mu.Lock()
	to := l.to
	l.mu.Unlock()
	to.HandleMessage(ctx, broker.Message{Topic: topic, Payload: []byte(payload), QoS: 1, Client: "lamp"})
}

func (*wire) Subscribe(...broker.Subscription) {}
func (*wire) Unsubscribe(...string)            {}

// TestWithTheRealHub makes sure that the hub of the other tests and the real one understand the API alike.
func TestWithTheRealHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := &wire{ready: make(chan struct{})}
		h, err := hub.New(link, store.New(), []hub.Convention{homie.New()}, hub.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := web.New(h, web.Options{OpenLoopback: true})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		p := newPipes()
		var running sync.WaitGroup
		running.Go(func() { _ = h.Run(ctx) })
		running.Go(func() { _ = s.Run(ctx, p) })
		transport := &http.Transport{DialContext: p.dialContext}
		client := &http.Client{Transport: transport}
		defer func() { cancel(); running.Wait(); transport.CloseIdleConnections() }()
		<-link.ready
		<-h.Started()

		next, done := listen(t, client, "", nil)
		defer done()
		if e := next(); e.name != "reset" || !strings.HasSuffix(e.id, "-0") || strings.HasPrefix(e.id, "-") {
			t.Fatalf("a new stream begins with %+v", e)
		}
		for _, m := range [][2]string{
			{"$state", "init"},
			{"$description", `{"homie":"5.0","version":1,"name":"Lamp","nodes":{"light":{"properties":{"on":{"datatype":"boolean","settable":true}}}}}`},
			{"light/on", "false"},
			{"$state", "ready"},
		} {
			link.say(ctx, "homie/5/lamp/"+m[0], m[1])
		}
		// until reads events up to one of the name, and returns its fields.
		until := func(name string) map[string]any {
			for {
				if e := next(); e.name == name {
					return fields(t, e)
				}
			}
		}
		id := until("joined")["device"].(string)
		synctest.Wait()

		var all []struct {
			ID       string `json:"id"`
			Reported map[string]struct{ Value any }
		}
		resp, err := client.Get("http://localhost:1888/api/v1/devices")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewDecoder(resp.Body).Decode(&all); err != nil || len(all) != 1 || all[0].Reported["light/on"].Value != false {
			t.Fatalf("%v %+v", err, all)
		}
		_ = resp.Body.Close()
		again, doneAgain := listen(t, client, "?after="+resp.Header.Get("Last-Event-ID"), nil)
		defer doneAgain()

		resp, err = client.Post("http://localhost:1888/api/v1/devices/"+id+"/commands?wait=10s", "application/json", strings.NewReader(`{"component":"light","property":"on","value":true}`))
		if err != nil {
			t.Fatal(err)
		}
		var cmd struct{ ID, Status, Origin string }
		if err := json.NewDecoder(resp.Body).Decode(&cmd); err != nil || resp.StatusCode != 200 || cmd.Status != "confirmed" || cmd.Origin != "api" {
			t.Errorf("%v %s %+v", err, resp.Status, cmd)
		}
		_ = resp.Body.Close()
		for _, read := range []func() sse{next, again} {
			for statuses := ""; !strings.HasSuffix(statuses, "confirmed "); {
				if e := read(); e.name == "command" {
					statuses += fields(t, e)["command"].(map[string]any)["status"].(string) + " "
				} else if e.name == "reset" {
					t.Fatal("resuming from the snapshot found a gap")
				}
			}
		}
		time.Sleep(2 * time.Second) // virtual, for the store to have it
		if text := get(t, client, "/api/v1/devices/"+id+"/history?property=light/on"); !strings.Contains(text, `"value":true`) {
			t.Errorf("the history is %s", text)
		}
	})
}
