package embedded

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"home.arpa/homehub/broker"
)

// house is a broker whose porters serve plain sockets, without a listener.
type house struct {
	*porters
	t *testing.T
}

func openHouse(t *testing.T) *house {
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{&porters{broker: b}, t}
	t.Cleanup(func() { h.broker.gate.empty(); h.close() })
	return h
}

// visit lets a client in, and returns its end of the connection and the broker's, which is in the lobby.
func (h *house) visit(id string) (client net.Conn, c *conn) {
	h.t.Helper()
	client, server := overTCP(h.t)
	h.admit(server)
	come(h.t, client, id)
	if runtime.GOOS != "linux" {
		h.t.Skip("left out: there is no lobby here, each connection waits with a goroutine of its own")
	}
	if h.lobby == nil {
		h.t.Fatal("there is no lobby")
	}
	h.broker.registry.mu.Lock()
	c = h.broker.registry.holders[id]
	h.broker.registry.mu.Unlock()
	h.rests(c)
	return client, c
}

// look looks at what is in the lobby, while nobody can leave it.
func (h *house) look(at func()) {
	h.lobby.mu.Lock()
	defer h.lobby.mu.Unlock()
	at()
}

// inside says whether a connection is in the lobby.
func (h *house) inside(c *conn) (is bool) {
	h.look(func() { is = slices.Contains(h.lobby.inside, c) })
	return is
}

// rests waits until a connection is in the lobby.
func (h *house) rests(c *conn) {
	h.t.Helper()
	for !h.inside(c) {
		if h.t.Context().Err() != nil {
			h.t.Fatal("it is not in the lobby")
		}
		runtime.Gosched()
	}
}

func ping(t *testing.T, client net.Conn) {
	t.Helper()
	if _, err := client.Write([]byte{pingreqPacket << 4, 0}); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 2)
	if _, err := io.ReadFull(client, answer); err != nil || answer[0] != pingrespPacket<<4 {
		t.Fatalf("the answer is % x, %v", answer, err)
	}
}

func TestAClientThatSaysLittleHasNoGoroutine(t *testing.T) {
	h := openHouse(t)
	before := runtime.NumGoroutine()
	var clients []net.Conn
	var conns []*conn
	for i := range 40 {
		client, c := h.visit(strconv.Itoa(i))
		clients, conns = append(clients, client), append(conns, c)
	}
	if n := runtime.NumGoroutine() - before; n >= len(clients)/2 {
		t.Errorf("%d goroutines wait for %d clients", n, len(clients))
	}
	for i, c := range conns {
		ping(t, clients[i])
		h.rests(c)
		h.look(func() {
			if c.in != nil || c.desk != nil {
				t.Error("a connection in the lobby keeps a buffer or a desk")
			}
		})
	}
	for _, client := range clients { // nobody says goodbye
		client.Close()
	}
	for _, c := range conns {
		c.over.Wait()
		if k := c.cause.Load(); k == nil || !strings.Contains(k.reason, "closed") {
			t.Errorf("it ended because of %+v", k)
		}
	}
}

func TestAPingIsAnsweredInTheLobby(t *testing.T) {
	h := openHouse(t)
	client, c := h.visit("quiet")
	in, out := c.heard.flow(), c.out.flow()
	h.look(func() { c.silent = time.Now().Add(-80 * time.Second) })
	h.porters.mu.Lock() // no porter can be called
	_ = client.SetReadDeadline(time.Now().Add(time.Minute))
	ping(t, client)
	h.porters.mu.Unlock()
	h.rests(c)
	h.look(func() {
		if silence := time.Since(c.silent); silence > time.Minute {
			t.Errorf("after it has spoken it is said to be silent for %v", silence)
		}
	})
	for name, d := range map[string][2]Flow{"from": {in, c.heard.flow()}, "to": {out, c.out.flow()}} {
		if d[1].Packets-d[0].Packets != 1 || d[1].Bytes-d[0].Bytes != 2 {
			t.Errorf("what is counted %s it is %+v after %+v, want a packet of 2 bytes more", name, d[1], d[0])
		}
	}
}

