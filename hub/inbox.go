package hub

import (
	"context"
	"sync"

	"home.arpa/homehub/broker"
)

// item is one thing that waits for the hub's goroutine: a message with what the conventions made of it, news about a
// session, or something to do at this place in the order.
type item struct {
	message broker.Message
	reads   []read // one for each convention that had something to say
	session *broker.Session
	then    func()
	share   *share
}

// read is what one convention's Parse found in a message.
type read struct {
	convention int
	parsed     Parsed
	// fresh says that what it announces is new, so that the publisher's goroutine subscribes what it needs.
	fresh bool
	fault string // Parse failed in a way it never should
}

// inbox is the bounded queue before the hub's goroutine. When it is full, or a client has its share of it, publishers
// wait; nothing is dropped.
type inbox struct {
	queue chan item
	end   <-chan struct{}
	limit int

	mu     sync.Mutex
	shares map[string]*share
	spare  []*share // of clients that have nothing waiting any more, at most spareShares
}

// spareShares is how many shares are kept for the next clients: most clients have one for a moment only, at each of their messages.
const spareShares = 64

// share is one client's part of the inbox.
type share struct {
	client string
	tokens chan struct{} // one for each of its items that wait
	users  int           // items that wait, and publishers that want to; guarded by the inbox's mu
}

func newInbox(size, limit int, end <-chan struct{}) *inbox {
	return &inbox{queue: make(chan item, size), end: end, limit: limit, shares: map[string]*share{}}
}

// put queues an item for a client, empty for what the broker or the hub says itself. It waits for room until ctx or the hub
// ends, and says whether the item is queued. What finds room at once is queued even if ctx has ended: a client that
// publishes and leaves is heard.
func (b *inbox) put(ctx context.Context, client string, it item) bool {
	if client != "" {
		s := b.join(client)
		if !offer(ctx, b.end, s.tokens, struct{}{}) {
			b.leave(s)
			return false
		}
		it.share = s
	}
	if offer(ctx, b.end, b.queue, it) {
		return true
	}
	b.taken(it)
	return false
}

func offer[T any](ctx context.Context, end <-chan struct{}, c chan<- T, v T) bool {
	select {
	case c <- v:
		return true
	default:
	}
	select {
	case c <- v:
		return true
	case <-ctx.Done():
		return false
	case <-end:
		return false
	}
}

// taken gives back the place of an item.
func (b *inbox) taken(it item) {
	if it.share != nil {
		<-it.share.tokens
		b.leave(it.share)
	}
}

func (b *inbox) join(client string) *share {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.shares[client]
	if s == nil {
		if last := len(b.spare) - 1; last >= 0 {
			s, b.spare = b.spare[last], b.spare[:last]
			s.client = client
		} else {
			s = &share{client: client, tokens: make(chan struct{}, b.limit)}
		}
		b.shares[client] = s
	}
	s.users++
	return s
}

func (b *inbox) leave(s *share) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.users--; s.users == 0 { // and so it has no tokens
		delete(b.shares, s.client)
		if len(b.spare) < spareShares {
			b.spare = append(b.spare, s)
		}
	}
}
