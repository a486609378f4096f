package outage

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

const (
	// redial is the pause between two attempts to connect. It is short, since how soon the broker is back is measured by them.
	redial = 20 * time.Millisecond
	// patience is how long the broker may take to answer CONNECT, to take bytes, and to close after DISCONNECT.
	patience = 10 * time.Second
)

// role is what a client does on its connections. All but refused is called by the goroutine that reads the connection.
type role interface {
	// up is called when CONNACK has come, before anything else is read.
	up(l *link, present bool)
	// take gets every packet that follows. An error ends the connection.
	take(l *link, p packet) error
	// down is called when the connection has ended. The link takes nothing any more.
	down()
}

// client keeps one MQTT client connected as long as it is wanted, over any number of connections.
type client struct {
	hello connect
	dial  func(context.Context) (net.Conn, error)
	role  role
	log   *slog.Logger

	wake chan struct{} // holds one wish to look whether it is wanted

	mu     sync.Mutex
	wanted bool
	link   *link // nil while there is none
}

// maxUnwritten bounds what waits to be written on one connection, in bytes. A broker that lets more pile up loses the connection.
const maxUnwritten = 16 << 20

// link is one connection of a client's. Nobody waits for it to take anything: what is sent is queued, and write writes it.
type link struct {
	version byte
	window  uint16 // the broker's Receive Maximum
	born    time.Time
	conn    net.Conn
	news    chan struct{} // holds one wish to write

	mu    sync.Mutex
	pings int    // PINGREQ sent
	pongs int    // PINGRESP received
	out   []byte // not yet written
	left  bool   // the last packet is queued: what still arrives is not for us
}

// send queues one packet.
func (l *link) send(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.left {
		l.queue(b)
	}
}

func (l *link) queue(b []byte) {
	if len(l.out) > maxUnwritten {
		_ = l.conn.Close() // which its reader notices
		return
	}
	l.out = append(l.out, b...)
	select {
	case l.news <- struct{}{}:
	default: // it is going to look anyway
	}
}

// ping sends PINGREQ and returns how many that makes. When as many PINGRESP have come the broker has taken all that was sent before.
func (l *link) ping() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.left {
		l.queue(encodePing())
		l.pings++
	}
	return l.pings
}

func (l *link) pong() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pongs++
}

func (l *link) answered(pings int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pongs >= pings
}

// write writes what is sent until the connection has ended. Pings keep it alive.
func (l *link) write(ended <-chan struct{}) {
	each := time.NewTicker(keepAlive * time.Second / 3)
	defer each.Stop()
	for {
		select {
		case <-ended:
			return
		case <-each.C:
			l.ping()
		case <-l.news:
		}
		l.mu.Lock()
		b := l.out
		l.out = nil
		l.mu.Unlock()
		if len(b) == 0 {
			continue
		}
		_ = l.conn.SetWriteDeadline(time.Now().Add(patience)) // an error says that it is closed; so does the next one
		if _, err := l.conn.Write(b); err != nil {
			_ = l.conn.Close() // which its reader notices
			return
		}
	}
}

// leave ends the connection from this side.
func (l *link) leave(how manner) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case how == cut:
		_ = l.conn.Close()
	case !l.left:
		l.queue(encodeDisconnect(l.version, byte(how)))
		_ = l.conn.SetReadDeadline(time.Now().Add(patience)) // for the broker to close it
	}
	l.left = true
}

func (l *link) gone() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left
}

// manner is how a client leaves: the reason code of its DISCONNECT, or without one.
type manner int

const (
	goodbye  manner = 0
	withWill        = manner(disconnectWithWill)
	cut      manner = -1
)

// want says that the client is to be connected.
func (c *client) want() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = true
	select {
	case c.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// leave says that the client is not to be connected, and ends the connection.
func (c *client) leave(how manner) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = false
	if c.link != nil {
		c.link.leave(how)
	}
}

// forsake says that the client is not to be connected again when its connection has ended.
func (c *client) forsake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = false
}

// connected says whether the broker has accepted the present connection.
func (c *client) connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link != nil
}

func (c *client) isWanted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wanted
}

// run connects whenever the client is wanted, until ctx ends.
func (c *client) run(ctx context.Context) {
	pause := time.NewTimer(redial)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		case <-pause.C:
		}
		if !c.isWanted() {
			continue
		}
		if err := c.once(ctx); err != nil {
			c.log.Debug("a witness lost its connection", "client", c.hello.id, "error", err)
		}
		pause.Reset(redial)
	}
}

// once makes one connection and stays until it ends.
func (c *client) once(ctx context.Context) error {
	attempt, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := c.dial(attempt)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer func() { _ = conn.Close() }()
	l := &link{version: c.hello.version, conn: conn, born: time.Now(), news: make(chan struct{}, 1)}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	in := bufio.NewReader(conn)
	_ = conn.SetDeadline(time.Now().Add(patience)) // an error says that it is closed; so does the next one
	if _, err := conn.Write(c.hello.encode()); err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	ack, err := readPacket(in, l.version)
	switch {
	case err != nil:
		return fmt.Errorf("connecting: %w", err)
	case ack.kind != connackPacket || ack.code != 0:
		return fmt.Errorf("connecting: packet type %d with code %d instead of a welcome", ack.kind, ack.code)
	}
	l.window = ack.window
	if !c.adopt(l) {
		return nil
	}
	defer c.adopt(nil)
	c.role.up(l, ack.present)
	defer c.role.down()
	return c.read(l, in)
}

// adopt makes l the client's connection, unless the client is not wanted any more.
func (c *client) adopt(l *link) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l != nil && !c.wanted {
		return false // nobody has relied on it
	}
	c.link = l
	return true
}

// read hands packets to the role until the connection ends. A broker that does not even answer pings loses it.
func (c *client) read(l *link, in *bufio.Reader) error {
	ended := make(chan struct{})
	var writing sync.WaitGroup
	defer writing.Wait()
	defer func() { _ = l.conn.Close() }() // so that it writes no more
	defer close(ended)
	writing.Go(func() { l.write(ended) })
	for {
		if !l.gone() {
			_ = l.conn.SetReadDeadline(time.Now().Add(keepAlive * time.Second)) // an error says that it is closed; so does the next one
		}
		p, err := readPacket(in, l.version)
		if err != nil {
			return err
		}
		if l.gone() {
			continue // until the broker closes it
		}
		switch p.kind {
		case pingrespPacket:
			l.pong()
		case disconnectPacket:
			return fmt.Errorf("the broker ended it with code 0x%02x", p.code)
		default:
			if err := c.role.take(l, p); err != nil {
				return err
			}
		}
	}
}
