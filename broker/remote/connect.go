package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"home.arpa/homehub/broker"
)

// receiveMaximum is how many messages may wait for our handler. When it is reached the broker keeps QoS 1 and 2 for itself,
// and QoS 0 stays in the network's buffers.
const receiveMaximum = 1024

// patience is the library's limit on waiting for an acknowledgement. The end of the connection ends such waits, and the
// pinger sees to that; a handler that takes its time must not.
const patience = 24 * time.Hour

// connect makes one connection and keeps it until it breaks or ctx ends. wasUp says whether the broker accepted it.
//
// It stands on the library's plain client and not on its autopaho, which reconnects by itself: that starts goroutines nobody
// can wait for, tells the reason of a loss apart from the loss, and keeps a queue for messages that we never queue.
func (l *Link) connect(ctx context.Context, h broker.Handler, news *reporter) (wasUp bool, err error) {
	attempt, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := l.dial(attempt)
	if err != nil {
		return false, fmt.Errorf("connecting: %w", err)
	}
	alive, died := context.WithCancel(ctx) // ends when the connection is closed by either side
	defer died()
	handling, giveUp := context.WithCancel(ctx)
	defer giveUp()
	w := newWire(conn, died)
	ends := make(chan error, 4) // why the connection ended; the library may say so several times, the first one counts
	end := func(err error) {
		select {
		case ends <- err:
		default:
		}
	}
	client := paho.NewClient(paho.ClientConfig{
		ClientID:      l.options.ClientID,
		Conn:          w,
		Session:       newSessionState(),
		PacketTimeout: patience,
		PingHandler:   &pinger{busy: func() bool { return l.busy.Load() > 0 }},
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			l.deliver(handling, h, p.Packet)
			return true, nil
		}},
		OnClientError:      end,
		OnServerDisconnect: func(d *paho.Disconnect) { end(disconnectReason(d)) },
	})
	ack, err := client.Connect(attempt, l.login())
	if err != nil {
		return false, loginError(ack, err)
	}

	s := newSession(alive, client, ack)
	l.declared.restart()
	l.set(s)
	news.up()
	var subscriber sync.WaitGroup
	subscriber.Go(func() { l.subscribe(s) })
	select {
	case <-alive.Done():
	case <-l.abandoned:
	}
	l.set(nil)
	switch {
	case l.isAbandoned():
		giveUp()
		_ = w.Close()
	case ctx.Err() != nil:
		w.hurry()
		_ = client.Disconnect(&paho.Disconnect{ReasonCode: 0}) // it is no loss if the broker does not hear it
	}
	<-client.Done()
	subscriber.Wait()
	if ctx.Err() != nil {
		return true, nil
	}
	return true, <-ends
}

func newSession(alive context.Context, client *paho.Client, ack *paho.Connack) *session {
	s := &session{client: client, ctx: alive, maxQoS: 2}
	if p := ack.Properties; p != nil {
		if p.MaximumQoS != nil {
			s.maxQoS = *p.MaximumQoS
		}
		if p.MaximumPacketSize != nil {
			s.maxPacketSize = *p.MaximumPacketSize
		}
	}
	return s
}

// login is the CONNECT packet.
func (l *Link) login() *paho.Connect {
	limit := uint16(receiveMaximum)
	c := &paho.Connect{
		ClientID:   l.options.ClientID,
		CleanStart: true,
		KeepAlive:  uint16(l.options.KeepAlive / time.Second),
		Properties: &paho.ConnectProperties{ReceiveMaximum: &limit, RequestProblemInfo: true},
	}
	if l.target.user != "" {
		c.UsernameFlag, c.Username = true, l.target.user
	}
	if l.target.password != nil {
		c.PasswordFlag, c.Password = true, l.target.password
	}
	if w := l.options.Will; w != nil {
		c.WillMessage = &paho.WillMessage{Topic: w.Topic, Payload: w.Payload, QoS: w.QoS, Retain: w.Retain}
		c.WillProperties = &paho.WillProperties{}
	}
	return c
}

// deliver hands one message to the handler. Its ctx is the link's: what has arrived is worth handling even when the
// connection that brought it is gone.
func (l *Link) deliver(ctx context.Context, h broker.Handler, p *paho.Publish) {
	l.busy.Add(1)
	defer l.busy.Add(-1)
	h.HandleMessage(ctx, broker.Message{Topic: p.Topic, Payload: p.Payload, QoS: p.QoS, Retain: p.Retain})
}

// subscribe tells the broker what is declared, until the connection ends.
func (l *Link) subscribe(s *session) {
	for {
		subs, filters, ok := l.declared.next(s.ctx)
		if !ok {
			return
		}
		var err error
		if len(subs) > 0 {
			err = l.sendSubscribe(s, subs)
		} else {
			_, err = s.client.Unsubscribe(s.ctx, &paho.Unsubscribe{Topics: filters})
		}
		if err != nil && s.ctx.Err() == nil {
			l.options.Logger.Warn("the broker refuses subscriptions", "error", err)
		}
		if s.ctx.Err() != nil {
			return // the next connection begins anew
		}
		l.declared.done()
	}
}

