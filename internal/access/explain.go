package access

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
)

// Action is what a client wants to do.
type Action int

// The actions, by the words that the commands and the file use.
const (
	Read      Action = iota // get a message of a topic
	Write                   // publish to a topic
	Subscribe               // subscribe to a filter
)

var actionNames = [...]string{Read: "read", Write: "write", Subscribe: "subscribe"}

// String returns the action's word.
func (a Action) String() string {
	if a < 0 || int(a) >= len(actionNames) {
		return fmt.Sprintf("Action(%d)", int(a))
	}
	return actionNames[a]
}

// ParseAction reads an action's word.
func ParseAction(word string) (Action, error) {
	for a, name := range actionNames {
		if name == word {
			return Action(a), nil
		}
	}
	return 0, fmt.Errorf("parsing the action %q: it is not read, write or subscribe", word)
}

// Verdict is what the rules say, and why.
type Verdict struct {
	Allowed bool
	// Line is the line of the file that decides, counted from 1; 0 when none does.
	Line int
	// Why says it for people, with the file's name and the line.
	Why string
	// Unfit are filters that did not count because the client's names do not fit into them, in words.
	Unfit []string
}

// Explain says whether a client of a user (empty for an anonymous one) may do something with a topic, or with a filter to subscribe to
// (without a share name), and which line of the file decides. It says what the Permit says.
func (r *Rules) Explain(client, user string, action Action, topic string) Verdict {
	p := r.Permit(client, user)
	v := r.verdict(p, action, topic)
	if !r.open {
		v.Unfit = r.unfit(p, action, topic)
	}
	return v
}

func (r *Rules) verdict(p *Permit, action Action, topic string) Verdict {
	switch {
	case action == Write && dollar(topic):
		return Verdict{Why: "nobody may publish to topics that begin with $"}
	case action == Write && p.closed(topic):
		return Verdict{Why: fmt.Sprintf("%s… is the hub's own; only …/set is open for publishing", p.own)}
	case r.open:
		return Verdict{Allowed: true, Why: fmt.Sprintf("there is no %s, so that everybody who may log in may do it", r.file())}
	}
	var decides int32
	lines := p.read.lines
	switch action {
	case Subscribe:
		decides, _ = p.subscribes(topic)
	case Write:
		lines = p.write.lines
		decides = p.write.decides(topic)
	default:
		decides = p.read.decides(topic)
	}
	switch {
	case decides == none && action == Subscribe:
		return Verdict{Why: fmt.Sprintf("no rule in %s lets it read anything of that", r.file())}
	case decides == none:
		return Verdict{Why: fmt.Sprintf("no rule in %s is about it", r.file())}
	}
	l := &lines[decides]
	v := Verdict{Allowed: l.allow, Line: l.number, Why: r.where(l)}
	if action == Subscribe {
		v.Why += ", so that there is something to get; each message is asked for by itself"
	}
	return v
}

// unfit returns the filters that would have been about a topic if the client's names had fitted.
func (r *Rules) unfit(p *Permit, action Action, topic string) []string {
	lines, c := r.reads, p.common.read
	if action == Write {
		lines, c = r.writes, p.common.write
	}
	var list []string
	for _, i := range c.personal {
		l := &lines[i]
		could, fate := l.filter.fill(p.client, p.user, l.allow)
		if fate != unfit {
			continue
		}
		if _, related := overlap(could, topic); !related {
			continue
		}
		effect := "so it allows nothing"
		if !l.allow {
			effect = "so it denies " + could
		}
		list = append(list, fmt.Sprintf("%s: the client's name has +, # or /, or begins with $; %s", r.where(l), effect))
	}
	return list
}

// where is what people find a line by.
func (r *Rules) where(l *line) string {
	return fmt.Sprintf("%s:%d: %s %s", r.file(), l.number, l.key, l.filter.written)
}

// file is the file's name without its folder.
func (r *Rules) file() string { return filepath.Base(r.path) }

// Users returns the names of the users that the file has rules about, sorted.
func (r *Rules) Users() []string {
	all := map[string]bool{}
	for i := range r.rules {
		maps.Copy(all, r.rules[i].users)
	}
	return slices.Sorted(maps.Keys(all))
}
