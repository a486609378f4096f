package journal

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"time"
)

// Report says what Replay found.
type Report struct {
	// Records is how many were taken.
	Records int
	// Damaged are descriptions for people of what was lost and set aside, one for each file.
	Damaged []string
}

// replay is what is known of the files after they were read.
type replay struct {
	*Journal
	now        time.Time
	heads      map[uint64]*fileHead // of the segments
	checkpoint uint64               // that everything stands on; 0 is none
	older      []extent             // the segments that hold something
	bytes      int64                // in them, and the size of the checkpoint
	size       int64
	report     Report
	damaged    map[string]string // names of files, and what they are to be called
	budget     int64
}

// Replay hands every record of the newest checkpoint and of what was appended after it to take, in order. It is called once,
// before anything is appended and before Run. Damage is described in the report and logged; the error is that of files that
// cannot be read at all or were written by a newer version of the program.
func (j *Journal) Replay(take func(kind byte, content *Reader)) (Report, error) {
	r := &replay{Journal: j, now: time.Now(), heads: map[uint64]*fileHead{}, damaged: map[string]string{}, budget: searchBudget}
	if err := r.run(take); err != nil {
		return r.report, fmt.Errorf("replaying the journal in %s: %w", j.folder, err)
	}
	j.replayed = r
	return r.report, nil
}

func (r *replay) run(take func(kind byte, content *Reader)) error {
	if err := r.readHeads(); err != nil {
		return err
	}
	if err := r.choose(); err != nil {
		return err
	}
	if r.checkpoint != 0 {
		if _, err := r.readCheckpoint(r.checkpoint, take); err != nil {
			return err
		}
	}
	return r.readSegments(take)
}

// readHeads reads the heads of the segments. All files of a journal have the same salt, so that one whose heads are both damaged
// can be checked with that of another; what is written from now on gets it too.
func (r *replay) readHeads() error {
	for _, n := range r.found.segments {
		h, err := r.readHead(segmentName(n), segmentFormat, n)
		if err != nil {
			return err
		}
		r.heads[n] = h
		r.inherit(h)
	}
	for _, n := range r.found.checkpoints {
		h, err := r.readHead(checkpointName(n), checkpointFormat, n)
		if err != nil {
			return err
		}
		r.inherit(h)
	}
	return nil
}

func (r *replay) inherit(h *fileHead) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h.salted && len(r.append.buf) == 0 {
		r.salt, r.append.salt = h.salt, h.salt
	}
}

// choose finds the checkpoint that everything stands on: the newest, or if that is damaged, the newest whole one. An older one is
// there only when the program ended between completing a checkpoint and removing what is older.
func (r *replay) choose() error {
	all := r.found.checkpoints
	if len(all) == 0 {
		return nil
	}
	r.checkpoint = all[len(all)-1]
	if len(all) == 1 {
		return nil
	}
	for _, n := range slices.Backward(all) {
		whole, err := r.readCheckpoint(n, nil)
		if err != nil {
			return err
		}
		if whole {
			r.checkpoint = n
			break
		}
	}
	for _, n := range all {
		if n > r.checkpoint {
			r.lost(checkpointName(n), "it is damaged; an older checkpoint is used instead")
		}
	}
	return nil
}

// readCheckpoint reads a checkpoint; without take it only looks whether it is whole.
func (r *replay) readCheckpoint(n uint64, take func(byte, *Reader)) (whole bool, err error) {
	name := checkpointName(n)
	var records, claimed uint64
	ended := false
	f, err := r.readFile(name, checkpointFormat, n, math.MaxInt64, func(kind byte, content *Reader) {
		switch {
		case kind == endRecord:
			claimed, ended = content.Number(), true
		case kind <= maxKind:
			records++
			if take != nil {
				take(kind, content)
			}
		}
	}, take != nil)
	if err != nil {
		return false, err
	}
	f.damage.add(f.end, f.head.fileSize)
	whole = f.damage.places == 0 && f.head.format && f.head.whole && ended && claimed == records
	if take == nil {
		return whole, nil
	}
	r.report.Records += int(records)
	r.size = f.head.fileSize
	if !whole {
		r.lost(name, f.describe(ended, claimed, records))
	}
	return whole, nil
}

// readSegments reads the segments that count, from that of the checkpoint on.
func (r *replay) readSegments(take func(byte, *Reader)) error {
	limits := r.plan()
	for _, n := range slices.Sorted(maps.Keys(limits)) {
		if !slices.Contains(r.found.segments, n) {
			r.lost(segmentName(n), fmt.Sprintf("it is missing, with %d bytes", limits[n]))
			continue
		}
		records := 0
		f, err := r.readFile(segmentName(n), segmentFormat, n, limits[n], func(kind byte, content *Reader) {
			if kind <= maxKind {
				records++
				take(kind, content)
			}
		}, true)
		if err != nil {
			return err
		}
		r.report.Records += records
		r.judge(n, f, limits[n], records)
	}
	return nil
}