// What a message's handler is called with lasts as long as the publisher's connection, in the lobby, too.
func TestAHandlersContextOutlivesTheWayToTheLobby(t *testing.T) {
	h := openHouse(t)
	link, calls := h.broker.Link(), make(chan context.Context, 1)
	link.Subscribe(broker.Subscription{Filter: "#"})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- link.Run(ctx, keeper(calls)) }()
	client, c := h.visit("sensor")
	if _, err := client.Write([]byte{publishPacket << 4, 3, 0, 1, 'a'}); err != nil {
		t.Fatal(err)
	}
	call := <-calls
	h.rests(c)
	h.look(func() {
		if call.Err() != nil || c.desk == nil || len(c.batch.joints) != 1 {
			t.Errorf("when the publisher goes to the lobby the call's context is lost: %v", call.Err())
		}
	})
	client.Close()
	<-call.Done()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// keeper keeps the contexts that it is called with.
type keeper chan context.Context

func (k keeper) HandleMessage(ctx context.Context, _ broker.Message) { k <- ctx }
func (k keeper) HandleSession(context.Context, broker.Session)       {}
func (k keeper) HandleLink(bool, string)                             {}

func TestWhatOnlyBeginsLikeAPingIsNoneInTheLobby(t *testing.T) {
	h := openHouse(t)
	client, c := h.visit("a")
	for _, part := range [][]byte{{publishPacket << 4, 5}, {0, 1, 'a'}, pingreq} { // the last part is the message's payload
		before := c.heard.flow().Bytes
		h.look(func() { c.silent = time.Now().Add(-80 * time.Second) })
		if _, err := client.Write(part); err != nil {
			t.Fatal(err)
		}
		for c.heard.flow().Bytes == before {
			h.rests(c)
		}
		h.rests(c)
		h.look(func() {
			if silence := time.Since(c.silent); silence > time.Minute {
				t.Errorf("after % x it is said to be silent for %v", part, silence)
			}
		})
	}
	ping(t, client)
	if in, out := c.heard.flow(), c.out.flow(); in.Messages[0] != 1 || in.PayloadBytes != 2 || out.Packets != 2 {
		t.Errorf("it has said %+v and been told %+v, want a message of 2 bytes, and one answer to a ping after CONNACK", in, out)
	}
}

func TestSeveralPingsAtOnceAreAllAnswered(t *testing.T) {
	h := openHouse(t)
	client, c := h.visit("eager")
	before := c.heard.flow()
	const many = 2 * often
	if _, err := client.Write(bytes.Repeat(pingreq, many)); err != nil {
		t.Fatal(err)
	}
	answers := make([]byte, many*len(pingresp))
	if _, err := io.ReadFull(client, answers); err != nil || !bytes.Equal(answers, bytes.Repeat(pingresp, many)) {
		t.Fatalf("the answers are % x, %v", answers, err)
	}
	for range 50 {
		ping(t, client)
		for range 100 {
			if runtime.Gosched(); h.inside(c) {
				t.Fatal("it is in the lobby, though it speaks all the time")
			}
		}
	}
	h.broker.Disconnect("eager")
	c.over.Wait()
	in := c.heard.flow()
	if packets, size := in.Packets-before.Packets, in.Bytes-before.Bytes; packets != many+50 || size != 2*packets {
		t.Errorf("%d packets and %d bytes were counted", packets, size)
	}
}

func TestWhatOnlyPartlyArrivedIsKeptInTheLobby(t *testing.T) {
	h := openHouse(t)
	client, c := h.visit("slow")
	if _, err := client.Write([]byte{pingreqPacket << 4}); err != nil {
		t.Fatal(err)
	}
	for half := 0; half != 1; runtime.Gosched() { // until it has been back
		h.look(func() {
			if slices.Contains(h.lobby.inside, c) {
				half = c.top - c.start
			}
		})
	}
	if _, err := client.Write([]byte{0}); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 2)
	if _, err := io.ReadFull(client, answer); err != nil || answer[0] != pingrespPacket<<4 {
		t.Fatalf("the answer is % x, %v", answer, err)
	}
}

