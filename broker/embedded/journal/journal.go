// Package journal keeps what must outlive the program: an append-only log with group commit and checkpoints. The broker appends a
// record for every change of what it owes to its clients, and acknowledges a message once the record is on disk. The package
// knows nothing of MQTT: a record is a kind and a content, which the caller encodes and understands. It never decides what a
// record means, never reads back while it runs, and never keeps an index.
//
// # Files
//
// A folder holds segments (journal-000000000012) and checkpoints (checkpoint-000000000012). A checkpoint holds all that there is to
// know, as it was when the segment of the same number began; checkpoint N together with the segments N, N+1, ... gives
// everything. A checkpoint is fuzzy: it is written while appends go on, so that it may already hold the effect of a record of
// its first segment. Taking a record must therefore be idempotent.
//
// A file begins with a line that names its format, and a head that stands there twice, since without it nothing else can be
// checked. Then come records: one byte of kind, four of length (little endian), the content, and four of CRC-32C over all of
// these. The checksum starts from a number that was drawn for this journal and stands in the head, so that a payload that looks
// like a record cannot be taken for one. The first record of a segment lists the older segments that count and how many bytes of
// each: what stands behind is the torn tail of a crash. A checkpoint ends with a record that counts its records. It is written
// under another name, synced, renamed, and the folder is synced; then all that is older is removed.
//
// One program at a time may use a folder.
//
// # Promise
//
// A [Waiter] is told that a position is durable only after all records up to it have been synced, in their order, and a kill or a
// loss of power at any moment later keeps them. Having somebody wait makes a sync happen at once; while it runs, appends and
// waiters gather for the next. What nobody waits for is handed to the operating system about 100 ms after it was appended, so
// that a kill of the program loses little, and synced within Options.Interval. An idle journal does nothing at all.
//
// After a crash a replay gives a beginning of all that was ever appended, at least as long as what was durable, and never a later
// append without an earlier one: a checkpoint is completed only when the segments are as far as what it may have seen. The
// records of one append are not a transaction, though: a crash can keep the first of them only.
//
// Memory is bounded: when the disk is so slow that 4 MiB wait to be written, or 8 MiB for what only ends something, [Journal.Room] holds
// back whoever asks before it appends. Some do not ask, and many may have asked at once; with 32 MiB [Journal.Begin] waits, too, until
// the sync that is under way has ended.
//
// # Failure
//
// When a write or a sync fails, what could not be written is given up and all who wait are told [Waiter.Failed]. A failed sync is
// never tried again on the same file, since the system may have forgotten the pages that it could not write. Appends are counted
// but not kept until an attempt to recover succeeds (after 1 s, then after ever longer pauses up to 10 s): a new segment and a
// checkpoint, which holds all that the caller has in memory, so that whatever was appended up to then is durable. A checkpoint
// that fails while the segments can be written holds nobody up: the journal grows, and another one is tried later.
//
// Damage never stops a start: what cannot be read is skipped up to the next whole record, and described in the [Report]; a
// checkpoint is written at once, and then the damaged file is kept under another name (….damaged-20060102T150405Z). A checkpoint
// that is damaged is replaced by an older one if it is still there. What a crash leaves at the end of the newest segment is no
// damage, and neither is a folder in the middle of a checkpoint or of a recovery.
package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is what a waiter is told for what was appended after the journal's end.
var ErrClosed = errors.New("the journal is closed")

// Position is how much has been appended in this life of the program, in bytes; 0 is nothing.
type Position uint64

// Options of a journal.
type Options struct {
	// Interval is how long what nobody waits for may stay off the disk. Zero: 10 s.
	Interval time.Duration
	// CheckpointAfter is how many bytes are appended before a checkpoint is written; it is never less than the size of the last
	// checkpoint, so that a large state is not written again and again. Zero: 16 MiB.
	CheckpointAfter int64
	// Logger gets damage, failures and recoveries. Nil: nothing is logged.
	Logger *slog.Logger
}

// Waiter is told what becomes of what it waits for, by the journal's goroutine, with no lock held. It must not wait itself.
type Waiter interface {
	// Durable says that all is on disk up to a position.
	Durable(Position)
	// Failed says that what it waits for could not be written. It may be written nevertheless: after a recovery all that was
	// appended before is.
	Failed(error)
}

// The bounds of what is in memory.
const (
	flushSize = 256 << 10 // this much is written at once, though nobody waits for it
	maxBuffer = 32 << 20  // from here on Begin waits
	keepSize  = 1 << 20   // a larger buffer is given back when little is appended
)

