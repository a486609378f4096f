package journal

import "time"

// Attempts to recover come after ever longer pauses.
const (
	firstAttempt = time.Second
	maxAttempt   = 10 * time.Second
)

// recovery is the committer's way back from a failure.
type recovery struct {
	failure error // nil while all is well; it stays until a checkpoint is on disk again
	since   time.Time
	wait    time.Duration // before the attempt after the next
	again   time.Time     // the next attempt
}

// fail gives up the segment and what could not be written to it, tells all who wait, and plans the next attempt to recover.
func (c *committer) fail(err error) {
	now := time.Now()
	if c.failure == nil {
		c.since, c.wait = now, firstAttempt
		c.log.Error("cannot write the journal: what is acknowledged must wait", "error", err, "folder", c.folder)
	}
	c.failure = err
	c.trouble.Store(&err)
	if c.file != nil {
		_ = c.file.Close() // what it could still say is known already
		c.file = nil
		if !c.gate && c.firm > c.headed {
			c.base.older = append(c.base.older, extent{c.number, c.firm})
		}
	}
	// A segment whose checkpoint is not there is worth nothing, and space may be what is missing. If it stays, it is not used.
	if c.gate && (c.writing == nil || !c.writing.released) && c.disk.Remove(segmentName(c.number)) == nil {
		c.counts.size.Add(-c.size)
	}
	c.gate = false
	c.mu.Lock()
	c.discard()
	if c.mode != closed {
		c.mode = failing
	}
	c.room.Broadcast()
	c.mu.Unlock()
	c.buffered, c.unsynced = time.Time{}, time.Time{}
	c.waiters.fail(c.Durable(), err)
	c.writing.reply(err)
	c.again = now.Add(c.wait)
	c.wait = min(2*c.wait, maxAttempt)
}

// retry attempts to recover when it is time: with a new segment, and a checkpoint that holds all that was ever appended before
// it. Until the checkpoint is on disk the new segment is worth nothing, and nothing in it is durable.
func (c *committer) retry(now time.Time) (next time.Time) {
	if c.writing != nil { // one that began before the failure; the committer is woken when it ends
		return time.Time{}
	}
	if now.Before(c.again) {
		return c.again
	}
	c.mu.Lock()
	c.discard()
	c.mode = running
	c.append.segment++
	number, at := c.append.segment, c.position()
	c.mu.Unlock()
	c.written, c.synced, c.grown, c.gate = at, at, 0, true
	c.base.needed = true
	if err := c.open(number); err != nil {
		c.fail(err)
		return c.again
	}
	c.start()
	return time.Time{}
}

// recovered says that the journal can be written again.
func (c *committer) recovered() {
	if c.failure != nil {
		c.failure = nil
		c.trouble.Store(nil)
		c.log.Info("the journal can be written again", "after", time.Since(c.since), "folder", c.folder)
	}
}
