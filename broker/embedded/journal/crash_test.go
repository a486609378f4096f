package journal_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/embedded/journal"
)

var crashes = flag.Int("crashes", 150, "how many houses TestNothingDurableIsLost pulls the plug of")

// Houses live several lives, each of which ends with the loss of power, or with a kill, at any moment, with checkpoints and
// failures of the disk on the way. What each comes back to is a state in which it once was, and not an earlier one than what it
// was told to be durable.
func TestNothingDurableIsLost(t *testing.T) {
	for seed := range uint64(*crashes) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			disk, history := newMemory(), []string(nil)
			for life := range 5 {
				synctest.Test(t, func(t *testing.T) {
					disk, history = liveAndDie(t, r, disk, history)
				})
				if t.Failed() {
					t.Fatalf("in life %d", life)
				}
			}
		})
	}
}

func liveAndDie(t *testing.T, r *rand.Rand, disk *memory, history []string) (*memory, []string) {
	o := journal.Options{CheckpointAfter: 1 << r.IntN(14)}
	h := move(t, disk, o)
	if len(h.report.Damaged) > 0 {
		t.Fatalf("a crash was taken for damage: %q\n%q", h.report.Damaged, disk.names())
	}
	h.history = history

	var (
		mu      sync.Mutex
		durable = h.steps(history)
		atCrash int
		after   *memory
		stop    = make(chan struct{})
		ops     = 1 + r.IntN(200)
		faults  = rand.New(rand.NewPCG(r.Uint64(), 0))
		faulty  = r.IntN(3) == 0
		kill    = r.IntN(3) == 0
	)
	h.slow = time.Duration(r.IntN(20)) * time.Millisecond
	disk.pause = time.Duration(r.IntN(20)) * time.Millisecond
	disk.fault = func(string, string) error {
		if ops--; ops == 0 {
			mu.Lock()
			atCrash = durable
			mu.Unlock()
			if !kill {
				after = disk.unplugged(faults)
			}
			close(stop)
		}
		if faulty && faults.IntN(20) == 0 {
			return errDisk
		}
		return nil
	}
	end := h.run()
	var people sync.WaitGroup
	for range 1 + r.IntN(6) {
		r := rand.New(rand.NewPCG(r.Uint64(), 0))
		people.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(1+r.IntN(100)) * time.Millisecond):
				}
				p, n := h.raise(string(rune('a' + r.IntN(26))))
				if r.IntN(2) == 0 && h.wait(p) == nil {
					mu.Lock()
					durable = max(durable, n)
					mu.Unlock()
				}
			}
		})
	}
	<-stop
	if kill {
		mu.Lock()
		atCrash = durable
		after = disk.killed()
		mu.Unlock()
	}
	people.Wait()
	if err := end(); err != nil && !faulty {
		t.Fatal(err)
	}

	again := move(t, after.killed(), journal.Options{})
	steps := again.steps(h.history)
	if steps < atCrash {
		t.Fatalf("%d steps were durable, %d are there", atCrash, steps)
	}
	return after, h.history[:steps:steps]
}
