package hub_test

import (
	"slices"
	"testing"
	"time"

	"home.arpa/homehub/hub"
)

var (
	_ hub.Paced    = (*rumour)(nil)
	_ hub.Observer = (*rumour)(nil)
)

// A client that subscribes to what its kind subscribes to is asked what it is, and what is slow is asked one thing at a time.
func TestWhoSubscribesIsAsked(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		listener := h.client("listener", nil)
		listener.subscribe("rumour/+/who")
		begun := time.Now()
		var at []time.Duration
		listener.onTake = func(string, string) { at = append(at, time.Since(begun)) }
		c := h.client("rumours", nil)
		c.subscribe("rumour/a/on/set", "rumour/b/on/set", "rumour/a/volts")
		c.subscribe("rumour/b/on/set", "rumour/c/on/set") // what waits is not asked twice
		seconds(5)
		if got, want := listener.taken(), []string{"rumour/a/who=rumours", "rumour/b/who=rumours", "rumour/c/who=rumours"}; !slices.Equal(got, want) {
			t.Errorf("the hub asked %q, want %q", got, want)
		}
		if want := []time.Duration{0, 300 * time.Millisecond, 600 * time.Millisecond}; !slices.Equal(at, want) {
			t.Errorf("it asked at %v, want %v", at, want)
		}
		if _, kept := h.retained("rumour/a/who"); kept {
			t.Error("a question is retained")
		}
	})
}
