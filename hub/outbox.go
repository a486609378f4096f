package hub

import (
	"context"
	"errors"
	"sync"
	"time"

	"home.arpa/homehub/broker"
)

// outgoing is a command on its way to the device.
type outgoing struct {
	command  string
	messages []broker.Message
	wanted   func() bool // false when the command has ended, for instance superseded
}

// maxOccurrences is how many unretained exports and greetings wait; then the oldest are dropped, since a button's press that
// could not be passed on in time is worth nothing.
const maxOccurrences = 1024

// outbox is what waits to be published. Of exports only the newest message of each topic waits, so that they are bounded by
// the number of topics; commands are bounded by maxPending, and occurrences by maxOccurrences. Adding never waits.
type outbox struct {
	mu          sync.Mutex
	tasks       []func(Link)
	commands    []*outgoing
	occurrences []broker.Message
	exports     map[string]broker.Message
	order       []string // topics of exports, in the order in which they came to wait
	dropped     uint64

	news chan struct{}
}

func newOutbox() *outbox {
	return &outbox{exports: map[string]broker.Message{}, news: make(chan struct{}, 1)}
}

func (o *outbox) wake() {
	select {
	case o.news <- struct{}{}:
	default: // the dispatcher has not yet looked since the last time
	}
}

// do has the dispatcher call f, which may change subscriptions.
func (o *outbox) do(f func(Link)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tasks = append(o.tasks, f)
	o.wake()
}

// command adds a command behind those that wait.
func (o *outbox) command(c *outgoing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.commands = append(o.commands, c)
	o.wake()
}

// export adds messages; a retained one takes the place of what waits under its topic.
func (o *outbox) export(messages ...broker.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range messages {
		if !m.Retain {
			if len(o.occurrences) >= maxOccurrences {
				o.occurrences = o.occurrences[1:]
				o.dropped++
			}
			o.occurrences = append(o.occurrences, m)
			continue
		}
		if _, waits := o.exports[m.Topic]; !waits {
			o.order = append(o.order, m.Topic)
		}
		o.exports[m.Topic] = m
	}
	o.wake()
}

// again puts back an export that could not be published, unless a newer one has come. What is not retained was for that moment.
func (o *outbox) again(m broker.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !m.Retain {
		o.dropped++
		return
	}
	if _, newer := o.exports[m.Topic]; !newer {
		o.exports[m.Topic] = m
		o.order = append(o.order, m.Topic)
	}
}

// next takes what is to be done next: tasks, then, if the link is up, commands, occurrences and exports. ok is false when
// there is nothing.
func (o *outbox) next(up bool) (task func(Link), command *outgoing, export broker.Message, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case len(o.tasks) > 0:
		task, o.tasks = o.tasks[0], o.tasks[1:]
	case !up:
		return nil, nil, export, false
	case len(o.commands) > 0:
		command, o.commands = o.commands[0], o.commands[1:]
	case len(o.occurrences) > 0:
		export, o.occurrences = o.occurrences[0], o.occurrences[1:]
	case len(o.order) > 0:
		export = o.exports[o.order[0]]
		delete(o.exports, o.order[0])
		o.order = o.order[1:]
	default:
		return nil, nil, export, false
	}
	return task, command, export, true
}

// size is how much waits.
func (o *outbox) size() (commands, exports int, dropped uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.commands), len(o.exports) + len(o.occurrences), o.dropped
}

const (
	// publishTime is how long a broker may take to acknowledge one message.
	publishTime = 10 * time.Second
	// sharedTime is how long messages share a deadline.
	sharedTime = 100 * time.Millisecond
	// pause is how long the dispatcher waits before it tries again an export for which the link was down.
	pause = time.Second
)

// dispatch is the dispatcher's goroutine: the only one that publishes. When stop is closed it goes on until nothing waits or
// ctx ends.
func (h *Hub) dispatch(ctx context.Context, stop <-chan struct{}) {
	defer h.patience.end()
	for ctx.Err() == nil {
		task, command, export, ok := h.outbox.next(h.linkState.Load().up)
		switch {
		case task != nil:
			task(h.link)
		case command != nil:
			h.publishCommand(ctx, command)
		case ok:
			if !h.publishExport(ctx, export) && !rest(ctx, stop) {
				return
			}
		default:
			select {
			case <-h.outbox.news:
			case <-stop:
				return
			case <-ctx.Done():
				return
			}
		}
	}
}

// publish is called by the dispatcher only. Messages that follow each other closely share a deadline.
func (h *Hub) publish(ctx context.Context, m broker.Message) error {
	if now := time.Now(); h.patience.ctx == nil || now.After(h.patience.until) || h.patience.ctx.Err() != nil {
		h.patience.end()
		h.patience.ctx, h.patience.cancel = context.WithTimeout(ctx, publishTime+sharedTime)
		h.patience.until = now.Add(sharedTime)
	}
	return h.link.Publish(h.patience.ctx, m)
}

// patience is the deadline of what the dispatcher publishes.
type patience struct {
	ctx    context.Context
	cancel context.CancelFunc
	until  time.Time // when the next one begins
}

func (p *patience) end() {
	if p.cancel != nil {
		p.cancel()
	}
}

func (h *Hub) publishCommand(ctx context.Context, c *outgoing) {
	if !c.wanted() {
		return
	}
	var err error
	for _, m := range c.messages {
		if err = h.publish(ctx, m); err != nil {
			h.log.Warn("command not published", keyCommand, c.command, keyTopic, m.Topic, keyError, err)
			break
		}
		h.counts.commandsPublished.Add(1)
	}
	select {
	case h.results <- result{c.command, err}:
	case <-h.stopping: // it is in the store as waiting, and will be sent again
	}
}

// publishExport says whether the link works.
func (h *Hub) publishExport(ctx context.Context, m broker.Message) bool {
	if m.Retain {
		m.QoS = 1
	}
	err := h.publish(ctx, m)
	switch {
	case err == nil:
		h.counts.exports.Add(1)
		return true
	case errors.Is(err, broker.ErrClosed), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		h.outbox.again(m)
		return false
	}
	h.counts.exportErrors.Add(1)
	if unsaid, ok := h.exportLog.allow(time.Now()); ok {
		h.log.Warn("export not published", keyTopic, m.Topic, keyError, err, "unlogged_before", unsaid)
	}
	return true
}

// rest waits a moment for the link to recover; it says whether there is any use in going on.
func rest(ctx context.Context, stop <-chan struct{}) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stop:
	case <-ctx.Done():
	}
	return false
}
