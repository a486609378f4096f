package hub

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"home.arpa/homehub/devices"
)

const (
	// recorderSize readings wait for the store. When there are more, only the newest of each property is kept: history is
	// lost, which is counted and logged, but never a last value.
	recorderSize = 32768
	// maxUnsaved commands may wait for the store before new ones are turned away.
	maxUnsaved = 1024
	// batch and batchTime are how many readings go into one transaction, and how long the first of them may wait.
	batch     = 500
	batchTime = time.Second
	// Retries of what the store refused.
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
	// flushTime is how long the store may take at the end.
	flushTime = 5 * time.Second
	// pruneEvery is how often old history is looked for.
	pruneEvery = time.Hour
)

// recorder carries what must be kept to the store, in a goroutine of its own. Adding never waits. Records of devices,
// follows and commands wait coalesced, the newest of each; so they are bounded by what there is.
type recorder struct {
	store Store
	log   *slog.Logger

	mu       sync.Mutex
	devices  map[string]*deviceJob
	follows  map[Follow]*followJob
	commands map[string]*commandJob
	order    []string // commands, in the order in which they came to wait
	samples  backlog

	news chan struct{}

	saved, dropped, errors atomic.Uint64
}

// deviceJob is what is to be done about one device: forget it, keep a record, or both in this order.
type deviceJob struct {
	forget bool
	record *Record
	after  []func(error) // called when the store has been tried
}

// followJob is what is to be done about one follow.
type followJob struct {
	keep  bool          // else it is forgotten
	after []func(error) // called when the store has been tried
}

type commandJob struct {
	command devices.Command
	after   []func() // called when the store has been tried
	tries   int
}

func newRecorder(store Store, log *slog.Logger) *recorder {
	return &recorder{
		store: store, log: log, devices: map[string]*deviceJob{}, follows: map[Follow]*followJob{}, commands: map[string]*commandJob{},
		samples: backlog{limit: recorderSize}, news: make(chan struct{}, 1),
	}
}

func (r *recorder) wake() {
	select {
	case r.news <- struct{}{}:
	default: // the recorder has not yet looked since the last time
	}
}

// device keeps a device's record. after, which may be nil, is called by the recorder's goroutine when the store has it, or with
// the error with which it has refused it for the first time.
func (r *recorder) device(rec Record, after func(error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deviceJob(rec.Device.ID, after).record = &rec
	r.wake()
}

// deviceJob is what is to be done about a device, with one more who wants to hear of it.
func (r *recorder) deviceJob(id string, after func(error)) *deviceJob {
	job := r.devices[id]
	if job == nil {
		job = &deviceJob{}
		r.devices[id] = job
	}
	if after != nil {
		job.after = append(job.after, after)
	}
	return job
}

// forget deletes a device, and what waits to be kept of it. after is that of device.
func (r *recorder) forget(id string, after func(error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	job := r.deviceJob(id, after)
	job.forget, job.record = true, nil
	r.samples.forget(id)
	r.order = slices.DeleteFunc(r.order, func(command string) bool {
		waiting := r.commands[command]
		if waiting.command.Device != id {
			return false
		}
		delete(r.commands, command)
		for _, f := range waiting.after { // whoever waits for it to be kept need wait no more
			job.after = append(job.after, func(error) { f() })
		}
		return true
	})
	r.wake()
}

// follow keeps or forgets a follow. after is that of device.
func (r *recorder) follow(f Follow, keep bool, after func(error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	job := r.follows[f]
	if job == nil {
		job = &followJob{}
		r.follows[f] = job
	}
	job.keep = keep
	if after != nil {
		job.after = append(job.after, after)
	}
	r.wake()
}

// command keeps a command. after, which may be nil, is called by the recorder's goroutine when the store has it, or has
// refused it for the first time.
func (r *recorder) command(c devices.Command, after func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	job := r.commands[c.ID]
	if job == nil {
		job = &commandJob{}
		r.commands[c.ID] = job
		r.order = append(r.order, c.ID)
	}
	job.command, job.tries = c, 0
	if after != nil {
		job.after = append(job.after, after)
	}
	r.wake()
}

// busy says whether so many commands wait that no new ones should be made.
func (r *recorder) busy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.commands) >= maxUnsaved
}

// keep keeps readings.
func (r *recorder) keep(samples []Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.samples.size
	for i := range samples {
		r.samples.add(&samples[i])
	}
	r.thin()
	if n := r.samples.size; before == 0 || before < batch && n >= batch {
		r.wake()
	}
}

// thin gives up history when too many readings wait.
func (r *recorder) thin() {
	if r.samples.size < r.samples.limit {
		return
	}
	lost := r.samples.thin()
	r.dropped.Add(uint64(lost))
	r.log.Warn("history lost, the store is too slow", "readings", lost)
}

// size is how much waits.
func (r *recorder) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.samples.size + len(r.devices) + len(r.follows) + len(r.commands)
}
