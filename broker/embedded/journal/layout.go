package journal

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The names of the files, before their number, and the lines that they begin with.
const (
	segmentPrefix    = "journal-"
	checkpointPrefix = "checkpoint-"
	unfinished       = ".new"
	aside            = ".damaged-"

	segmentFormat    = "homehub journal segment 1\n"
	checkpointFormat = "homehub journal checkpoint 1\n"
)

const (
	version  = 1
	headSize = recordCost + 1 + 8 + 4
)

// maxAside is how many damaged files are kept; what is found damaged beyond that is removed like any other old file.
const maxAside = 16

func segmentName(number uint64) string    { return fmt.Sprintf("%s%012d", segmentPrefix, number) }
func checkpointName(number uint64) string { return fmt.Sprintf("%s%012d", checkpointPrefix, number) }

// asideName is the name that a damaged file is kept under.
func asideName(name string, now time.Time) string {
	return name + aside + now.UTC().Format("20060102T150405Z")
}

// listing is what is in a folder.
type listing struct {
	segments, checkpoints []uint64         // sorted
	sizes                 map[string]int64 // of these
	unfinished            []string
	aside                 int
	highest               uint64 // the highest number in any name
}

func list(d disk) (l listing, err error) {
	entries, err := d.List()
	if err != nil {
		return l, err
	}
	l.sizes = map[string]int64{}
	for _, e := range entries {
		name, to := e.Name(), &l.segments
		rest, ok := strings.CutPrefix(name, segmentPrefix)
		if !ok {
			if rest, ok = strings.CutPrefix(name, checkpointPrefix); !ok {
				continue
			}
			to = &l.checkpoints
		}
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		number, err := strconv.ParseUint(rest[:digits], 10, 63)
		if err != nil || digits < 12 {
			continue
		}
		l.highest = max(l.highest, number)
		switch kind := rest[digits:]; {
		case !e.Type().IsRegular():
		case kind == "":
			info, err := e.Info()
			if err != nil {
				return l, err
			}
			*to = append(*to, number)
			l.sizes[name] = info.Size()
		case kind == unfinished:
			l.unfinished = append(l.unfinished, name)
		case strings.HasPrefix(kind, aside):
			l.aside++
		}
	}
	slices.Sort(l.segments)
	slices.Sort(l.checkpoints)
	return l, nil
}

// has says whether a segment or checkpoint is there.
func (l *listing) has(name string) bool {
	_, there := l.sizes[name]
	return there
}

// head writes what a file begins with.
func (w *Writer) head(format string) { w.headOf(format, version) }

func (w *Writer) headOf(format string, version byte) {
	w.buf = append(w.buf[:w.whole], format...)
	w.whole = len(w.buf)
	for range 2 {
		w.begin(headRecord)
		w.buf = append(w.buf, version)
		w.buf = binary.LittleEndian.AppendUint64(w.buf, w.segment)
		w.buf = binary.LittleEndian.AppendUint32(w.buf, w.salt)
		w.end(0)
	}
}

// extent is how much of a segment counts.
type extent struct {
	number uint64
	end    int64
}

// base says what counts beside a segment.
type base struct {
	checkpoint uint64   // that the segments stand on; 0 is none
	needed     bool     // the segment is worth nothing without the checkpoint of its own number: records before it were given up
	older      []extent // the segments before it, in order
}

func (w *Writer) base(b base) {
	w.begin(baseRecord)
	w.Number(b.checkpoint)
	w.Flag(b.needed)
	w.Number(uint64(len(b.older)))
	for _, e := range b.older {
		w.Number(e.number)
		w.Number(uint64(e.end))
	}
	w.end(w.salt)
}

func readBase(content []byte) (b base, ok bool) {
	r := &Reader{rest: content}
	b.checkpoint, b.needed = r.Number(), r.Flag()
	for n := r.Number(); n > 0 && !r.bad; n-- {
		b.older = append(b.older, extent{r.Number(), int64(r.Number() &^ (1 << 63))})
	}
	return b, !r.bad
}
