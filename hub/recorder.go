package hub

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"home.arpa/homehub/devices"
)

const (
	// recorderSize readings wait for the store. When there are more, only the newest of each property is kept: history is
	// lost, which is counted and logged, but never a last value.
	recorderSize = 8192
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

// recorder carries what must be kept to the store, in a goroutine of its own. Adding never waits. Records of devices and
// commands wait coalesced, the newest of each; so they are bounded by what there is.
type recorder struct {
	store Store
	log   *slog.Logger

	mu       sync.Mutex
	devices  map[string]*deviceJob
	commands map[string]*commandJob
	order    []string // commands, in the order in which they came to wait
	samples  []Sample
	limit    int       // of samples, for now
	since    time.Time // when the first of samples came

	news chan struct{}

	saved, dropped, errors atomic.Uint64
}

// deviceJob is what is to be done about one device: forget it, keep a record, or both in this order.
type deviceJob struct {
	forget bool
	record *Record
}

type commandJob struct {
	command devices.Command
	after   []func() // called when the store has been tried
	tries   int
}

func newRecorder(store Store, log *slog.Logger) *recorder {
	return &recorder{
		store: store, log: log, devices: map[string]*deviceJob{}, commands: map[string]*commandJob{},
		limit: recorderSize, news: make(chan struct{}, 1),
	}
}

func (r *recorder) wake() {
	select {
	case r.news <- struct{}{}:
	default: // the recorder has not yet looked since the last time
	}
}

// device keeps a device's record.
func (r *recorder) device(rec Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	job := r.devices[rec.Device.ID]
	if job == nil {
		job = &deviceJob{}
		r.devices[rec.Device.ID] = job
	}
	job.record = &rec
	r.wake()
}

// forget deletes a device.
func (r *recorder) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.devices[id] = &deviceJob{forget: true}
	kept := r.samples[:0]
	for _, s := range r.samples {
		if s.Device != id {
			kept = append(kept, s)
		}
	}
	r.samples = kept
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

// sample keeps a reading.
func (r *recorder) sample(s Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.samples) == 0 {
		r.since = time.Now()
	}
	r.samples = append(r.samples, s)
	if len(r.samples) >= r.limit {
		r.thin()
	}
	if n := len(r.samples); n == 1 || n == batch {
		r.wake()
	}
}

// thin keeps the newest waiting reading of each property only.
func (r *recorder) thin() {
	newest := make(map[devices.Path]int, len(r.samples))
	for i, s := range r.samples {
		newest[s.Path] = i
	}
	kept := r.samples[:0]
	for i, s := range r.samples {
		if newest[s.Path] == i {
			kept = append(kept, s)
		}
	}
	lost := len(r.samples) - len(kept)
	r.samples = kept
	r.limit = max(recorderSize, 2*len(kept))
	r.dropped.Add(uint64(lost))
	r.log.Warn("history lost, the store is too slow", "readings", lost)
}

// run saves what comes until stop is closed, and then what is left.
func (r *recorder) run(ctx context.Context, stop <-chan struct{}, keep time.Duration) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	prune := make(<-chan time.Time)
	if keep > 0 {
		ticker := time.NewTicker(pruneEvery)
		defer ticker.Stop()
		prune = ticker.C
	}
	retry := time.Duration(0)
	for {
		ok := r.save(ctx, false)
		wait, waiting := r.untilDue()
		switch {
		case !ok:
			retry = min(max(2*retry, firstRetry), lastRetry)
			if r.rest(ctx, retry, stop) {
				continue
			}
		case waiting:
			retry = 0
			timer.Reset(wait)
		default:
			retry = 0
			timer.Stop()
		}
		select {
		case <-r.news:
		case <-timer.C:
		case <-prune:
			if err := r.store.Prune(ctx, time.Now().Add(-keep)); err != nil {
				r.failed("pruning history", err)
			}
		case <-stop:
			ctx, cancel := context.WithTimeout(ctx, flushTime)
			defer cancel()
			r.save(ctx, true)
			return
		}
	}
}

// rest waits before the store is tried again. Only new commands are tried meanwhile, because somebody waits for them. It
// says whether to go on.
func (r *recorder) rest(ctx context.Context, d time.Duration, stop <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-r.news:
			r.saveCommands(ctx, true)
		case <-timer.C:
			return true
		case <-stop:
			return false
		}
	}
}

