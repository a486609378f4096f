package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

const (
	// heartbeat is how often a silent stream shows that it is alive, and that its reader may still read it.
	heartbeat = 15 * time.Second
	// streamPatience is how long a reader may take to make room for one event. Who takes longer is cut off; it may come
	// back with the last id.
	streamPatience = 10 * time.Second
	// maxStreams bounds the streams of all readers together; who comes later gets 503.
	maxStreams = 128
)

// eventID names an event for Last-Event-ID.
func eventID(epoch string, n uint64) string { return epoch + "-" + strconv.FormatUint(n, 10) }

// parseEventID reads what eventID wrote; ok is false for anything else.
func parseEventID(id string) (epoch string, n uint64, ok bool) {
	i := strings.LastIndexByte(id, '-')
	if i < 1 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(id[i+1:], 10, 64)
	return id[:i], n, err == nil && n != hub.Newest
}

// events streams what happens, as the package's documentation says.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	if s.metrics.openStreams.Add(1) > maxStreams {
		s.metrics.openStreams.Add(-1)
		w.Header().Set("Retry-After", "30")
		problem(w, http.StatusServiceUnavailable, "too many event streams are open")
		return
	}
	defer s.metrics.openStreams.Add(-1)

	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	st := &stream{w: w, rc: http.NewResponseController(w), cancel: cancel, device: r.URL.Query().Get("device")}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}

	var beats sync.WaitGroup
	beats.Go(func() { s.beat(ctx, st, r) })
	defer beats.Wait()
	defer cancel()

	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		last = r.URL.Query().Get("after")
	}
	epoch, after, resumed := parseEventID(last)
	_ = st.write("retry: 2000\n\n", "") // a reader that is gone is noticed by what follows
	reason := "this is a new stream"
	for gaps := 0; gaps < 2 && ctx.Err() == nil; gaps++ {
		if !resumed {
			o := s.hub.Overview()
			epoch, after = o.Epoch, o.LastEvent
			_ = st.event("reset", eventID(epoch, after), map[string]string{"reason": reason})
		}
		err := s.hub.Watch(ctx, epoch, after, func(n hub.Numbered) error {
			gaps = -1 // a reader that gets on may fall behind again
			return st.send(n)
		})
		if !errors.Is(err, hub.ErrGap) {
			break
		}
		resumed, reason = false, "events are missing"
	}
	_ = st.rc.SetWriteDeadline(time.Now().Add(drainTimeout)) // the last event's has passed, and the end must be written, too
	if st.cut() {
		s.metrics.cutStreams.Inc()
		s.log.Info("cut off a slow event stream", "address", peerAddress(r).String())
	}
}

// beat keeps a stream alive, and ends it when the server stops or its reader may no longer read it.
func (s *Server) beat(ctx context.Context, st *stream, r *http.Request) {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.stopping:
			st.cancel()
			return
		case <-tick.C:
			if _, ok, _ := s.identify(r); !ok {
				st.cancel()
				return
			}
			st.beat()
		}
	}
}

// stream writes events to one reader. Its methods may be called by several goroutines at once.
type stream struct {
	device string // only events of this device, all if empty
	cancel func() // ends the stream

	mu   sync.Mutex
	w    http.ResponseWriter
	rc   *http.ResponseController
	seen string // the id of the newest event, sent or filtered out
	told string // the id that the reader knows
	err  error
}

func (st *stream) send(n hub.Numbered) error {
	id := eventID(n.Epoch, n.ID)
	if st.device != "" && n.Event.DeviceID() != st.device {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.seen = id
		return st.err
	}
	name, data := wireEvent(n)
	return st.event(name, id, data)
}

func (st *stream) event(name, id string, data any) error {
	text, err := json.Marshal(data) // never has line ends, which would end the data: Marshal compacts what values spell
	if err != nil {
		return fmt.Errorf("spelling event %s: %w", id, err)
	}
	return st.write(fmt.Sprintf("event: %s\nid: %s\ndata: %s\n\n", name, id, text), id)
}

// beat writes a comment, and the newest id when the reader does not know it.
func (st *stream) beat() {
	st.mu.Lock()
	seen := st.seen
	known := seen == st.told
	st.mu.Unlock()
	if known {
		_ = st.write(": alive\n\n", "")
		return
	}
	_ = st.write(": alive\nid: "+seen+"\n\n", seen)
}

func (st *stream) write(text, id string) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.err != nil {
		return st.err
	}
	_ = st.rc.SetWriteDeadline(time.Now().Add(streamPatience))
	_, err := st.w.Write([]byte(text))
	if err == nil {
		err = st.rc.Flush()
	}
	if err != nil {
		st.err = err
		st.cancel()
		return err
	}
	if id != "" {
		st.seen, st.told = id, id
	}
	return nil
}

// cut says whether the stream ended because its reader took too long.
func (st *stream) cut() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	var late interface{ Timeout() bool }
	return errors.As(st.err, &late) && late.Timeout()
}

// What the events look like on the wire.
type (
	eventHead struct {
		At     time.Time `json:"at"`
		Device string    `json:"device"`
	}
	describedEvent struct {
		eventHead
		Description description `json:"description"`
	}
	description struct {
		devices.Device
		Telling []string `json:"telling"`
	}
	reportedEvent struct {
		eventHead
		devices.Ref
		Value      devices.Value `json:"value"`
		Heard      time.Time     `json:"heard"`
		DeviceTime time.Time     `json:"device_time,omitzero"`
		Momentary  bool          `json:"momentary,omitempty"`
	}
	presenceEvent struct {
		eventHead
		devices.Reach
	}
	commandEvent struct {
		eventHead
		Command devices.Command `json:"command"`
	}
)

func wireEvent(n hub.Numbered) (name string, data any) {
	head := eventHead{n.At, n.Event.DeviceID()}
	switch e := n.Event.(type) {
	case devices.Joined:
		return "joined", describedEvent{head, description{e.Device, telling(e.Device)}}
	case devices.Changed:
		return "changed", describedEvent{head, description{e.Device, telling(e.Device)}}
	case devices.Reported:
		return "reported", reportedEvent{head, e.Ref, e.Value, e.Heard, e.At, e.Momentary}
	case devices.PresenceChanged:
		return "presence", presenceEvent{head, e.Reach}
	case devices.CommandMoved:
		return "command", commandEvent{head, e.Command}
	default:
		return "left", head
	}
}
