package journal_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"home.arpa/homehub/broker/embedded/journal"
)

// house is a caller of a journal: counters by name, each of which is raised by one by each append. What a replay gives can
// therefore be compared with every state that there ever was: the sum says after how many appends that was.
type house struct {
	t *testing.T
	j *journal.Journal

	mu      sync.Mutex
	values  map[string]uint64
	history []string
	ballast []byte        // written with every append
	slow    time.Duration // between two records of a checkpoint

	order  []uint64 // the numbers that were replayed
	report journal.Report
}

const (
	valueRecord   byte = 1
	ballastRecord byte = 2
)

// move opens the journal on a disk and replays it.
func move(t *testing.T, d journal.Disk, o journal.Options) *house {
	t.Helper()
	h := &house{t: t, values: map[string]uint64{}}
	j, err := journal.OpenOn(d, o)
	if err != nil {
		t.Fatal(err)
	}
	h.j = j
	if h.report, err = j.Replay(h.take); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) take(kind byte, r *journal.Reader) {
	switch kind {
	case valueRecord:
		name, n := r.Text(), r.Number()
		h.values[name] = n
		h.order = append(h.order, n)
	case ballastRecord:
		r.Bytes()
	default:
		h.t.Errorf("a record of kind %d that nobody wrote", kind)
	}
	if r.Bad() {
		h.t.Errorf("a record of kind %d that is too short", kind)
	}
}

// raise appends one step, and says how many these are.
func (h *house) raise(name string) (journal.Position, int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.j.Begin()
	h.values[name]++
	h.history = append(h.history, name)
	if len(h.ballast) > 0 {
		w.Record(ballastRecord)
		w.Bytes(h.ballast)
		w.End()
	}
	w.Record(valueRecord)
	w.Text(name)
	w.Number(h.values[name])
	w.End()
	return w.Commit(), len(h.history)
}

func (h *house) checkpoint(w *journal.Writer) {
	h.mu.Lock()
	names := slices.Sorted(maps.Keys(h.values))
	h.mu.Unlock()
	for _, name := range names {
		h.mu.Lock() // so that what is written is not of one moment
		n := h.values[name]
		h.mu.Unlock()
		w.Record(valueRecord)
		w.Text(name)
		w.Number(n)
		w.End()
		time.Sleep(h.slow)
	}
}

// run runs the journal until the function that it returns is called, which returns the error of Run.
func (h *house) run() (end func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.j.Run(ctx, h.checkpoint) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// told is a waiter for one.
type told chan error

func (c told) Durable(journal.Position) { c <- nil }
func (c told) Failed(err error)         { c <- err }

// wait waits until something is durable or failed.
func (h *house) wait(p journal.Position) error {
	c := make(told, 1)
	h.j.Wait(p, c)
	return <-c
}

// steps is after how many appends the house was as it is now; it fails the test if it never was.
func (h *house) steps(history []string) int {
	h.t.Helper()
	sum := uint64(0)
	for _, n := range h.values {
		sum += n
	}
	if sum > uint64(len(history)) {
		h.t.Fatalf("%d steps were replayed, %d were made", sum, len(history))
	}
	was := map[string]uint64{}
	for _, name := range history[:sum] {
		was[name]++
	}
	if !maps.Equal(was, h.values) {
		h.t.Fatalf("after %d steps it was\n%v\nand now it is\n%v", sum, was, h.values)
	}
	return int(sum)
}