// untilDue is how long the waiting readings may wait yet.
func (r *recorder) untilDue() (time.Duration, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.samples) == 0 {
		return 0, false
	}
	return max(0, time.Until(r.since.Add(batchTime))), true
}

// save brings to the store what is due, or everything. It says whether the store took it.
func (r *recorder) save(ctx context.Context, everything bool) bool {
	ok := r.saveDevices(ctx)
	ok = r.saveCommands(ctx, false) && ok
	for {
		samples := r.takeSamples(everything)
		if len(samples) == 0 {
			return ok
		}
		if err := r.store.SaveReadings(ctx, samples); err != nil {
			r.failed("saving readings", err)
			r.putBack(samples)
			return false
		}
		r.saved.Add(uint64(len(samples)))
	}
}

func (r *recorder) takeSamples(everything bool) []Sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.samples)
	if n == 0 || n < batch && !everything && time.Since(r.since) < batchTime {
		return nil
	}
	n = min(n, batch)
	taken := make([]Sample, n)
	copy(taken, r.samples)
	r.samples = append(r.samples[:0], r.samples[n:]...)
	if len(r.samples) == 0 {
		r.limit = recorderSize
	}
	return taken
}

// putBack returns readings that could not be saved to the head of the queue.
func (r *recorder) putBack(samples []Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples = append(samples, r.samples...)
	if len(r.samples) >= r.limit {
		r.thin()
	}
}

func (r *recorder) saveDevices(ctx context.Context) bool {
	r.mu.Lock()
	jobs := r.devices
	r.devices = map[string]*deviceJob{}
	r.mu.Unlock()
	ok := true
	for id, job := range jobs {
		if err := r.saveDevice(ctx, id, job); err != nil {
			ok = false
			r.failed("saving device "+id, err)
			r.deviceAgain(id, job)
		}
	}
	return ok
}

func (r *recorder) saveDevice(ctx context.Context, id string, job *deviceJob) error {
	if job.forget {
		if err := r.store.DeleteDevice(ctx, id); err != nil {
			return err
		}
		job.forget = false
	}
	if job.record == nil {
		return nil
	}
	return r.store.SaveDevice(ctx, *job.record)
}

// deviceAgain queues a job that failed, under what has come since.
func (r *recorder) deviceAgain(id string, job *deviceJob) {
	r.mu.Lock()
	defer r.mu.Unlock()
	newer := r.devices[id]
	switch {
	case newer == nil:
		r.devices[id] = job
	case !newer.forget:
		newer.forget = job.forget
	}
}

// saveCommands saves the commands that wait, or only those that somebody waits for.
func (r *recorder) saveCommands(ctx context.Context, awaited bool) bool {
	jobs, order := r.takeCommands(awaited)
	ok := true
	for _, id := range order {
		job := jobs[id]
		err := r.store.SaveCommand(ctx, job.command)
		for _, f := range job.after {
			f()
		}
		job.after = nil
		if err != nil {
			ok = false
			r.failed("saving command "+id, err)
			r.commandAgain(id, job)
		}
	}
	return ok
}

func (r *recorder) takeCommands(awaited bool) (jobs map[string]*commandJob, order []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	jobs = map[string]*commandJob{}
	var left []string
	for _, id := range r.order {
		if job := r.commands[id]; !awaited || len(job.after) > 0 {
			jobs[id] = job
			order = append(order, id)
			delete(r.commands, id)
		} else {
			left = append(left, id)
		}
	}
	r.order = left
	return jobs, order
}

// commandAgain queues a command that the store refused, unless a newer state of it has come, or it was refused five times.
func (r *recorder) commandAgain(id string, job *commandJob) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.commands[id] != nil {
		return
	}
	if job.tries++; job.tries >= 5 {
		r.log.Error("command lost to the store", keyCommand, id, "status", string(job.command.Status))
		return
	}
	r.commands[id] = job
	r.order = append(r.order, id)
}

func (r *recorder) failed(what string, err error) {
	r.errors.Add(1)
	r.log.Error("store failed", "doing", what, keyError, err)
}

// size is how much waits.
func (r *recorder) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.samples) + len(r.devices) + len(r.commands)
}
