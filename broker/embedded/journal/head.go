package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// fileHead is what a file says of itself.
type fileHead struct {
	fileSize int64
	format   bool // the line is there
	salted   bool // one of the heads is whole, and the salt known
	whole    bool // both are
	salt     uint32
	start    int64 // of the records
	blank    bool  // nothing stands behind the head, which a crash may therefore have torn
	based    bool
	base     base
}

func (r *replay) readHead(name, format string, number uint64) (*fileHead, error) {
	from, size, err := r.disk.Open(name)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	h := &fileHead{fileSize: size, start: int64(len(format) + 2*headSize)}
	s := &scanner{from: from, end: size, window: make([]byte, 0, 1<<10)}
	line, err := s.peek(0, len(format))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	h.format, h.whole = string(line) == format, true
	for i := range 2 {
		b, err := s.peek(int64(len(format)+i*headSize), headSize)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if len(b) < headSize || b[0] != headRecord || crc32.Checksum(b[:headSize-4], castagnoli) != binary.LittleEndian.Uint32(b[headSize-4:]) {
			h.whole = false
			continue
		}
		content := b[recordHead:]
		if content[0] != version {
			return nil, fmt.Errorf("%s was written in format %d, by a newer version of the program", name, content[0])
		}
		if binary.LittleEndian.Uint64(content[1:]) != number {
			h.whole = false // of another file, renamed
			continue
		}
		h.salted, h.salt = true, binary.LittleEndian.Uint32(content[9:])
	}
	if format == segmentFormat && h.salted {
		if err := h.readBase(s); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if format == segmentFormat && !h.whole {
		if h.blank, err = s.blank(h.start); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return h, nil
}

// blank says whether there is nothing from a place on but zeros.
func (s *scanner) blank(at int64) (bool, error) {
	for at < s.end {
		b, err := s.peek(at, cap(s.window))
		if err != nil || len(b) == 0 {
			return err == nil, err
		}
		if len(bytes.TrimLeft(b, "\x00")) > 0 {
			return false, nil
		}
		at += int64(len(b))
	}
	return true, nil
}

func (h *fileHead) readBase(s *scanner) error {
	s.salt, s.at = h.salt, h.start
	size, err := s.valid(h.start, false)
	if err != nil || size == 0 {
		return err
	}
	b, err := s.copy(h.start, size)
	if err == nil && b[0] == baseRecord {
		h.base, h.based = readBase(b[recordHead : size-4])
	}
	return err
}
