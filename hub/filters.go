package hub

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	"home.arpa/homehub/broker"
)

// maxKnown topics are remembered with those who are interested in them.
const maxKnown = 4096

// maxDeclared filters can be declared, and as many announcements remembered: ten for each of 20,000 entities, which is more than the
// conventions take. Whoever announces things without end does not fill the memory.
const maxDeclared = 200_000

// maxConventions is how many conventions' interest in a filter can be told apart.
const maxConventions = 64

// filters remembers what was subscribed and for whom, so that a device that announces itself again and again, with the
// same words, does not have everything replayed each time.
type filters struct {
	mu       sync.Mutex
	declared map[string]interest
	// wanted is, under each declared filter, whose it is; known is that of the topics that were asked for since it changed last.
	wanted broker.Trie[struct{}, uint64]
	known  map[string]uint64
	// announced is the hash of the announcement last seen in a topic, for each convention.
	announced map[source]uint64
}

type interest struct {
	qos   byte
	by    uint64 // a bit for each convention
	fixed uint64 // those of them that want it from the start, which is never taken back
}

type source struct {
	convention int
	topic      string
}

var seed = maphash.MakeSeed()

// fix declares what a convention wants from the start.
func (f *filters) fix(convention int, subs []broker.Subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range subs {
		f.add(convention, s)
		in := f.declared[s.Filter]
		in.fixed |= 1 << convention
		f.declared[s.Filter] = in
	}
}

// interested returns a bit for each convention that has declared a filter that matches a topic. What a message means to the others they would
// not know of alone, and most topics are one convention's.
func (f *filters) interested(topic string) (by uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	by, ok := f.known[topic]
	if ok {
		return by
	}
	f.wanted.Match(topic, func(_ struct{}, more uint64) { by |= more })
	if f.known == nil || len(f.known) >= maxKnown {
		f.known = map[string]uint64{}
	}
	f.known[topic] = by
	return by
}

// all returns everything that is declared.
func (f *filters) all() []broker.Subscription {
	f.mu.Lock()
	defer f.mu.Unlock()
	var subs []broker.Subscription
	for filter, in := range f.declared {
		subs = append(subs, broker.Subscription{Filter: filter, QoS: in.qos})
	}
	slices.SortFunc(subs, func(a, b broker.Subscription) int { return strings.Compare(a.Filter, b.Filter) })
	return subs
}

// need declares what an announcement needs. fresh says whether it must be subscribed, too: it is false when this very
// announcement was seen before and all that it needs was declared. A changed one has it all subscribed again, since it
// may read more out of the same topics, so that they must be replayed. full says that there is no room for what it needs, so that
// nothing is declared.
func (f *filters) need(convention int, m broker.Message, subs []broker.Subscription) (fresh, full bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from, hash := source{convention, m.Topic}, maphash.Bytes(seed, m.Payload)
	if old, seen := f.announced[from]; seen && old == hash && f.have(convention, subs) {
		return false, false
	}
	if len(f.declared)+len(subs) > maxDeclared && f.lack(subs) > maxDeclared-len(f.declared) {
		return false, true
	}
	if f.announced == nil || len(f.announced) >= maxDeclared { // then each counts as new once more, which does no harm
		f.announced = map[source]uint64{}
	}
	f.announced[from] = hash
	for _, s := range subs {
		f.add(convention, s)
	}
	return true, false
}

// again returns subscriptions to filters: as they are declared, or with QoS 0 if they are not.
func (f *filters) again(list []string) []broker.Subscription {
	f.mu.Lock()
	defer f.mu.Unlock()
	subs := make([]broker.Subscription, len(list))
	for i, filter := range list {
		subs[i] = broker.Subscription{Filter: filter, QoS: f.declared[filter].qos}
	}
	return subs
}

// missing says whether something of subs is not declared.
func (f *filters) missing(convention int, subs []broker.Subscription) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.have(convention, subs)
}

// release takes back a convention's interest and returns the filters that nobody wants any more.
func (f *filters) release(convention int, list []string) (unwanted []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, filter := range list {
		in, ok := f.declared[filter]
		if !ok || in.fixed>>convention&1 == 1 {
			continue
		}
		in.by &^= 1 << convention
		f.declared[filter] = in
		f.known = nil
		f.wanted.Set(filter, struct{}{}, in.by)
		if in.by == 0 {
			delete(f.declared, filter)
			f.wanted.Delete(filter, struct{}{})
			unwanted = append(unwanted, filter)
		}
	}
	return unwanted
}

// forget makes the announcements in these topics count as unseen.
func (f *filters) forget(convention int, topics ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range topics {
		delete(f.announced, source{convention, t})
	}
}

// drop unsubscribes filters that nobody wants, unless somebody wants them again by now. The lock is held meanwhile, so
// that whoever wants one at this moment subscribes after it; a link's Unsubscribe calls nobody back.
func (f *filters) drop(link Link, list []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list = slices.DeleteFunc(list, func(filter string) bool { _, wanted := f.declared[filter]; return wanted })
	if len(list) > 0 {
		link.Unsubscribe(list...)
	}
}

// lack, have and add must be called with the lock held. lack is how many of the filters nobody has declared.
func (f *filters) lack(subs []broker.Subscription) (n int) {
	for _, s := range subs {
		if _, declared := f.declared[s.Filter]; !declared {
			n++
		}
	}
	return n
}

func (f *filters) have(convention int, subs []broker.Subscription) bool {
	for _, s := range subs {
		in, ok := f.declared[s.Filter]
		if !ok || in.qos < s.QoS || in.by&(1<<convention) == 0 {
			return false
		}
	}
	return true
}

func (f *filters) add(convention int, s broker.Subscription) {
	if f.declared == nil {
		f.declared = map[string]interest{}
	}
	in := f.declared[s.Filter]
	if by := in.by | 1<<convention; by != in.by {
		in.by, f.known = by, nil
		f.wanted.Set(s.Filter, struct{}{}, by)
	}
	in.qos = max(in.qos, s.QoS)
	f.declared[s.Filter] = in
}
