package embedded

import (
	"container/list"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"home.arpa/homehub/broker"
)

// The bounds of the list of refusals: refusalPlaces in all, refusalShare of one address (of connections) or of one client (of
// messages and subscriptions); what exceeds the share is counted in one entry. With every entry full of long names that
// is about 2 MB.
const (
	refusalPlaces = 1024
	refusalShare  = 32
)

// Act is what was refused.
type Act string

// The acts.
const (
	Connecting  Act = "connect"
	Publishing  Act = "publish"
	Subscribing Act = "subscribe"
)

// Refusal is something that the broker did not let a client do, once or several times.
type Refusal struct {
	// Act is what was refused, Reason one plain sentence part about why.
	Act    Act
	Reason string
	// Address is the IP address (without port) from which it was tried last, Client the client identifier if it was told, User the
	// login name that was claimed, Topic the topic or topic filter of a message or a subscription. User and Topic are cut
	// after 256 bytes.
	Address, Client, User, Topic string
	// Others says that this stands for further refusals of the same address (of connections) or client, which were too many to be
	// listed one by one; Reason is that of the last.
	Others bool
	// Count is how often, First and Last when.
	Count       uint64
	First, Last time.Time
}

// Refusals returns what was refused of late, the last first: failed logins and other connections that were turned away, once for each
// address, client, user and reason; messages and subscriptions, once for each client and topic. It holds 1,024 entries; the
// ones that were seen the longest time ago are forgotten first.
func (b *Broker) Refusals() []Refusal { return b.gate.refusals.all() }

// The reasons why the rules of access refuse a connection.
const (
	wrongPassword = "wrong user name or password"
	noCredentials = "no credentials; hub user add"
	foreignClient = "its client identifier belongs to another user"
	foreignWill   = "its will message goes to "
)

// The classes by which refused connections are counted, besides the acts.
const (
	classPassword  = "password"
	classAnonymous = "anonymous"
	classClient    = "client_id"
	classWill      = "will"
	classLimit     = "limit"    // too many connections
	classTLS       = "tls"      // no handshake
	classProtocol  = "protocol" // no valid CONNECT
	classOrigin    = "origin"   // a browser's page of another host
	classOther     = "other"
)

var classes = []string{
	classPassword, classAnonymous, classClient, classWill, classLimit, classTLS, classProtocol, classOrigin, classOther, string(Publishing), string(Subscribing),
}

func classOf(why string) string {
	switch {
	case why == wrongPassword:
		return classPassword
	case why == noCredentials:
		return classAnonymous
	case why == foreignClient:
		return classClient
	case strings.HasPrefix(why, foreignWill):
		return classWill
	}
	return classOther
}

// refused notes that the rules of access refuse a connection, and logs each reason once in a while.
func (b *Broker) refused(c *conn, why string) { b.turnedAway(c, classOf(why), why) }

// full notes a connection that was turned away because of the gate's limits.
func (b *Broker) full(c *conn, err error) {
	if !errors.Is(err, broker.ErrClosed) {
		b.turnedAway(c, classLimit, err.Error())
	}
}

// strange notes a connection that did not come as far as a valid CONNECT. One that said nothing and went away is none: somebody
// looked whether the port is open.
func (b *Broker) strange(c *conn, err error) {
	hungUp := errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, syscall.ECONNRESET)
	if c.top == 0 && hungUp || c.cause.Load() != nil {
		b.log.Debug("no connection", "address", c.peer.address, "error", err)
		return
	}
	class := classProtocol
	_, said := errors.AsType[*packetError](err)
	if _, ok := c.net.(secured); ok && !said { // an alert that came after the handshake, as those of TLS 1.3 do
		class = classTLS
	}
	b.turnedAway(c, class, inWords(err))
}

// unsecured lists a connection whose TLS handshake failed, which is logged elsewhere.
func (b *Broker) unsecured(c *conn, err error) {
	if c.cause.Load() == nil {
		b.note(c, classTLS, "TLS: "+handshakeReason(err))
	}
}

// turnedAway notes and logs a connection that was refused.
func (b *Broker) turnedAway(c *conn, class, why string) {
	b.note(c, class, why)
	who := c.peer.host
	if id := c.connect.name; id != "" {
		who += " (" + id + ")"
	}
	if why = clip(why); b.sampler.allow(who + " " + why) {
		b.log.Warn(who+" refused: "+why, //nolint:sloglint // what the owner reads
			"address", c.peer.address, "client", c.connect.name, "user", clip(c.connect.user))
	}
}

