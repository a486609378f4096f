package hub_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/store/memory"
)

// moody is a store that can be made to fail or to take its time.
type moody struct {
	*memory.Store
	mu   sync.Mutex
	err  error
	slow time.Duration
}

func (s *moody) mood() error {
	s.mu.Lock()
	slow := s.slow
	s.mu.Unlock()
	time.Sleep(slow)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *moody) set(err error, slow time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.slow = err, slow
}

func (s *moody) SaveDevice(ctx context.Context, r hub.Record) error {
	if err := s.mood(); err != nil {
		return err
	}
	return s.Store.SaveDevice(ctx, r)
}

func (s *moody) SaveReadings(ctx context.Context, list []hub.Sample) error {
	if err := s.mood(); err != nil {
		return err
	}
	return s.Store.SaveReadings(ctx, list)
}

func (s *moody) SaveCommand(ctx context.Context, c devices.Command) error {
	if err := s.mood(); err != nil {
		return err
	}
	return s.Store.SaveCommand(ctx, c)
}

func (s *moody) DeleteDevice(ctx context.Context, id string) error {
	if err := s.mood(); err != nil {
		return err
	}
	return s.Store.DeleteDevice(ctx, id)
}

func (s *moody) SaveFollow(ctx context.Context, f hub.Follow) error {
	if err := s.mood(); err != nil {
		return err
	}
	return s.Store.SaveFollow(ctx, f)
}

func (s *moody) DeleteFollow(ctx context.Context, f hub.Follow) error {
	if err := s.mood(); err != nil {
		return err
	}
	return s.Store.DeleteFollow(ctx, f)
}

func TestAStoreThatFailsForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := &still{}, &moody{Store: memory.New()}
		h := runHub(t, l, s, newPlain(), hub.Options{})
		s.set(errors.New("the disk is full"), 0)
		h.HandleMessage(t.Context(), message("plain/plug/config", "Plug", ""))
		h.HandleMessage(t.Context(), message("plain/plug/is/power", "1", ""))
		seconds(1)
		c := limit(t, h, 5)
		if c.Status != devices.Sent { // all the same
			t.Errorf("the command is %s (%s)", c.Status, c.Reason)
		}
		minutes(1)
		if n := h.Counters().StoreErrors; n == 0 || n > 30 {
			t.Errorf("%d errors in a minute", n)
		}
		if c = limit(t, h, 6); c.Status != devices.Sent { // however long the store is given to recover
			t.Errorf("the command is %s (%s)", c.Status, c.Reason)
		}
		s.set(nil, 0)
		minutes(1)
		m, err := s.Load(t.Context())
		if err != nil || len(m.Devices) != 1 || len(m.Last) != 1 || m.Devices[0].Accounts[0].Key != "plug" {
			t.Errorf("the store has %+v, %v", m, err)
		}
		if n := h.Counters().StoreWaiting; n != 0 {
			t.Errorf("%d things wait", n)
		}
	})
}

func TestAStoreThatIsTooSlowLosesHistoryButNoLastValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &moody{Store: memory.New()}
		h := runHub(t, &still{}, s, newPlain(), hub.Options{})
		for _, key := range []string{"quiet", "loud"} {
			h.HandleMessage(t.Context(), message("plain/"+key+"/config", key, key))
		}
		seconds(2)
		s.set(nil, time.Hour)
		h.HandleMessage(t.Context(), message("plain/quiet/is/power", "1", "quiet"))
		seconds(2) // the store is busy with that now
		h.HandleMessage(t.Context(), message("plain/quiet/is/power", "2", "quiet"))
		const many = 50000
		for i := range many {
			h.HandleMessage(t.Context(), message("plain/loud/is/power", strconv.Itoa(i), "loud"))
		}
		synctest.Wait()
		if n := h.Counters().StoreWaiting; n > 32768 {
			t.Errorf("%d readings wait", n)
		}
		s.set(nil, 0)
		minutes(61)
		m, err := s.Load(t.Context())
		if err != nil || len(m.Last) != 2 || m.Last[0].Value.Float() != many-1 || m.Last[1].Value.Float() != 2 {
			t.Errorf("the last values are %v, %v", m.Last, err)
		}
		c := h.Counters()
		if c.ReadingsDropped == 0 || c.ReadingsDropped+c.ReadingsSaved != many+2 {
			t.Errorf("%d dropped and %d saved of %d", c.ReadingsDropped, c.ReadingsSaved, many+2)
		}
	})
}

func TestStoppingFlushesTheRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		h, err := hub.New(&still{}, s, []hub.Convention{newPlain()}, hub.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- h.Run(ctx) }()
		<-h.Started()
		h.HandleMessage(ctx, message("plain/plug/config", "Plug", ""))
		for i := range 1001 {
			h.HandleMessage(ctx, message("plain/plug/is/power", strconv.Itoa(i), ""))
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		got, err := s.History(t.Context(), parsePath(t, "plug/switch/power"), time.Time{}, time.Now().Add(time.Hour), 5000)
		if err != nil || len(got) != 1001 {
			t.Errorf("%d readings were stored, %v", len(got), err)
		}
	})
}

func TestHistoryIsKeptForTheTimeThatWasAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := runHub(t, &still{}, memory.New(), newPlain(), hub.Options{Keep: 24 * time.Hour})
		h.HandleMessage(t.Context(), message("plain/plug/config", "Plug", ""))
		path, begin := parsePath(t, "plug/switch/power"), time.Now()
		for i := range 48 {
			h.HandleMessage(t.Context(), message("plain/plug/is/power", strconv.Itoa(i), ""))
			minutes(60)
		}
		got, err := h.History(t.Context(), path, begin, time.Now(), 100)
		if err != nil || len(got) < 23 || len(got) > 26 || got[len(got)-1].Value.Float() != 47 {
			t.Errorf("%d readings are kept, %v", len(got), err)
		}
	})
}

func TestAStoreThatIsTooSlowForCommandsTurnsThemAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &moody{Store: memory.New()}
		h := runHub(t, &still{}, s, newPlain(), hub.Options{})
		h.HandleMessage(t.Context(), message("plain/plug/config", "Plug", ""))
		seconds(2)
		s.set(nil, time.Hour)
		const many, most = 1200, 1024
		var wg sync.WaitGroup
		var away atomic.Int32
		for range many {
			wg.Go(func() {
				_, err := h.Send(t.Context(), hub.Request{Path: parsePath(t, "plug/switch/press"), Value: devices.BoolValue(true)})
				if errors.Is(err, hub.ErrConflict) {
					away.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if n := away.Load(); n == 0 || n > many-most {
			t.Errorf("%d of %d commands were turned away", n, many)
		}
		s.set(nil, 0)
		wg.Wait()
	})
}

func TestTheLedgerIsAheadOfASlowStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &moody{Store: memory.New()}
		h := runHub(t, &still{}, s, newPlain(), hub.Options{})
		h.HandleMessage(t.Context(), message("plain/plug/config", "Plug", ""))
		seconds(2)
		c := limit(t, h, 5)
		s.set(nil, time.Hour)
		h.HandleMessage(t.Context(), message("plain/plug/is/limit", "5", ""))
		seconds(2)
		if kept, err := s.Command(t.Context(), c.ID); err != nil || kept.Status != devices.Sent {
			t.Fatalf("the store has %+v, %v", kept, err)
		}
		if list, err := h.Commands(t.Context(), "plug", 10); err != nil || len(list) != 1 || list[0].Status != devices.Confirmed {
			t.Errorf("the hub has %+v, %v", list, err)
		}
		s.set(nil, 0)
	})
}
