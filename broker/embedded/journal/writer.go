package journal

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// The kinds of records: those of the caller, and the journal's own.
const (
	maxKind    byte = 100 // the caller's are 1 to 100
	headRecord byte = 250 // version, number, salt; its checksum starts from 0
	baseRecord byte = 251 // what counts beside a segment
	endRecord  byte = 255 // how many records a checkpoint has
)

const (
	recordHead = 5       // kind and length
	recordCost = 9       // these and the checksum
	maxRecord  = 1 << 30 // bytes of content
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Writer writes records, to the journal (from Begin to Commit) or to a checkpoint. A record is Record, its fields, End.
type Writer struct {
	buf     []byte
	whole   int // how much of buf are whole records
	salt    uint32
	segment uint64
	records uint64
	journal *Journal   // nil in a checkpoint
	out     *chunkFile // of a checkpoint
}

// Begin starts an append: it takes the journal's lock, which Commit gives back. What is appended must be in what the checkpoint
// function of Run sees from the moment of Commit on; so change the state before Commit, or hold a lock that the checkpoint
// function needs. Begin waits while the disk is far too slow for what is appended, but never on a disk that fails; whoever may wait
// without a lock calls Room before.
func (j *Journal) Begin() *Writer {
	j.mu.Lock()
	for len(j.append.buf) >= maxBuffer && j.mode == running {
		j.room.Wait()
	}
	j.before = len(j.append.buf)
	return &j.append
}

// First says that nothing else waits in memory to be written, so that all that does was appended after this, a tenth of a second ago at
// most while the disk keeps up.
func (w *Writer) First() bool { return w.journal != nil && w.journal.before == 0 }

// Crowded says whether Room would wait.
func (j *Journal) Crowded(l Level) bool { return j.crowd.Load() >= int64(l) }

// Room waits while more is in memory than should be, because the disk is slower than those who append. It returns at once
// where the disk fails, and with ctx's error when ctx ends.
func (j *Journal) Room(ctx context.Context, l Level) error {
	if !j.Crowded(l) {
		return nil
	}
	defer context.AfterFunc(ctx, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.room.Broadcast()
	})()
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.append.buf) >= int(l) && j.mode == running && ctx.Err() == nil {
		j.room.Wait()
	}
	return ctx.Err()
}

// Commit ends the append and returns the position that covers it. A record that was begun but not ended is dropped, so that
// Commit can be deferred.
func (w *Writer) Commit() Position {
	j := w.journal
	if j == nil {
		return 0
	}
	w.buf = w.buf[:w.whole]
	news := j.mode == running && (j.before == 0 && w.whole > 0 || j.before < flushSize && w.whole >= flushSize)
	if j.mode == failing || j.mode == closed {
		j.discard()
	}
	p := j.position()
	j.crowd.Store(int64(w.whole))
	j.mu.Unlock()
	if news {
		signal(j.wake)
	}
	return p
}

// position is how much has been appended. The lock is held.
func (j *Journal) position() Position { return j.taken + Position(j.append.whole) }

// discard counts what is in the buffer, and gives it up. The lock is held.
func (j *Journal) discard() {
	j.taken = j.position()
	j.append.buf, j.append.whole = j.append.buf[:0], 0
	j.crowd.Store(0)
}

// take hands the buffer to the committer and gives the appenders another one. The lock is held.
func (j *Journal) take(spare []byte) (data []byte, upTo Position) {
	data, upTo = j.append.buf[:j.append.whole], j.position()
	j.append.buf, j.append.whole, j.taken = spare[:0], 0, upTo
	j.crowd.Store(0)
	j.room.Broadcast()
	return data, upTo
}

// Segment is the number of the file that is being appended to. It stays the same from Begin to Commit. A record may refer to
// those that were appended before it with the same number, and to no others: checkpoints do away with older segments. In a
// checkpoint it is the number of the checkpoint.
func (w *Writer) Segment() uint64 { return w.segment }

// Record starts a record of a kind, 1 to 100, which End ends.
func (w *Writer) Record(kind byte) {
	if kind == 0 || kind > maxKind {
		panic(fmt.Sprintf("journal: a record of kind %d", kind))
	}
	w.begin(kind)
}

func (w *Writer) begin(kind byte) { w.buf = append(w.buf[:w.whole], kind, 0, 0, 0, 0) }

// Number writes a number.
func (w *Writer) Number(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }

// Bytes writes bytes and how many they are.
func (w *Writer) Bytes(b []byte) { w.Number(uint64(len(b))); w.buf = append(w.buf, b...) }

// Text writes a text.
func (w *Writer) Text(s string) { w.Number(uint64(len(s))); w.buf = append(w.buf, s...) }

// Flag writes a yes or no.
func (w *Writer) Flag(b bool) {
	var n byte
	if b {
		n = 1
	}
	w.buf = append(w.buf, n)
}

// End ends a record. Its content may have 1 GiB.
func (w *Writer) End() {
	w.end(w.salt)
	w.records++
}

func (w *Writer) end(salt uint32) {
	record := w.buf[w.whole:]
	if len(record) < recordHead || len(record)-recordHead > maxRecord {
		panic(fmt.Sprintf("journal: a record of %d bytes", len(record)))
	}
	binary.LittleEndian.PutUint32(record[1:], uint32(len(record)-recordHead))
	w.buf = binary.LittleEndian.AppendUint32(w.buf, crc32.Update(salt, castagnoli, record))
	w.whole = len(w.buf)
	if w.out != nil && w.whole >= chunkSize {
		w.flush()
	}
}

// flush hands whole records to the file of a checkpoint.
func (w *Writer) flush() {
	w.out.write(w.buf[:w.whole])
	w.buf, w.whole = w.buf[:0], 0
}

// A checkpoint is written in chunks and synced every syncSize bytes, so that the syncs of the segments never stand behind a large
// one.
const (
	chunkSize = 64 << 10
	syncSize  = 1 << 20
)

// chunkFile is the file of a checkpoint; the first error stays.
type chunkFile struct {
	file     file
	size     int64
	unsynced int64
	err      error
}

func (f *chunkFile) write(b []byte) {
	if f.err != nil {
		return
	}
	if f.err = writeAll(f.file, b); f.err != nil {
		return
	}
	f.size += int64(len(b))
	if f.unsynced += int64(len(b)); f.unsynced >= syncSize {
		f.err = f.file.Sync()
		f.unsynced = 0
	}
}

func writeAll(to io.Writer, b []byte) error {
	n, err := to.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}
