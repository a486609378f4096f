package embedded

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// A snapshot is a line that names its format, then records: one byte of kind, four of length, the content, and four of checksum
// over all of these. What can be read up to a damaged place is therefore whole. The last record is an end record; without
// it the file is cut off.
const snapshotFormat = "homehub broker snapshot 1\n"

// The kinds of records. Deliveries and replays belong to the session before them.
const (
	metaRecord     byte = 1
	retainedRecord byte = 2
	sessionRecord  byte = 3
	deliveryRecord byte = 4
	replayRecord   byte = 5
	willRecord     byte = 6
	endRecord      byte = 7
)

// maxRecord bounds what a record's length may claim.
const maxRecord = 1 << 30

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errDamaged = errors.New("the file is damaged")
)

// recordWriter writes records; the first error stays.
type recordWriter struct {
	to    *bufio.Writer
	buf   []byte // the record that is being built
	count uint64
	err   error
}

// begin starts a record of a kind. The content is appended to buf by the methods below, and end writes it out.
func (w *recordWriter) begin(kind byte) { w.buf = append(w.buf[:0], kind, 0, 0, 0, 0) }

func (w *recordWriter) end() {
	binary.LittleEndian.PutUint32(w.buf[1:], uint32(len(w.buf)-5))
	w.buf = binary.LittleEndian.AppendUint32(w.buf, crc32.Checksum(w.buf, castagnoli))
	if w.err == nil {
		_, w.err = w.to.Write(w.buf)
	}
	w.count++
}

func (w *recordWriter) number(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }
func (w *recordWriter) bytes(b []byte)  { w.number(uint64(len(b))); w.buf = append(w.buf, b...) }

func (w *recordWriter) text(s string)            { w.number(uint64(len(s))); w.buf = append(w.buf, s...) }
func (w *recordWriter) duration(d time.Duration) { w.number(uint64(max(d, 0))) }
func (w *recordWriter) flag(b bool)              { w.number(map[bool]uint64{true: 1}[b]) }
func (w *recordWriter) message(m *message, now time.Time) {
	w.text(m.topic)
	w.bytes(m.payload)
	w.bytes(m.props)
	w.text(m.client)
	w.number(uint64(m.qos))
	w.flag(m.retain)
	if m.expires.IsZero() {
		w.duration(0)
	} else {
		w.duration(max(m.expires.Sub(now), 1))
	}
}

// recordReader reads records.
type recordReader struct {
	from  *bufio.Reader
	count uint64
}

// next returns the next record. Its error wraps errDamaged when the file is cut off or was changed.
func (r *recordReader) next() (kind byte, content *record, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r.from, head[:]); err != nil {
		return 0, nil, fmt.Errorf("%w: it ends after record %d: %w", errDamaged, r.count, err)
	}
	size := binary.LittleEndian.Uint32(head[1:])
	if size > maxRecord {
		return 0, nil, fmt.Errorf("%w: record %d claims %d bytes", errDamaged, r.count+1, size)
	}
	body, err := io.ReadAll(io.LimitReader(r.from, int64(size)+4)) // grows with what is there, whatever the length claims
	if err != nil {
		return 0, nil, fmt.Errorf("reading record %d: %w", r.count+1, err)
	}
	if len(body) < int(size)+4 {
		return 0, nil, fmt.Errorf("%w: it ends in record %d", errDamaged, r.count+1)
	}
	sum := crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, body[:size])
	if sum != binary.LittleEndian.Uint32(body[size:]) {
		return 0, nil, fmt.Errorf("%w: the checksum of record %d is wrong", errDamaged, r.count+1)
	}
	r.count++
	return head[0], &record{rest: body[:size]}, nil
}

// record is the content of one record; bad says that a field was not there.
type record struct {
	rest []byte
	bad  bool
}

func (r *record) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *record) bytes() []byte {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *record) text() string            { return string(r.bytes()) }
func (r *record) flag() bool              { return r.number() != 0 }
func (r *record) duration() time.Duration { return time.Duration(r.number()) }

// message reads a message; base is what its expiry counts from.
func (r *record) message(base time.Time) *message {
	m := &message{topic: r.text(), payload: r.bytes(), props: r.bytes(), client: r.text(), qos: byte(r.number()), retain: r.flag()}
	if left := r.duration(); left > 0 {
		m.expires = base.Add(left)
	}
	return m
}
