package brokertest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"home.arpa/homehub/broker/brokertest"
)

// A real client library works against the broker in a bubble, where minutes cost nothing: it subscribes, publishes, and keeps
// alive for ten minutes.
func TestAClientLibraryInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t)
		got := make(chan *paho.Publish, 10)
		ended := make(chan struct{})
		client := paho.NewClient(paho.ClientConfig{
			Conn: packets.NewThreadSafeConn(b.Dial()), // a pipe writes a packet of several parts in several pieces
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
				got <- p.Packet
				return true, nil
			}},
			OnServerDisconnect: func(*paho.Disconnect) { close(ended) },
		})
		if _, err := client.Connect(t.Context(), &paho.Connect{ClientID: "library", KeepAlive: 30, CleanStart: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "a/#", QoS: 2}}}); err != nil {
			t.Fatal(err)
		}
		for qos := range byte(3) {
			if _, err := client.Publish(t.Context(), &paho.Publish{Topic: "a/b", QoS: qos, Payload: []byte("x")}); err != nil {
				t.Fatalf("publishing: %v", err)
			}
			if p := <-got; string(p.Payload) != "x" || p.QoS != qos {
				t.Errorf("got %q with QoS %d", p.Payload, p.QoS)
			}
			time.Sleep(10 * time.Minute)
		}
		if !b.Disconnect("library") {
			t.Error("the client is not connected any more")
		}
		<-ended
	})
}

func TestStoppedBrokerRefuses(t *testing.T) {
	b := brokertest.New(t)
	b.Stop()
	nc, err := b.DialContext(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if n, err := nc.Write(nil); n != 0 || err != nil {
		t.Errorf("writing nothing: %d, %v", n, err)
	}
	if _, err := nc.Read(make([]byte, 1)); err == nil {
		t.Error("a stopped broker answered")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.DialContext(ended, "", ""); err == nil {
		t.Error("a context that has ended was ignored")
	}
}