func (l *Link) sendSubscribe(s *session, subs []broker.Subscription) error {
	p := &paho.Subscribe{}
	for _, sub := range subs {
		p.Subscriptions = append(p.Subscriptions, paho.SubscribeOptions{Topic: sub.Filter, QoS: sub.QoS, NoLocal: true})
	}
	ack, err := s.client.Subscribe(s.ctx, p)
	if ack == nil {
		return err
	}
	for i, code := range ack.Reasons {
		if code >= 0x80 && i < len(subs) {
			l.options.Logger.Warn("the broker refuses a subscription", "filter", subs[i].Filter, "reason", reason(code))
		}
	}
	return nil
}

// Publish hands a message to the broker; with QoS 1 and 2 it returns when the broker has acknowledged it. The error wraps
// broker.ErrTopic for a topic that cannot be published to, broker.ErrClosed when the link is down or goes down meanwhile
// (then it is not known whether the broker has the message), and the error of ctx when that ended. A broker that knows less
// than the message's QoS gets it with the highest one that it knows.
func (l *Link) Publish(ctx context.Context, m broker.Message) error {
	if err := broker.ValidTopic(m.Topic); err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	if m.QoS > 2 {
		return fmt.Errorf("publishing to %s: QoS %d is not 0, 1 or 2", m.Topic, m.QoS)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publishing to %s: %w", m.Topic, err)
	}
	s, _ := l.current()
	if s == nil || s.ctx.Err() != nil {
		return fmt.Errorf("publishing to %s: %w", m.Topic, broker.ErrClosed)
	}
	const overhead = 5 + 2 + 2 + 1 // fixed header, length of the topic, packet identifier, no properties
	if size := len(m.Topic) + len(m.Payload) + overhead; s.maxPacketSize > 0 && size > int(s.maxPacketSize) {
		return fmt.Errorf("publishing to %s: %d bytes are more than the %d that the broker takes", m.Topic, size, s.maxPacketSize)
	}
	call, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(s.ctx, cancel)
	defer stop()
	r, err := s.client.Publish(call, &paho.Publish{Topic: m.Topic, Payload: m.Payload, QoS: min(m.QoS, s.maxQoS), Retain: m.Retain})
	switch {
	case err == nil && (r == nil || r.ReasonCode < 0x80):
		return nil
	case r != nil && r.ReasonCode >= 0x80:
		return fmt.Errorf("publishing to %s: the broker refuses it: %s", m.Topic, reason(r.ReasonCode))
	case ctx.Err() != nil:
		return fmt.Errorf("publishing to %s: %w", m.Topic, ctx.Err())
	case errors.Is(err, paho.ErrInvalidArguments):
		return fmt.Errorf("publishing to %s: %w", m.Topic, err)
	}
	return fmt.Errorf("publishing to %s: %w", m.Topic, broker.ErrClosed)
}

// disconnectReason says why the broker ended the connection.
func disconnectReason(d *paho.Disconnect) error {
	said := reason(d.ReasonCode)
	if d.Properties != nil && d.Properties.ReasonString != "" {
		said += " (" + d.Properties.ReasonString + ")"
	}
	return fmt.Errorf("the broker ended it: %s", said)
}

// loginError says why there was no login.
func loginError(ack *paho.Connack, err error) error {
	switch {
	case ack != nil && ack.ReasonCode >= 0x80:
		return fmt.Errorf("logging in: the broker refuses it: %s", reason(ack.ReasonCode))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("logging in: the broker hung up; it may not speak MQTT 5")
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("logging in: the broker did not answer")
	}
	return fmt.Errorf("logging in: %w", err)
}

// reason puts a reason code of MQTT 5 (section 2.4) into words.
func reason(code byte) string {
	if s, ok := reasons[code]; ok {
		return s
	}
	return fmt.Sprintf("reason 0x%02x", code)
}

var reasons = map[byte]string{
	0x00: "normal disconnection", 0x04: "disconnection with will", 0x80: "unspecified error", 0x81: "malformed packet",
	0x82: "protocol error", 0x83: "implementation specific error", 0x84: "unsupported protocol version",
	0x85: "client identifier not valid", 0x86: "bad user name or password", 0x87: "not authorized", 0x88: "server unavailable",
	0x89: "server busy", 0x8a: "banned", 0x8b: "server shutting down", 0x8d: "keep alive timeout",
	0x8e: "session taken over by another connection with the same client ID", 0x8f: "topic filter invalid", 0x90: "topic name invalid",
	0x93: "receive maximum exceeded", 0x94: "topic alias invalid", 0x95: "packet too large", 0x96: "message rate too high",
	0x97: "quota exceeded", 0x98: "administrative action", 0x99: "payload format invalid", 0x9a: "retain not supported",
	0x9b: "QoS not supported", 0x9c: "use another server", 0x9d: "server moved", 0x9e: "shared subscriptions not supported",
	0x9f: "connection rate exceeded", 0xa1: "subscription identifiers not supported", 0xa2: "wildcard subscriptions not supported",
}
