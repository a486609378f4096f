package journal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// The search for the next whole record tries every byte as a beginning. A record of up to freeSearch bytes is always tried;
// trying longer ones is bounded in all, so that content that looks like lengths cannot make a start take minutes.
const (
	freeSearch   = 256
	searchBudget = 1 << 30
)

const windowSize = 256 << 10

// scanner reads the records of one file. Its memory is a window and the record that it returns.
type scanner struct {
	from   io.ReaderAt
	salt   uint32
	at     int64 // what comes next
	end    int64 // where to stop
	window []byte
	start  int64  // where in the file the window begins
	chunk  []byte // for records that are longer than the window
	budget int64
}

// damage says what of a file could not be read.
type damage struct {
	places       int
	first, bytes int64
}

func (d *damage) add(from, to int64) {
	if to <= from {
		return
	}
	if d.places == 0 {
		d.first = from
	}
	d.places++
	d.bytes += to - from
}

// peek returns n bytes at a place, fewer at the end. It is the window's memory.
func (s *scanner) peek(at int64, n int) ([]byte, error) {
	if at >= s.end {
		return nil, nil
	}
	n = int(min(int64(n), s.end-at))
	if at < s.start || at+int64(n) > s.start+int64(len(s.window)) {
		if cap(s.window) == 0 {
			s.window = make([]byte, min(windowSize, s.end-at))
		}
		s.window = s.window[:min(int64(cap(s.window)), s.end-at)]
		s.start = at
		got, err := s.from.ReadAt(s.window, at)
		s.window = s.window[:got]
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	rest := s.window[at-s.start:]
	return rest[:min(n, len(rest))], nil
}

// valid says how long the whole record is that begins at a place; 0 if there is none.
func (s *scanner) valid(at int64, searching bool) (size int64, err error) {
	head, err := s.peek(at, recordHead)
	if err != nil || len(head) < recordHead || head[0] == 0 || head[0] > maxKind && head[0] < headRecord {
		return 0, err
	}
	size = int64(binary.LittleEndian.Uint32(head[1:])) + recordCost
	if size > s.end-at || size > maxRecord+recordCost {
		return 0, nil
	}
	if searching && size > freeSearch {
		if s.budget < size {
			return 0, nil
		}
		s.budget -= size
	}
	if size <= int64(cap(s.window)) {
		record, err := s.peek(at, int(size))
		if err != nil || int64(len(record)) < size {
			return 0, err
		}
		if crc32.Update(s.salt, castagnoli, record[:size-4]) != binary.LittleEndian.Uint32(record[size-4:]) {
			return 0, nil
		}
		return size, nil
	}
	return s.validLong(at, size)
}

// validLong checks a record that is longer than the window, without holding it.
func (s *scanner) validLong(at, size int64) (int64, error) {
	if s.chunk == nil {
		s.chunk = make([]byte, windowSize)
	}
	sum := s.salt
	for done := int64(0); done < size-4; {
		chunk := s.chunk[:min(int64(len(s.chunk)), size-4-done)]
		n, err := s.from.ReadAt(chunk, at+done)
		if n < len(chunk) {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return 0, err
		}
		sum = crc32.Update(sum, castagnoli, chunk)
		done += int64(n)
	}
	var want [4]byte
	if n, err := s.from.ReadAt(want[:], at+size-4); n < len(want) {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return 0, err
	}
	if sum != binary.LittleEndian.Uint32(want[:]) {
		return 0, nil
	}
	return size, nil
}

// next finds the next whole record. What was skipped before it is [from, at of the record); size 0 says that there is none.
func (s *scanner) next() (at, size int64, err error) {
	if size, err = s.valid(s.at, false); size > 0 || err != nil {
		return s.at, size, err
	}
	for at = s.at + 1; at+recordCost <= s.end; at++ {
		if size, err = s.valid(at, true); size > 0 || err != nil {
			return at, size, err
		}
	}
	return s.end, 0, nil
}

// copy returns a copy of what is in the file.
func (s *scanner) copy(at, size int64) ([]byte, error) {
	b := make([]byte, size)
	if size <= int64(cap(s.window)) {
		there, err := s.peek(at, int(size))
		if err == nil && copy(b, there) < len(b) {
			err = io.ErrUnexpectedEOF
		}
		return b, err
	}
	_, err := s.from.ReadAt(b, at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b, err
}