// plan says which segments count, and how much of each. The newest head that can be read says it of the segments back to the
// checkpoint that it names. If that checkpoint cannot be used, the next head before it says the same for those before.
func (r *replay) plan() map[uint64]int64 {
	limits := map[uint64]int64{}
	asking, floor := true, uint64(0)
	for _, n := range slices.Backward(r.found.segments) {
		if n < r.checkpoint {
			break
		}
		asking = asking || n < floor
		if !asking || r.abandoned(n) {
			continue
		}
		if _, listed := limits[n]; !listed {
			limits[n] = math.MaxInt64
		}
		h := r.heads[n]
		if !h.based {
			continue
		}
		for _, e := range h.base.older {
			if _, listed := limits[e.number]; !listed && e.number >= r.checkpoint {
				limits[e.number] = e.end
			}
		}
		asking, floor = false, h.base.checkpoint
		if h.base.needed {
			floor = n
		}
		if floor > r.checkpoint && !slices.Contains(r.found.checkpoints, floor) {
			r.lost(checkpointName(floor), "it is missing")
		}
	}
	return limits
}

// abandoned says that a segment was begun to recover from a failure, and the program ended before the checkpoint was there that
// it needs. Nothing in it was ever durable. If nothing older is there the checkpoint was lost in another way, and the segment is
// all that is left.
func (r *replay) abandoned(n uint64) bool {
	h := r.heads[n]
	if !h.based || !h.base.needed || slices.Contains(r.found.checkpoints, n) || n < r.checkpoint {
		return false
	}
	first := h.base.checkpoint == 0 && len(h.base.older) == 0
	return first || r.checkpoint != 0 || r.found.segments[0] < n
}

// judge says whether a segment is damaged, and notes what the next segment is to say of it.
func (r *replay) judge(n uint64, f *fileRead, limit int64, records int) {
	name, h := segmentName(n), f.head
	if limit != math.MaxInt64 {
		f.damage.add(f.end, limit)
	} else if torn := h.fileSize - f.end; torn > 0 && f.damage.places == 0 {
		r.log.Info("the journal's last segment ends in the middle of a record, as after a crash", "file", name, "bytes", torn)
	}
	headless := (!h.format || !h.whole) && !h.blank
	if f.damage.places > 0 || headless || !h.based && records > 0 {
		r.lost(name, f.describe(true, 0, 0))
	}
	if records > 0 {
		r.older = append(r.older, extent{n, f.end})
		r.bytes += f.end
	}
}

// lost notes that something is gone, and that the file is to be set aside if it is there.
func (r *replay) lost(name, what string) {
	note, to := name+": "+what, ""
	if r.found.has(name) && r.found.aside+len(r.damaged) < maxAside {
		to = asideName(name, r.now)
		note += "; it is kept as " + to
		r.damaged[name] = to
	}
	r.report.Damaged = append(r.report.Damaged, note)
	r.log.Warn("the journal is damaged; what could be read was kept", "folder", r.folder, "file", name, "damage", what, "kept as", to)
}

// fileRead is what reading a file came to.
type fileRead struct {
	head   *fileHead
	end    int64 // of the last whole record
	damage damage
}

func (f *fileRead) describe(ended bool, claimed, records uint64) string {
	switch {
	case f.damage.places == 1:
		return fmt.Sprintf("%d bytes at offset %d cannot be read", f.damage.bytes, f.damage.first)
	case f.damage.places > 1:
		return fmt.Sprintf("%d bytes in %d places cannot be read, the first at offset %d", f.damage.bytes, f.damage.places, f.damage.first)
	case !ended:
		return fmt.Sprintf("it is cut off after %d bytes", f.end)
	case claimed != records:
		return fmt.Sprintf("it should have %d records and has %d", claimed, records)
	default:
		return "its head is damaged"
	}
}

// readFile hands the records of a file to take, up to a limit. What is damaged between whole records is in the result; what
// stands behind the last of them is not.
func (r *replay) readFile(name, format string, n uint64, limit int64, take func(byte, *Reader), contents bool) (*fileRead, error) {
	h, err := r.readHead(name, format, n)
	if err != nil {
		return nil, err
	}
	from, size, err := r.disk.Open(name)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	f := &fileRead{head: h, end: min(h.start, size)}
	s := &scanner{from: from, salt: r.salt, at: h.start, end: min(size, limit), budget: r.budget}
	if h.salted {
		s.salt = h.salt
	}
	for first := true; s.at < s.end; {
		at, size, err := s.next()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if size == 0 {
			break
		}
		f.damage.add(s.at, at)
		s.at = at + size
		f.end = s.at
		kind, content, err := s.record(at, size, contents)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		take(kind, &Reader{rest: content, first: first && kind <= maxKind})
		first = first && kind > maxKind
	}
	r.budget = s.budget
	return f, nil
}

// record returns a record. The content of one that is only counted is left out, unless it is the journal's own.
func (s *scanner) record(at, size int64, contents bool) (kind byte, content []byte, err error) {
	head, err := s.peek(at, 1)
	if err != nil {
		return 0, nil, err
	}
	if len(head) == 0 {
		return 0, nil, io.ErrUnexpectedEOF // it has become shorter meanwhile
	}
	if kind = head[0]; contents || kind > maxKind {
		content, err = s.copy(at+recordHead, size-recordCost)
	}
	return kind, content, err
}