// note lists a connection that was refused, and remembers it as its client's if that is known.
func (b *Broker) note(c *conn, class, why string) {
	b.gate.refusals.count(class)
	now, why := time.Now(), clip(why)
	b.gate.refusals.add(refusalKey{Connecting, c.peer.host, c.connect.name, clip(c.connect.user), why}, c.peer.host, now)
	if c.connect.name != "" {
		record := c.describe()
		record.Reason, record.Ended = why, now
		b.gate.history.turnedAway(record, c.peer.host)
	}
}

// deny notes and logs a message or a subscription that was refused, once for each client and topic.
func (b *Broker) deny(act Act, client, user, host, topic string) {
	b.gate.refusals.count(string(act))
	fresh := b.gate.refusals.add(refusalKey{act, client, client, clip(user), clip(topic)}, host, time.Now())
	if !fresh || !b.sampler.allow(string(act)+" "+client+" "+clip(topic)) {
		return
	}
	if act == Subscribing {
		b.log.Warn("refused a subscription", "client", client, "user", user, "address", host, "topic", clip(topic))
		return
	}
	b.log.Warn("refused a message", "client", client, "user", user, "address", host, "topic", clip(topic))
}

// denials are the reasons of what is refused because of the rules of access.
var denials = map[Act]string{Publishing: "it may not publish there", Subscribing: "it may not read there"}

// refusals is the list of what was refused.
type refusals struct {
	mu     sync.Mutex
	counts map[string]uint64 // by class or act, since the start
	known  map[refusalKey]*list.Element
	shares map[share]int
	order  list.List // of *listed, the last one in front
}

// refusalKey is what makes refusals the same: the act, its source (an address for connections, else a client), and the rest; detail
// is a reason for connections, else a topic.
type refusalKey struct {
	act                          Act
	source, client, user, detail string
}

// share is whose part of the list an entry takes.
type share struct {
	connecting bool
	source     string
}

func (k refusalKey) share() share { return share{k.act == Connecting, k.source} }

type listed struct {
	key refusalKey
	Refusal
}

func (r *refusals) count(class string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[string]uint64{}
	}
	r.counts[class]++
}

// counted returns how often there was a refusal of each class.
func (r *refusals) counted() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := map[string]uint64{}
	for _, class := range classes {
		counts[class] = r.counts[class]
	}
	return counts
}

// add counts a refusal, and says whether it is the first of its kind that is in the list.
func (r *refusals) add(k refusalKey, host string, now time.Time) (fresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.known[k]
	reason := k.detail
	if e == nil && r.shares[k.share()] >= refusalShare {
		k.client, k.user, k.detail = "", "", ""
		e = r.known[k]
	}
	if fresh = e == nil; fresh {
		e = r.enter(k, now)
	}
	found := e.Value.(*listed)
	found.Count++
	found.Last, found.Address = now, host
	if k.act == Connecting {
		found.Reason = reason
	}
	r.order.MoveToFront(e)
	return fresh
}

// enter makes an entry, in the place of the last one if the list is full. The caller holds the lock.
func (r *refusals) enter(k refusalKey, now time.Time) *list.Element {
	if r.known == nil {
		r.known, r.shares = map[refusalKey]*list.Element{}, map[share]int{}
	}
	if r.order.Len() >= refusalPlaces {
		old := r.order.Remove(r.order.Back()).(*listed)
		delete(r.known, old.key)
		if s := old.key.share(); r.shares[s] == 1 {
			delete(r.shares, s)
		} else {
			r.shares[s]--
		}
	}
	k = refusalKey{k.act, strings.Clone(k.source), strings.Clone(k.client), strings.Clone(k.user), strings.Clone(k.detail)}
	entry := &listed{key: k, Refusal: Refusal{Act: k.act, Client: k.client, User: k.user, First: now, Others: k.detail == ""}}
	if k.act != Connecting {
		entry.Client, entry.Topic, entry.Reason = k.source, k.detail, denials[k.act]
	}
	e := r.order.PushFront(entry)
	r.known[k] = e
	r.shares[k.share()]++
	return e
}

func (r *refusals) all() []Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Refusal, 0, r.order.Len())
	for e := r.order.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*listed).Refusal)
	}
	return all
}
