package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) add(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, s)
}

func (d *diary) part(name string, stopping time.Duration) part {
	ready := make(chan struct{})
	return part{name: name, ready: ready, run: func(ctx context.Context) error {
		d.add("start " + name)
		close(ready)
		<-ctx.Done()
		time.Sleep(stopping)
		d.add("stop " + name)
		return nil
	}}
}

func TestPartsStopInReverseOrderEachDrainedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		err := hold(ctx, slog.New(slog.DiscardHandler), []part{d.part("store", 0), d.part("hub", time.Second), d.part("web", 0)}, func() {
			d.add("started")
			cancel()
		})
		if err != nil {
			t.Error(err)
		}
		want := []string{"start store", "start hub", "start web", "started", "stop web", "stop hub", "stop store"}
		if diff := cmp.Diff(want, d.lines); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAPartThatFailsStopsTheOthersAndIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		broken := part{name: "web", run: func(context.Context) error { return errors.New("no such page") }}
		err := hold(t.Context(), slog.New(slog.DiscardHandler), []part{d.part("hub", 0), broken}, nil)
		if err == nil || !strings.Contains(err.Error(), "running web: no such page") {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff([]string{"start hub", "stop hub"}, d.lines); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAPartThatHangsDoesNotHoldUpTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		err := hold(ctx, slog.New(slog.DiscardHandler), []part{d.part("hub", 0), d.part("web", time.Hour)}, cancel)
		if err == nil || !strings.Contains(err.Error(), "stopping web") {
			t.Errorf("got %v", err)
		}
		time.Sleep(2 * time.Hour) // the hanging part ends at last
		synctest.Wait()
	})
}

func TestAPartIsGivenTheTimeThatItAsksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		slow := d.part("web", 10*time.Second)
		slow.patience = time.Minute
		if err := hold(ctx, slog.New(slog.DiscardHandler), []part{d.part("hub", 0), slow}, cancel); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"start hub", "start web", "stop web", "stop hub"}, d.lines); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAPartThatCannotStopIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		broken := part{name: "store", run: func(ctx context.Context) error { <-ctx.Done(); return errors.New("the disk is full") }}
		err := hold(ctx, slog.New(slog.DiscardHandler), []part{broken, d.part("hub", 0)}, cancel)
		if err == nil || err.Error() != "stopping store: the disk is full" {
			t.Errorf("got %v", err)
		}
	})
}

// One that waits for what it needs does not wait for ever when that has failed.
func TestAPartThatFailsWhileAnotherOneStartsStopsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := part{name: "broker", run: func(context.Context) error { time.Sleep(time.Second); return errors.New("no such port") }}
		waiting := part{name: "hub", ready: make(chan struct{}), run: func(ctx context.Context) error { <-ctx.Done(); return nil }}
		err := hold(t.Context(), slog.New(slog.DiscardHandler), []part{broken, waiting}, func() { t.Error("it was said that all are up") })
		if err == nil || !strings.Contains(err.Error(), "running broker: no such port") {
			t.Errorf("got %v", err)
		}
	})
}
