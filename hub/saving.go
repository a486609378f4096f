package hub

import (
	"context"
	"slices"
	"time"
)

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
			timer.Reset(max(1, wait)) // not 0: in tests, Go's race detector does not bear a timer of a bubble that is due when it is set
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

// rest waits before the store is tried again. Only what somebody waits for is tried meanwhile. It says whether to go on.
func (r *recorder) rest(ctx context.Context, d time.Duration, stop <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-r.news:
			r.saveCommands(ctx, true)
			if r.awaited() {
				r.saveFollows(ctx)
				r.saveDevices(ctx)
			}
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
	if r.samples.size == 0 {
		return 0, false
	}
	return max(0, time.Until(r.samples.since.Add(batchTime))), true
}

// save brings to the store what is due, or everything. It says whether the store took it.
func (r *recorder) save(ctx context.Context, everything bool) bool {
	ok := r.saveFollows(ctx)
	ok = r.saveDevices(ctx) && ok
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
		r.reuse(samples)
	}
}

func (r *recorder) takeSamples(everything bool) []Sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.samples.take(everything)
}

func (r *recorder) reuse(samples []Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples.reuse(samples)
}

// putBack returns readings that could not be saved to the head of the queue, but for those of devices that are being forgotten.
func (r *recorder) putBack(samples []Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	samples = slices.DeleteFunc(samples, func(s Sample) bool {
		job := r.devices[s.Device]
		return job != nil && job.forget
	})
	if len(samples) > 0 {
		r.samples.putBack(samples)
		r.thin()
	}
}

// saveFollows comes before saveDevices: whoever waits for a device to be forgotten waits for its links, too.
func (r *recorder) saveFollows(ctx context.Context) bool {
	r.mu.Lock()
	jobs := r.follows
	r.follows = map[Follow]*followJob{}
	r.mu.Unlock()
	ok := true
	for f, job := range jobs {
		do := r.store.DeleteFollow
		if job.keep {
			do = r.store.SaveFollow
		}
		err := do(ctx, f)
		for _, told := range job.after {
			told(err)
		}
		job.after = nil
		if err != nil {
			ok = false
			r.failed("saving link "+f.String(), err)
			r.followAgain(f, job)
		}
	}
	return ok
}

// followAgain queues a job that failed, unless a newer one has come.
func (r *recorder) followAgain(f Follow, job *followJob) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.follows[f] == nil {
		r.follows[f] = job
	}
}

func (r *recorder) saveDevices(ctx context.Context) bool {
	r.mu.Lock()
	jobs := r.devices
	r.devices = map[string]*deviceJob{}
	r.mu.Unlock()
	ok := true
	for id, job := range jobs {
		err := r.saveDevice(ctx, id, job)
		for _, f := range job.after {
			f(err)
		}
		job.after = nil
		if err != nil {
			ok = false
			r.failed("saving device "+id, err)
			r.deviceAgain(id, job)
		}
	}
	return ok
}

// awaited says whether somebody waits for the store to have a device or a follow.
func (r *recorder) awaited() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, job := range r.devices {
		if len(job.after) > 0 {
			return true
		}
	}
	for _, job := range r.follows {
		if len(job.after) > 0 {
			return true
		}
	}
	return false
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

// commandAgain queues a command that the store refused, unless a newer state of it has come, its device is being forgotten, or it was
// refused five times.
func (r *recorder) commandAgain(id string, job *commandJob) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if device := r.devices[job.command.Device]; r.commands[id] != nil || device != nil && device.forget {
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
