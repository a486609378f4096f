package remote

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/log"
)

// pinger sends signs of life and notices a broker that gives none. Unlike the library's own it is patient while our handler
// holds up what arrives, since the broker's answers are then stuck behind it.
type pinger struct {
	busy func() bool // a handler is at work

	mu             sync.Mutex
	sent, received time.Time
}

var errSilent = errors.New("the broker gave no sign of life")

// Run pings until ctx ends. A broker that has said nothing at all for two keep alives is gone.
func (p *pinger) Run(ctx context.Context, conn net.Conn, keepAlive uint16) error {
	if keepAlive == 0 {
		return nil
	}
	interval := time.Duration(keepAlive) * time.Second
	p.PacketSent()
	p.PacketReceived()
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		now := time.Now()
		p.mu.Lock()
		sent, received := p.sent, p.received
		p.mu.Unlock()
		if now.Sub(received) >= 2*interval && !p.busy() {
			return errSilent
		}
		earlier := sent
		if received.Before(sent) {
			earlier = received
		}
		if due := earlier.Add(interval); now.Before(due) {
			timer.Reset(due.Sub(now))
			continue
		}
		if _, err := packets.NewControlPacket(packets.PINGREQ).WriteTo(conn); err != nil {
			return err
		}
		p.PacketSent()
		timer.Reset(interval)
	}
}

// PacketSent and PacketReceived are told by the library of every packet.
func (p *pinger) PacketSent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = time.Now()
}

func (p *pinger) PacketReceived() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.received = time.Now()
}

// PingResp is of no interest beside PacketReceived.
func (p *pinger) PingResp() {}

// SetDebug is for the library's own pinger.
func (p *pinger) SetDebug(log.Logger) {}
