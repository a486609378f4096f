// Package access holds the rules of who may publish to, receive and subscribe to which topics of the broker. They are in a file for
// people, access.yaml in the data folder:
//
//	groups:
//	  family: [anna, ben]
//
//	rules:
//	  - groups: family           # anna and ben
//	    deny_write: alarm/#      # may not publish there,
//	    read: "#"                # but read everything
//	    write: "#"               # and publish everywhere else
//	  - everyone: true           # each device has its own topics, by its user name
//	    read: cmnd/%u/#
//	    write: [tele/%u/#, stat/%u/#]
//
// The rules are read from top to bottom, and within a rule what it denies before what it allows. The first line that is about the
// client and has a topic filter that matches decides. Where no line decides, the answer is no. Without a file, everybody who
// may log in may do everything.
//
// A rule is about the clients of users, of groups (lists of users), about anonymous clients (anonymous: true), about everyone
// (everyone: true), or several of these; clients: narrows it to those whose identifier fits one of some patterns, in which * stands for any
// text. A client chooses its identifier itself, so a rule that goes by it alone trusts everybody. In a filter, %u is the client's user
// name, %c its identifier, and %% a percent sign. Reading is receiving messages, live, retained or queued, and
// writing is publishing them, also by a will.
//
// A user name or an identifier with +, # or / in it, or with $ at a filter's beginning, would make another filter of it. Then what the
// filter allows is not allowed, and what it denies is denied from the level with the name on.
//
// Two things hold always, whatever a file says: nobody publishes to topics that begin with $ [MQTT-4.7.2], and of the hub's own
// topics only …/set is open for publishing. A filter that begins with a wildcard does not match topics that begin with $, so who is to read
// $SYS needs a filter that says so.
//
// internal/app gives the rules to the broker, and the program's "hub access" commands check, explain and import them. The package never
// writes a file and never asks the clock.
package access

import (
	"strings"
	"sync"

	"home.arpa/homehub/broker"
)

// Rules are the rules of a file. Their methods may be called by several goroutines at once.
type Rules struct {
	path, domain string
	own          string // what the hub's own topics begin with: domain/5/
	open         bool   // there is no file, and everybody may do everything:
	all          Permit // that of every client then
	rules        []rule
	// reads and writes are the lines of all rules in the order in which they decide.
	reads, writes []line

	mu sync.Mutex
	// shared is what many clients have in common, by the set of the rules that are about them. Beyond maxShared it is built for each client
	// anew.
	shared map[string]*common
}

// maxShared bounds what is kept: clients choose their identifiers, and could make many sets of rules by them.
const maxShared = 256

// rule is who an item of the file is about.
type rule struct {
	everyone, anonymous bool
	users               map[string]bool // those of its groups, too
	clients             []string        // patterns; empty: any identifier
}

// about says whether a rule is about a client of a user, empty for an anonymous one.
func (r *rule) about(client, user string) bool {
	if !r.everyone && !(user == "" && r.anonymous) && !(user != "" && r.users[user]) {
		return false
	}
	for _, pattern := range r.clients {
		if fits(pattern, client) {
			return true
		}
	}
	return len(r.clients) == 0
}

// line is one filter of a rule, for reading or for writing.
type line struct {
	rule   int // index
	key    string
	number int // in the file, from 1
	filter pattern
	allow  bool
}

// common is what all clients have in common that the same rules are about.
type common struct {
	read, write half
	// grants are the indices of the lines that allow reading something, deepest the most levels of any line for reading.
	grants  []int32
	deepest int
}

// half is one direction of it: a tree of the filters that are the same for all, and the indices of the other lines.
type half struct {
	tree     *tree
	personal []int32
}

// Permit returns what a client of a user (empty for an anonymous one) may do. client may be empty: then no %c fits it.
func (r *Rules) Permit(client, user string) *Permit {
	if r.open {
		return &r.all
	}
	p := &Permit{own: r.own, client: client, user: user}
	p.common = r.common(client, user)
	p.read = newSide(r.reads, &p.common.read, client, user)
	p.write = newSide(r.writes, &p.common.write, client, user)
	return p
}