func TestAConnectionInTheLobbyIsEndedFromElsewhere(t *testing.T) {
	h := openHouse(t)
	client, c := h.visit("a")
	if !h.broker.Disconnect("a") {
		t.Fatal("it is not there")
	}
	if n, err := client.Read(make([]byte, 10)); !errors.Is(err, io.EOF) {
		t.Errorf("read %d bytes, %v", n, err)
	}
	c.over.Wait()
	if again, taken := h.visit("a"); again == nil || taken == c {
		t.Error("its identifier is not free")
	}
}

func TestAClientThatIsSilentForTooLongIsEndedInTheLobby(t *testing.T) {
	h := openHouse(t)
	client, silent := h.visit("silent")
	before := time.Now()
	_, alive := h.visit("alive")
	h.look(func() {
		if h.lobby.next.IsZero() || h.lobby.next.After(time.Now().Add(90*time.Second)) {
			t.Errorf("with a keep alive of 60 s the alarm is set for %v", h.lobby.next)
		}
		silent.silent = time.Now().Add(-91 * time.Second)
	})
	h.lobby.sweep()
	if n, err := client.Read(make([]byte, 10)); !errors.Is(err, io.EOF) {
		t.Errorf("read %d bytes, %v", n, err)
	}
	silent.over.Wait()
	if k := silent.cause.Load(); !strings.HasPrefix(k.reason, "keep alive of 60 s passed") {
		t.Errorf("it ended because of %q", k.reason)
	}
	if !h.inside(alive) {
		t.Error("the other one left the lobby, too")
	}
	h.look(func() {
		if first, last := before.Add(90*time.Second), time.Now().Add(90*time.Second); h.lobby.next.Before(first) || h.lobby.next.After(last) {
			t.Errorf("the next look is at %v, want it between %v and %v", h.lobby.next, first, last)
		}
	})
}

func TestAClientThatSpeaksAllTheTimeHasAGoroutineUntilItIsQuiet(t *testing.T) {
	h := openHouse(t)
	client, c := h.visit("busy")
	soon := func() { h.look(func() { c.silent = time.Now().Add(time.Hour) }) } // however busy this machine is
	for range often - 1 {
		soon()
		ping(t, client)
		h.rests(c)
	}
	h.look(func() {
		if c.returns != often-1 {
			t.Errorf("it has come back %d times, want %d", c.returns, often-1)
		}
	})
	soon()
	if !h.lobby.take(c) { // from here on this test's goroutine is the connection's
		t.Fatal("it is not in the lobby")
	}
	c.sit()
	c.comeBack()
	if c.rests() {
		t.Fatal("it is to wait in the lobby")
	}
	c.silent = time.Now().Add(-2 * patience)
	if err := c.fill(nil); !errors.Is(err, errQuiet) || !c.rests() {
		t.Fatalf("after a long silence it does not go to the lobby: %v", err)
	}
	if c.rest(); !h.lobby.enter(c) {
		t.Fatal("it cannot go to the lobby")
	}
	ping(t, client) // the alarm that has passed does not keep it from reading
}

func TestNobodyGoesToTheLobbyWhoHasBeenEnded(t *testing.T) {
	h := openHouse(t)
	client, c := h.visit("a")
	if !h.lobby.take(c) {
		t.Fatal("it is not in the lobby")
	}
	c.kick(&cause{reason: "a test"})
	if h.lobby.enter(c) {
		t.Error("it is in the lobby, where nobody looks for it any more")
	}
	h.send(c)
	if _, err := client.Read(make([]byte, 10)); !errors.Is(err, io.EOF) {
		t.Errorf("it lives on: %v", err)
	}
}

func TestALobbyThatCannotWatchAConnectionLeavesItWithItsGoroutine(t *testing.T) {
	h := openHouse(t)
	client, c := h.visit("a")
	if !h.lobby.take(c) {
		t.Fatal("it is not in the lobby")
	}
	c.watched = false // asked for as if it were new, the kernel refuses it
	h.send(c)
	ping(t, client)
	if h.inside(c) {
		t.Error("it is in the lobby")
	}
	ping(t, client)
}