// Level is how much may wait in memory to be written, in bytes, before somebody is held back.
type Level int64

// Whoever brings something new is held back first, so that what has begun can come to its end: that mostly makes the state smaller, and its
// records are short.
const (
	Fresh   Level = 4 << 20
	Pending Level = 8 << 20
)

// flushAfter is how long an append that nobody waits for stays in the program's own memory.
const flushAfter = 100 * time.Millisecond

// Journal is the log. Its life is Open, Replay, Run. Begin, Wait, Durable, Err and Stats may be called from anywhere at any time;
// what is appended before Run stays in memory until then, and what is appended after Run is not kept.
type Journal struct {
	disk            disk
	folder          string
	log             *slog.Logger
	interval        time.Duration
	checkpointAfter int64

	found    listing // what Open found
	replayed *replay // what Replay made of it
	salt     uint32  // where checksums start from
	started  atomic.Bool

	wake    chan struct{} // of one: the committer has something to look at
	durable atomic.Uint64
	waiters waiters
	trouble atomic.Pointer[error] // nil while all is well
	counts  counts

	mu     sync.Mutex   // held from Begin to Commit
	room   *sync.Cond   // with mu: the buffer was taken, or need not be waited for
	append Writer       // with mu
	before int          // with mu: how much was in the buffer at Begin
	taken  Position     // with mu: what was appended before the buffer
	crowd  atomic.Int64 // how much is in the buffer
	mode   mode         // with mu
}

// mode says what becomes of what is appended.
type mode byte

const (
	gathering mode = iota // there is no committer yet: it stays in the buffer, however large
	running               // the committer takes it
	failing               // it is counted only
	closed                // it is counted only, for good
)

// counts are what Stats tells.
type counts struct {
	syncs, checkpoints, failedCheckpoints atomic.Uint64
	lastSync, totalSync, size             atomic.Int64
}

// Stats are counts since Open, for people and for metrics.
type Stats struct {
	Bytes             uint64        // appended
	Records           uint64        // appended
	Syncs             uint64        // of segments, whether they succeeded or not
	LastSync          time.Duration // how long the last of them took
	TotalSync         time.Duration // how long all of them took
	Checkpoints       uint64        // that were completed
	FailedCheckpoints uint64
	Size              int64 // bytes on disk, without what was set aside as damaged
}

// Open opens the journal in a folder, which it makes if it is not there. It changes nothing in it and starts nothing. The error
// is that of a folder that cannot be made or read.
func Open(folder string, o Options) (*Journal, error) {
	j, err := open(newRealDisk(folder), o)
	if err != nil {
		return nil, fmt.Errorf("opening the journal in %s: %w", folder, err)
	}
	j.folder = folder
	return j, nil
}

func open(d disk, o Options) (*Journal, error) {
	if o.Interval < 0 || o.CheckpointAfter < 0 {
		return nil, fmt.Errorf("an interval of %s and checkpoints after %d bytes: they cannot be negative", o.Interval, o.CheckpointAfter)
	}
	if o.Interval == 0 {
		o.Interval = 10 * time.Second
	}
	if o.CheckpointAfter == 0 {
		o.CheckpointAfter = 16 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	found, err := list(d)
	if err != nil {
		return nil, err
	}
	j := &Journal{
		disk: d, log: o.Logger, interval: o.Interval, checkpointAfter: o.CheckpointAfter,
		found: found, salt: rand.Uint32(), wake: make(chan struct{}, 1),
	}
	j.room = sync.NewCond(&j.mu)
	j.append = Writer{journal: j, salt: j.salt, segment: found.highest + 1}
	j.waiters.news = make(chan struct{}, 1)
	for _, size := range found.sizes {
		j.counts.size.Add(size)
	}
	return j, nil
}

// Durable is the position up to which all is on disk.
func (j *Journal) Durable() Position { return Position(j.durable.Load()) }

// Err is why the journal cannot be written at present; nil while it can.
func (j *Journal) Err() error {
	if err := j.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// Stats returns the counts.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	bytes, records := j.position(), j.append.records
	j.mu.Unlock()
	c := &j.counts
	return Stats{
		Bytes: uint64(bytes), Records: records, Syncs: c.syncs.Load(),
		LastSync: time.Duration(c.lastSync.Load()), TotalSync: time.Duration(c.totalSync.Load()),
		Checkpoints: c.checkpoints.Load(), FailedCheckpoints: c.failedCheckpoints.Load(), Size: c.size.Load(),
	}
}

// signal wakes whoever reads a channel of one, unless that is under way already.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