// common returns what a client has in common with all others that the same rules are about.
func (r *Rules) common(client, user string) *common {
	set := make([]byte, len(r.rules))
	for i := range r.rules {
		if r.rules[i].about(client, user) {
			set[i] = 1
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.shared[string(set)]; c != nil {
		return c
	}
	c := &common{read: newHalf(r.reads, set), write: newHalf(r.writes, set)}
	for i := range r.reads {
		if l := &r.reads[i]; set[l.rule] == 1 {
			c.deepest = max(c.deepest, l.filter.levels)
			if l.allow {
				c.grants = append(c.grants, int32(i))
			}
		}
	}
	if len(r.shared) < maxShared {
		r.shared[string(set)] = c
	}
	return c
}

func newHalf(lines []line, set []byte) half {
	h := half{tree: newTree()}
	for i := range lines {
		l := &lines[i]
		switch {
		case set[l.rule] == 0:
		case l.filter.personal():
			h.personal = append(h.personal, int32(i))
		default:
			h.tree.add(l.filter.text(), int32(i))
		}
	}
	return h
}

// special returns the tree of the filters with a client's own names in them, nil when there are none.
func special(lines []line, personal []int32, client, user string) *tree {
	var t *tree
	for _, i := range personal {
		l := &lines[i]
		if filter, fate := l.filter.fill(client, user, l.allow); fate == filled || fate == unfit && !l.allow {
			if t == nil {
				t = newTree()
			}
			t.add(filter, i)
		}
	}
	return t
}

// Permit is what one client may do. Its methods may be called by several goroutines at once; MayPublish and MayReceive allocate nothing
// and take no lock.
type Permit struct {
	own          string
	client, user string
	common       *common // nil where everything is allowed
	read, write  side
}

// side is one direction of a permit.
type side struct {
	all, dollar bool // everything is allowed that does not begin with $, or everything at all
	lines       []line
	common, own *tree // own is nil where nothing is the client's own
}

func newSide(lines []line, h *half, client, user string) side {
	s := side{lines: lines, common: h.tree, own: special(lines, h.personal, client, user)}
	first := s.common.root.hash // of lines with nothing but #
	s.all = first != none && lines[first].allow && first == s.common.root.least && (s.own == nil || first < s.own.root.least)
	return s
}

// decides returns the index of the line that decides about a topic, or none.
func (s *side) decides(topic string) int32 {
	n := s.common.first(topic)
	if s.own != nil {
		n = min(n, s.own.first(topic))
	}
	return n
}

func (s *side) allows(topic string) bool {
	if s.all && (s.dollar || !dollar(topic)) {
		return true
	}
	n := s.decides(topic)
	return n != none && s.lines[n].allow
}

// MayPublish says whether the client may publish to a topic, by a message or by its will.
func (p *Permit) MayPublish(topic string) bool {
	return !dollar(topic) && !p.closed(topic) && p.write.allows(topic)
}

// closed says whether a topic is the hub's own and not for others to publish to.
func (p *Permit) closed(topic string) bool {
	return strings.HasPrefix(topic, p.own) && !strings.HasSuffix(topic[len(p.own):], "/set")
}

// MayReceive says whether the client may get a message of a topic, live, retained or queued.
func (p *Permit) MayReceive(topic string) bool { return p.read.allows(topic) }

// MaySubscribe says whether there can be a topic that the filter (without a share name) matches and that the client may receive.
func (p *Permit) MaySubscribe(filter string) bool {
	_, ok := p.subscribes(filter)
	return ok
}

// subscribes returns the index of a line that lets a client receive something that a filter matches. It is exact: see samples.
func (p *Permit) subscribes(filter string) (decides int32, ok bool) {
	if p.common == nil {
		return none, true
	}
	for _, i := range p.common.grants {
		allowed, fate := p.read.lines[i].filter.fill(p.client, p.user, true)
		if fate != filled {
			continue
		}
		both, ok := overlap(filter, allowed)
		if ok && samples(both, min(p.common.deepest+1, broker.MaxTopicLevels), func(topic string) bool {
			decides = p.read.decides(topic)
			return decides != none && p.read.lines[decides].allow
		}) {
			return decides, true
		}
	}
	return none, false
}

// fits says whether a pattern, in which * stands for any text, is about all of a text.
func fits(pattern, text string) bool {
	first, rest, more := strings.Cut(pattern, "*")
	text, ok := strings.CutPrefix(text, first)
	if !ok || !more {
		return ok && text == ""
	}
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(text, part)
		}
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text, rest = text[i+len(part):], next
	}
}
