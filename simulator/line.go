package simulator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"home.arpa/homehub/broker"
)

// line is the way to the broker of a device, or of a bridge and the devices behind it. What is said waits in its queue
// until the broker has taken it.
type line struct {
	id      string
	who     station
	devices []*device
	sim     *Simulator

	// What follows is guarded by Simulator.mu. queue holds at most maxQueue messages, and some more for each device behind a bridge; when it is full all of it is thrown
	// away and the line is stale.
	queue []broker.Message
	up    bool
	// stale: what was said may not have got through, so the device announces itself as soon as it can and says nothing else
	// until then.
	stale bool

	wake chan struct{} // holds one: there is something to say
	// last is what is still to be said before the line is left by itself for the time away, of the clock on the wall; nil: the line
	// stays.
	last *leaving

	reached, resting bool // the broker is reached; the line was left by itself; guarded by Simulator.news

	power   sync.Mutex      // guards what follows
	powered context.Context // ends when the power is cut; never nil
	cut     context.CancelFunc
	on      chan struct{} // closed while the power is on
}

// leaving says how a device leaves its line by itself, to sleep or to restart.
type leaving struct {
	words []broker.Message
	away  time.Duration
}

const maxQueue = 500

func newLine(id string, who station, s *Simulator, devices ...*device) *line {
	l := &line{id: id, who: who, devices: devices, sim: s, wake: make(chan struct{}, 1), on: make(chan struct{})}
	l.powered, l.cut = context.WithCancel(context.Background())
	close(l.on)
	return l
}

// live holds the device on the line until ctx ends.
func (l *line) live(ctx context.Context) {
	for ctx.Err() == nil {
		powered, on := l.switches()
		select {
		case <-on:
			if powered.Err() != nil { // the power was away meanwhile
				powered, _ = l.switches()
			}
			l.talk(ctx, powered)
		case <-ctx.Done():
		}
	}
}

// giveUp is how long a device waits that cannot have a client at all.
const giveUp = 30 * time.Second

// talk holds one client up until ctx ends or the power is cut.
func (l *line) talk(ctx, powered context.Context) {
	// Waiting for the broker to take a message ends with ctx and with the power.
	speaking, silence := context.WithCancel(ctx)
	defer silence()
	stop := context.AfterFunc(powered, silence)
	defer stop()

	if d, ok := l.who.(*device); ok {
		l.sim.mu.Lock()
		d.start()
		l.sim.mu.Unlock()
	}
	client, err := l.sim.options.Connect(ClientOptions{ID: l.sim.clientID(l.id), Will: l.who.will()})
	if err != nil {
		l.sim.trouble(err.Error())
		pause(speaking, giveUp)
		return
	}
	client.Subscribe(l.who.filters()...)

	// The client outlives ctx by the goodbye.
	running, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	ended := make(chan error, 1)
	go func() { ended <- client.Run(running, l) }()

	for {
		select {
		case <-l.wake:
			l.speak(speaking, client)
			if last := l.leaves(); last != nil && speaking.Err() == nil {
				l.rest(true)
				l.sayLast(ctx, client, last.words)
				hangUp()
				<-ended //nolint:errcheck // as below
				l.HandleLink(false, "")
				pause(speaking, last.away)
				l.rest(false)
				return
			}
		case err := <-ended:
			l.HandleLink(false, fmt.Sprintf("the client has ended: %v", err))
			pause(speaking, giveUp)
			return
		case <-speaking.Done():
			if powered.Err() != nil {
				client.Abandon()
			} else if l.isUp() {
				l.goodbye(ctx, client)
			}
			hangUp()
			<-ended //nolint:errcheck // what it has to say about a connection that is not wanted any more is of no interest
			l.HandleLink(false, "")
			return
		}
	}
}

// speak says what there is to say.
func (l *line) speak(ctx context.Context, client Client) {
	for {
		if l.isStale() {
			// Who announces itself is heard at once, and must hear then.
			if client.Sync(ctx) != nil {
				return // ctx has ended
			}
			l.announce()
		}
		m, more := l.next()
		if !more {
			return
		}
		switch err := client.Publish(ctx, m); {
		case err == nil:
		case ctx.Err() != nil:
			return
		case errors.Is(err, broker.ErrClosed):
			l.lost()
			return // it goes on when the link comes up again
		default:
			l.sim.trouble(err.Error())
		}
	}
}

// goodbyeTime is how long a device that is told to stop waits for the broker to take its last words.
const goodbyeTime = time.Second

