// Package embedded is the MQTT broker inside the hub: MQTT 3.1, 3.1.1 and 5, QoS 0 to 2, over TCP and WebSocket.
//
// It has a room for each promise: the gate (who comes in, and how a connection ends), the connection (which reads packets and handles
// them, or has them handled), outbox and session (what is on its way to a client, and what waits for it), the router with the
// retained messages, the registry (who holds which client identifier), wills, access, the link (the hub's own way in), and the
// ledger, which writes into the journal what has to come back after a restart or a crash. Subscriptions are decoded and answered by mochi
// (control.go).
//
// Its locks are taken in the order registry, router, one session, its outbox, the journal, and none is held while something is parsed,
// called back, read or written. Nobody waits for a client to read: what a client does not take is queued within limits,
// dropped and counted, or ends the client.
//
// The program that runs the hub builds a Broker; the hub uses its Link; tests use package brokertest. The package knows nothing of
// devices, and nobody outside of it imports mochi.
package embedded

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
)

// Broker is an MQTT broker. Its methods may be called by several goroutines at once.
type Broker struct {
	now     atomic.Pointer[Options]
	log     *slog.Logger
	plane   *mqtt.Server
	stopped chan struct{} // closed when the last connection has ended

	gate     gate
	registry registry
	router   router
	ledger   *ledger // nil: nothing outlives the program
	links    links
	janitor  janitor
	counts   counts
	sampler  sampler
	numbers  atomic.Uint64 // of connections
	// revoked is what EndRevoked was told; nil: nothing yet.
	revoked atomic.Pointer[func(chains [][]*x509.Certificate) error]

	mu        sync.Mutex
	listeners []net.Listener
	started   bool
}

// New builds a broker and brings back what its journal holds. It starts nothing: Run does.
func New(o Options) (*Broker, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	b := &Broker{log: o.Logger, stopped: make(chan struct{}), registry: newRegistry()}
	b.now.Store(&o)
	b.router.limits, b.router.counts, b.router.full = b.options, &b.counts, b.lost
	b.janitor.wake = make(chan struct{}, 1)
	plane, err := newControlPlane(b)
	if err != nil {
		return nil, fmt.Errorf("preparing the control plane: %w", err)
	}
	b.plane = plane
	if err := b.load(); err != nil {
		return nil, err
	}
	return b, nil
}

// options are the ones in force.
func (b *Broker) options() *Options { return b.now.Load() }

// Reload puts other options in force: credentials, access and limits, for new connections and for what those that are there do
// from now on; what a client was promised in CONNACK stays as it is. Nobody is disconnected. Logger, Version and what is about durability stay as
// they were.
// With an error nothing has changed.
func (b *Broker) Reload(o Options) error {
	if err := o.fill(); err != nil {
		return err
	}
	was := b.options()
	o.Logger, o.Version, o.Folder = was.Logger, was.Version, was.Folder
	o.Durability, o.DurabilityInterval = was.Durability, was.DurabilityInterval
	b.now.Store(&o)
	b.registry.permit(o.Access)
	return nil
}

// Listen binds a TCP address, such as ":1883" or "127.0.0.1:0", for Run to serve, and returns the address in use. It may be
// called several times before Run.
func (b *Broker) Listen(address string) (net.Addr, error) {
	return b.bind(address, func(l net.Listener) net.Listener { return l })
}

// bind binds an address and lets Run serve what wrap makes of the listener.
func (b *Broker) bind(address string, wrap func(net.Listener) net.Listener) (net.Addr, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.started {
		return nil, errors.New("listening on " + address + ": the broker runs already")
	}
	// MQTT has its own keep alive; the kernel's costs four system calls for each connection.
	l, err := (&net.ListenConfig{KeepAlive: -1}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for MQTT: %w", err)
	}
	b.listeners = append(b.listeners, wrap(l))
	return l.Addr(), nil
}

// Run serves clients until ctx ends. Then it disconnects them (MQTT 5 clients are told that the server shuts down), keeps the
// wills of those that were connected for the next life, writes the last of the journal, and returns when everything that it started
// has ended. The error is that of the journal. Run is called once.
func (b *Broker) Run(ctx context.Context) error {
	listeners, err := b.start()
	if err != nil {
		return err
	}
	written := b.write(context.WithoutCancel(ctx))
	said := newSys(b.options().Version, time.Now())
	b.tell(ctx, said) // before anybody can ask
	var serving sync.WaitGroup
	for _, l := range listeners {
		serving.Go(func() { b.accept(ctx, l) })
	}
	serving.Go(func() { b.sweep(ctx) })
	serving.Go(func() { b.inform(ctx, said) })
	<-ctx.Done()
	for _, l := range listeners {
		_ = l.Close()
	}
	b.gate.empty()
	serving.Wait()
	close(b.stopped)
	if err := written(); err != nil {
		return fmt.Errorf("stopping the broker: %w", err)
	}
	return nil
}

// write runs the journal. The function that it returns ends it, and returns when everything is on disk.
func (b *Broker) write(ctx context.Context) (end func() error) {
	if b.ledger == nil {
		return func() error { return nil }
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- b.ledger.log.Run(ctx, b.checkpoint) }()
	return func() error {
		b.router.write(context.Background(), b.ledger)
		cancel()
		return <-ended
	}
}

func (b *Broker) start() ([]net.Listener, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.started {
		return nil, errors.New("running the broker: it was started before")
	}
	b.started = true
	return b.listeners, nil
}

// ServeConn serves one connection that was made elsewhere, a pipe for instance, until it ends. A connection whose remote
// address is no IP address counts as one from this machine. It needs Run only for what happens by the clock.
func (b *Broker) ServeConn(nc net.Conn) { b.serve(nc, peerOf(nc)) }
