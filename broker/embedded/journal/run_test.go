package journal_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/embedded/journal"
)

func TestWhatNobodyWaitsForIsWrittenSoonAndSyncedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{Interval: 3 * time.Second})
		end := h.run()
		synctest.Wait()
		size, syncs := len(disk.read("journal-000000000001")), disk.count("sync ")
		p, _ := h.raise("a")

		time.Sleep(journal.FlushAfter - 1)
		synctest.Wait()
		if got := len(disk.read("journal-000000000001")); got != size {
			t.Errorf("%d bytes were written before their time", got-size)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if got := len(disk.read("journal-000000000001")); got != size+int(p) {
			t.Errorf("%d bytes were written, not %d", got-size, p)
		}
		if disk.count("sync ") != syncs || h.j.Durable() != 0 {
			t.Error("it was synced before its time")
		}
		time.Sleep(3*time.Second - journal.FlushAfter)
		synctest.Wait()
		if disk.count("sync ") != syncs+1 || h.j.Durable() != p {
			t.Errorf("%d syncs, durable up to %d; want 1 and %d", disk.count("sync ")-syncs, h.j.Durable(), p)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestAnIdleJournalDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{})
		end := h.run()
		p, _ := h.raise("a")
		if err := h.wait(p); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		before := len(disk.log)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if done := disk.log[before:]; len(done) > 0 {
			t.Errorf("in an idle day: %q", done)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestALifeInWhichNothingHappensLeavesTheFolderAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{})
		end := h.run()
		h.raise("a")
		if err := end(); err != nil {
			t.Fatal(err)
		}
		before := disk.names()
		for range 3 {
			h := move(t, disk, journal.Options{})
			if err := h.run()(); err != nil {
				t.Fatal(err)
			}
			if after := disk.names(); !slices.Equal(before, after) {
				t.Fatalf("%q became %q", before, after)
			}
		}
		// Lives that are killed leave nothing more than the segment of the last.
		for range 20 {
			h := move(t, disk, journal.Options{})
			end := h.run()
			synctest.Wait()
			disk = disk.killed()
			_ = end()
		}
		if n := len(disk.names()); n != 2 {
			t.Errorf("after lives that were killed: %q", disk.names())
		}
	})
}

// Each life begins a segment. So that many short ones leave few, a checkpoint is written before its time.
func TestShortLivesLeaveFewFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, history := newMemory(), []string(nil)
		for life := range 30 {
			h := move(t, disk, journal.Options{})
			if n := h.steps(history); n != life || len(h.report.Damaged) > 0 {
				t.Fatalf("%d steps in life %d, %q", n, life, h.report.Damaged)
			}
			h.history = history
			end := h.run()
			p, _ := h.raise("a")
			if err := h.wait(p); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			disk, history = disk.killed(), h.history
			if err := end(); err != nil {
				t.Fatal(err)
			}
			if n := len(disk.names()); n > 11 {
				t.Fatalf("%d files", n)
			}
		}
	})
}

func TestWaitersOfManyAppendsShareASync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		disk.pause = 5 * time.Millisecond
		h := move(t, disk, journal.Options{})
		end := h.run()
		synctest.Wait()
		syncs := disk.count("sync ")
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				for range 100 {
					p, _ := h.raise("a")
					if err := h.wait(p); err != nil {
						t.Error(err)
						return
					}
					if d := h.j.Durable(); d < p {
						t.Errorf("told of %d, durable is %d", p, d)
					}
				}
			})
		}
		all.Wait()
		if n := disk.count("sync ") - syncs; n > 5000/20 {
			t.Errorf("%d syncs for 5000 acknowledgements of 50", n)
		}
		if s := h.j.Stats(); s.Records != 5000 || s.LastSync != 5*time.Millisecond || s.TotalSync != time.Duration(s.Syncs)*s.LastSync {
			t.Errorf("%+v", s)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestAWaiterForWhatIsDurableIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := move(t, newMemory(), journal.Options{})
		end := h.run()
		p, _ := h.raise("a")
		for range 3 {
			if err := h.wait(p); err != nil {
				t.Error(err)
			}
		}
		if err := h.wait(0); err != nil {
			t.Error(err)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		if err := h.wait(p); err != nil {
			t.Errorf("after the end: %v", err)
		}
		late, _ := h.raise("a")
		if err := h.wait(late); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("what was appended after the end: %v", err)
		}
	})
}

func TestTheEndMakesEverythingDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{})
		end := h.run()
		var last journal.Position
		for range 10 {
			last, _ = h.raise("a")
		}
		c := make(told, 1)
		h.j.Wait(last, c)
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := <-c; err != nil {
			t.Error(err)
		}
		if want := []string{"checkpoint-000000000002"}; !slices.Equal(disk.names(), want) {
			t.Errorf("%q is left, not %q", disk.names(), want)
		}
		if n := move(t, disk, journal.Options{}).steps(h.history); n != 10 {
			t.Errorf("%d of 10 steps", n)
		}
		if s := h.j.Stats(); s.Size != int64(len(disk.read("checkpoint-000000000002"))) {
			t.Errorf("%d bytes on disk, it says %d", len(disk.read("checkpoint-000000000002")), s.Size)
		}
	})
}

// Whoever begins to wait at the very end is told, too.
func TestNobodyWaitsBeyondTheEnd(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			h := move(t, newMemory(), journal.Options{})
			end := h.run()
			synctest.Wait()
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for {
						p, _ := h.raise("a")
						if h.wait(p) != nil { // for ever, which a bubble does not allow
							return
						}
					}
				})
			}
			if err := end(); err != nil {
				t.Error(err)
			}
			all.Wait()
		})
	}
}

func TestWhatIsAppendedBeforeRunIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{CheckpointAfter: 1 << 40})
		h.ballast = make([]byte, 1<<20)
		var p journal.Position
		for range 20 { // far more than Begin lets stand when somebody is there to write it
			p, _ = h.raise("a")
		}
		w := h.j.Begin()
		segment := w.Segment()
		w.Commit()
		end := h.run()
		if err := h.wait(p); err != nil {
			t.Error(err)
		}
		if n := move(t, disk.killed(), journal.Options{}).steps(h.history); n != 20 {
			t.Errorf("%d of 20 steps", n)
		}
		if name := fmt.Sprintf("journal-%012d", segment); disk.read(name) == nil {
			t.Errorf("there is no %s in %q", name, disk.names())
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestCheckpointsAreWrittenWhileAppendsGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{CheckpointAfter: 1000, Interval: time.Hour})
		h.ballast, h.slow = make([]byte, 100), time.Second
		end := h.run()
		for i := range 12 {
			h.raise(string(rune('a' + i)))
		}
		time.Sleep(time.Second) // the checkpoint is at its beginning
		synctest.Wait()
		if !slices.Contains(disk.names(), "checkpoint-000000000002.new") {
			t.Fatalf("no checkpoint is being written: %q", disk.names())
		}
		p, _ := h.raise("a")
		start := time.Now()
		if err := h.wait(p); err != nil {
			t.Error(err)
		}
		if time.Since(start) > 0 {
			t.Errorf("it took %s to become durable beside a checkpoint", time.Since(start))
		}
		h.raise("a") // nobody waits for it, and the checkpoint is past it
		h.raise("l") // nor for this, which the checkpoint will hold
		if n := move(t, disk.killed(), journal.Options{}).steps(h.history); n < 13 {
			t.Errorf("%d of 13 steps are there before the checkpoint is", n)
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if want := []string{"checkpoint-000000000002", "journal-000000000002"}; !slices.Equal(disk.names(), want) {
			t.Errorf("%q is left, not %q", disk.names(), want)
		}
		if n := move(t, disk.synced(), journal.Options{}).steps(h.history); n != 15 {
			t.Errorf("%d of 15 steps are durable after the checkpoint", n)
		}
		if s := h.j.Stats(); s.Checkpoints != 1 {
			t.Errorf("%d checkpoints", s.Checkpoints)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// A large state is not written again for each few bytes.
func TestCheckpointsWaitForAsMuchAsTheLastOneHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{CheckpointAfter: 1})
		end := h.run()
		for i := range 10000 {
			h.raise(fmt.Sprint("a long name of something ", i))
			if i%100 == 0 {
				time.Sleep(time.Second)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := h.j.Stats().Checkpoints; n < 2 || n > 20 {
			t.Errorf("%d checkpoints of a state that grows to %d bytes", n, h.j.Stats().Bytes)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// Each append writes down which segment it believes to be in, and is found there.
func TestTheSegmentOfAnAppendIsWhereItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{CheckpointAfter: 1000})
		h.slow = 7 * time.Millisecond
		end := h.run()
		var all sync.WaitGroup
		seen := 0
		for person := range 4 {
			all.Go(func() {
				for i := range 200 {
					w := h.j.Begin()
					for range 3 {
						w.Record(valueRecord)
						w.Text(fmt.Sprint(w.Segment()))
						w.Number(1)
						w.End()
					}
					if p := w.Commit(); i%5 == 0 {
						if err := h.wait(p); err != nil {
							t.Error(err)
						}
					}
					time.Sleep(time.Duration(1+i%7+person) * time.Millisecond)
				}
			})
		}
		watch := func() {
			for _, name := range disk.names() {
				if number, ok := strings.CutPrefix(name, "journal-"); ok {
					alone := newMemory()
					alone.put(name, disk.read(name))
					for believed := range move(t, alone, journal.Options{}).values {
						if seen++; fmt.Sprintf("%012s", believed) != number {
							t.Errorf("an append that believed to be in segment %s is in %s", believed, name)
						}
					}
				}
			}
		}
		for range 150 {
			time.Sleep(10 * time.Millisecond)
			watch()
		}
		all.Wait()
		if n := h.j.Stats().Checkpoints; seen < 100 || n < 5 {
			t.Errorf("only %d were seen, and %d checkpoints", seen, n)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestBeginWaitsForASlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		disk.pause = time.Minute
		h := move(t, disk, journal.Options{CheckpointAfter: 1 << 40})
		h.ballast = make([]byte, journal.MaxBuffer/4)
		end := h.run()
		time.Sleep(2 * time.Minute)
		p, _ := h.raise("a")
		c := make(told, 1)
		h.j.Wait(p, c)
		synctest.Wait() // the sync has begun
		for range 4 {
			h.raise("a")
		}
		held := make(chan time.Duration)
		start := time.Now()
		go func() {
			h.raise("a")
			held <- time.Since(start)
		}()
		if d := <-held; d != time.Minute {
			t.Errorf("it was held for %s, the sync took a minute", d)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		if n := move(t, disk, journal.Options{}).steps(h.history); n != 6 {
			t.Errorf("%d of 6 steps", n)
		}
	})
}

func TestMuchThatNobodyWaitsForIsWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{})
		h.ballast = make([]byte, journal.FlushSize)
		end := h.run()
		synctest.Wait()
		start := time.Now()
		h.raise("a")
		synctest.Wait()
		if n := len(disk.read("journal-000000000001")); n < journal.FlushSize || time.Since(start) > 0 {
			t.Errorf("%d bytes are written", n)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// Whoever tells waiters may be slow; the next sync does not wait for that.
func TestASlowWaiterHoldsNoSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := move(t, newMemory(), journal.Options{})
		end := h.run()
		p, _ := h.raise("a")
		slow := &slowWaiter{release: make(chan struct{}), told: make(chan struct{})}
		h.j.Wait(p, slow)
		<-slow.told
		p, _ = h.raise("a")
		c := make(told, 1)
		h.j.Wait(p, c)
		synctest.Wait()
		if h.j.Durable() != p {
			t.Errorf("durable up to %d, not %d", h.j.Durable(), p)
		}
		close(slow.release)
		if err := <-c; err != nil {
			t.Error(err)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

type slowWaiter struct{ release, told chan struct{} }

func (s *slowWaiter) Durable(journal.Position) { close(s.told); <-s.release }
func (s *slowWaiter) Failed(error)             {}

func TestMisuseIsRefused(t *testing.T) {
	disk := newMemory()
	if _, err := journal.OpenOn(disk, journal.Options{Interval: -1}); err == nil {
		t.Error("a negative interval")
	}
	synctest.Test(t, func(t *testing.T) {
		h := move(t, disk, journal.Options{})
		end := h.run()
		h.raise("a")
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := h.j.Run(t.Context(), h.checkpoint); err == nil {
			t.Error("a second Run")
		}
		j, err := journal.OpenOn(disk, journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Run(t.Context(), h.checkpoint); err == nil || !strings.Contains(err.Error(), "replayed") {
			t.Errorf("running what was not replayed: %v", err)
		}
	})
}

// An append that stops in the middle of a record, as one does that panics, leaves what was whole.
func TestAHalfRecordIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{})
		end := h.run()
		h.raise("a")
		w := h.j.Begin()
		w.Record(valueRecord)
		w.Text("half, and then another record")
		w.Record(valueRecord)
		w.Text("whole")
		w.Number(1)
		w.End()
		w.Record(valueRecord)
		w.Text("half, and then the end")
		w.Commit()
		p, _ := h.raise("a")
		if err := h.wait(p); err != nil {
			t.Fatal(err)
		}
		again := move(t, disk.killed(), journal.Options{})
		if want := []uint64{1, 1, 2}; !slices.Equal(again.order, want) || again.values["whole"] != 1 || len(again.report.Damaged) > 0 {
			t.Errorf("%v, %v, %q", again.order, again.values, again.report.Damaged)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}
