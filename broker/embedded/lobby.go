package embedded

import (
	"bytes"
	"errors"
	"sync"
	"time"
)

const (
	// patience is how long a goroutine waits for a client that has had much to say of late.
	patience = 5 * time.Second
	// often is how many times in a row a client has to come back from the lobby within that time to be one of those.
	often = 3
	// sweepPause is the shortest time between two looks for clients that were silent for too long.
	sweepPause = 250 * time.Millisecond
)

// errQuiet is returned instead of waiting for input where the connection can wait in the lobby.
var errQuiet = errors.New("the client has nothing to say at the moment")

// The packets of those who only say that they are there, and the answer.
var (
	pingreq  = []byte{pingreqPacket << 4, 0}
	pingresp = []byte{pingrespPacket << 4, 0}
)

// lobby is where connections over plain sockets wait for their clients, all of them with one goroutine and one timer. So a client that only
// pings now and then has no stack. A connection that is there belongs to nobody: whoever takes it out has it served. A nil lobby takes nobody.
type lobby struct {
	serve func(*conn) // must not wait
	watch *watch

	mu     sync.Mutex
	inside []*conn // by file descriptor
	alarm  *time.Timer
	next   time.Time // for when it is set, zero if it is not
}

// newLobby returns a lobby without its goroutine, nil where there is none on this system.
func newLobby(serve func(*conn)) (*lobby, error) {
	w, err := newWatch()
	if w == nil {
		return nil, err
	}
	return &lobby{serve: serve, watch: w}, nil
}

// run has connections served whose clients have said something, until close is called.
func (l *lobby) run() { l.watch.run(l.spoke) }

// close ends run. Nobody may be inside.
func (l *lobby) close() {
	if l == nil {
		return
	}
	l.watch.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.alarm != nil {
		l.alarm.Stop()
	}
}

// enter leaves a connection in the lobby until there is something to read, it is ended from elsewhere, or its client has been silent for too
// long. It says whether it did: then the caller must not touch it any more.
func (l *lobby) enter(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.cause.Load() != nil { // whoever ends it from now on finds it inside
		return false
	}
	fd, err := l.watch.ask(c.socket, c.watched)
	if err != nil { // its goroutine waits, for a while
		c.returns = often
		return false
	}
	c.watched, c.place = true, fd
	for len(l.inside) <= fd {
		l.inside = append(l.inside, nil)
	}
	l.inside[fd] = c
	if due := c.deadline(c.silent); !due.IsZero() && (l.next.IsZero() || due.Before(l.next)) {
		l.set(due)
	}
	return true
}

// take takes a connection out, and says whether it was inside.
func (l *lobby) take(c *conn) bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.place >= len(l.inside) || l.inside[c.place] != c {
		return false
	}
	l.inside[c.place] = nil
	return true
}

// wake has a connection served that somebody has ended.
func (l *lobby) wake(c *conn) {
	if l.take(c) {
		l.serve(c)
	}
}

// spoke has the connection served that waits for input from a file descriptor, unless its client says no more than that it is there.
func (l *lobby) spoke(fd int) {
	if c := l.takeAt(fd); c != nil && !(l.nod(c) && l.enter(c)) {
		l.serve(c)
	}
}

// nod answers a PINGREQ, which is all that most of those in the lobby ever say, in the lobby's own goroutine, and says whether that was it.
// Anything else that was read is left to whoever serves the connection.
func (l *lobby) nod(c *conn) bool {
	if c.start < c.top { // it has begun to say something
		return false
	}
	said := l.watch.listen(c.socket)
	if len(said) == 0 {
		return false
	}
	c.comeBack()
	c.silent = time.Time{}
	if bytes.Equal(said, pingreq) && c.rests() && c.cause.Load() == nil {
		if answer := c.out.exchange(pingresp, 1); len(answer) > 0 {
			c.heard.add(&Flow{Packets: 1, Bytes: uint64(len(said))})
			c.pass(answer)
			c.silent = time.Now()
			return true
		}
	}
	c.in = borrowInput()
	c.start, c.top = 0, copy(c.in, said)
	c.news.Bytes += uint64(len(said))
	return false
}

func (l *lobby) takeAt(fd int) *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if fd >= len(l.inside) {
		return nil
	}
	c := l.inside[fd]
	l.inside[fd] = nil
	return c
}

// set sets the alarm. The caller holds the lock.
func (l *lobby) set(due time.Time) {
	now := time.Now()
	if soon := now.Add(sweepPause); due.Before(soon) {
		due = soon
	}
	l.next = due
	if l.alarm == nil {
		l.alarm = time.AfterFunc(due.Sub(now), l.sweep)
	} else {
		l.alarm.Reset(due.Sub(now))
	}
}

// sweep has those connections served whose clients were silent for too long, which ends them.
func (l *lobby) sweep() {
	for _, c := range l.late(time.Now()) {
		l.serve(c)
	}
}

// late takes out those whose time is over, and sets the alarm for the next one.
func (l *lobby) late(now time.Time) (late []*conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var next time.Time
	for fd, c := range l.inside {
		if c == nil {
			continue
		}
		switch due := c.deadline(c.silent); {
		case due.IsZero():
		case !now.Before(due):
			l.inside[fd] = nil
			late = append(late, c)
		case next.IsZero() || due.Before(next):
			next = due
		}
	}
	if l.next = next; !next.IsZero() {
		l.set(next)
	}
	return late
}
