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