func (l *line) goodbye(ctx context.Context, client Client) {
	l.sim.mu.Lock()
	words := l.who.goodbye()
	l.sim.mu.Unlock()
	l.sayLast(ctx, client, words)
}

// sayLast says the last words before the client disconnects.
func (l *line) sayLast(ctx context.Context, client Client, words []broker.Message) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbyeTime)
	defer cancel()
	for _, m := range words {
		if err := client.Publish(last, m); err != nil {
			l.sim.log.Debug("a goodbye did not get through", "device", l.id, "error", err)
			return
		}
	}
}

// next takes the next message from the queue.
func (l *line) next() (broker.Message, bool) {
	l.sim.mu.Lock()
	defer l.sim.mu.Unlock()
	if len(l.queue) == 0 {
		return broker.Message{}, false
	}
	m := l.queue[0]
	l.queue[0] = broker.Message{}
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue = nil
	}
	return m, true
}

// lost notes that a message did not get through.
func (l *line) lost() {
	l.sim.mu.Lock()
	defer l.sim.mu.Unlock()
	l.queue, l.stale = nil, true
}

// announce queues all that the device has to say about itself.
func (l *line) announce() {
	l.sim.mu.Lock()
	defer l.sim.mu.Unlock()
	if l.up {
		l.queue, l.stale = l.who.announce(l.sim.world.Now), false
	}
}

func (l *line) isUp() bool {
	l.sim.mu.Lock()
	defer l.sim.mu.Unlock()
	return l.up
}

func (l *line) isStale() bool {
	l.sim.mu.Lock()
	defer l.sim.mu.Unlock()
	return l.up && l.stale
}

// say queues messages. The caller holds Simulator.mu.
func (l *line) say(list ...broker.Message) {
	if !l.up || l.stale || len(list) == 0 {
		return
	}
	if len(l.queue)+len(list) > maxQueue+20*len(l.devices) {
		l.queue, l.stale = nil, true
	} else {
		l.queue = append(l.queue, list...)
	}
	l.ring()
}

// leave has the device say what is queued and then the words, disconnect, and come back after some model time. The caller holds
// Simulator.mu.
func (l *line) leave(words []broker.Message, away time.Duration) {
	if l.up && !l.stale && l.last == nil {
		l.last = &leaving{words, time.Duration(float64(away) / l.sim.options.Speed)}
		l.ring()
	}
}

// leaves says how the line is to be left now, when all that was queued is said; nil: it is not.
func (l *line) leaves() *leaving {
	l.sim.mu.Lock()
	defer l.sim.mu.Unlock()
	last := l.last
	if l.up && !l.stale {
		l.last = nil
		return last
	}
	return nil
}

// rest notes that the line is left by itself, which is no trouble.
func (l *line) rest(begins bool) {
	l.sim.news.Lock()
	defer l.sim.news.Unlock()
	l.resting = begins
}

func (l *line) ring() {
	select {
	case l.wake <- struct{}{}:
	default: // it has been rung
	}
}

// HandleMessage obeys a command and says what came of it.
func (l *line) HandleMessage(_ context.Context, m broker.Message) {
	l.sim.mu.Lock()
	defer l.sim.mu.Unlock()
	said, refused := l.who.hear(l.sim.world.Now, m)
	if refused != "" {
		l.sim.log.Debug("command refused", "device", l.id, "topic", m.Topic, "reason", refused)
	}
	l.say(said...)
}

// HandleSession does nothing: no other client concerns a device.
func (l *line) HandleSession(context.Context, broker.Session) {}

// HandleLink has the device announce itself when its connection comes up.
func (l *line) HandleLink(up bool, detail string) {
	l.sim.mu.Lock()
	was := l.up
	l.up, l.queue, l.stale, l.last = up, nil, up, nil
	l.sim.mu.Unlock()
	if up {
		l.ring()
	}
	if up != was {
		l.sim.count(l, up)
	}
	if !up && detail != "" {
		l.sim.trouble(detail)
	}
}

func (l *line) switches() (powered context.Context, on <-chan struct{}) {
	l.power.Lock()
	defer l.power.Unlock()
	return l.powered, l.on
}

// setPower cuts the power, which breaks the connection without a word, or gives it back.
func (l *line) setPower(off bool) {
	l.power.Lock()
	defer l.power.Unlock()
	switch {
	case off == (l.powered.Err() != nil): // it is so already
	case off:
		l.on = make(chan struct{})
		l.cut()
	default:
		l.powered, l.cut = context.WithCancel(context.Background())
		close(l.on)
	}
}

// pause waits for a time, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
