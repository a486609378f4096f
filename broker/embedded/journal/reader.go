package journal

import "encoding/binary"

// Reader reads the content of one record, field by field as they were written. What it returns may be kept.
type Reader struct {
	rest  []byte
	bad   bool
	first bool
}

// First says that this is the first record of its file that could be read. A caller whose records refer to earlier ones of the
// same file forgets those of the file before: when some are damaged, the same references may mean others there.
func (r *Reader) First() bool { return r.first }

// Number reads a number; 0 if there is none.
func (r *Reader) Number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// Bytes reads bytes; nil if they are not there.
func (r *Reader) Bytes() []byte {
	n := r.Number()
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// Text reads a text; empty if it is not there.
func (r *Reader) Text() string { return string(r.Bytes()) }

// Flag reads a yes or no.
func (r *Reader) Flag() bool { return r.Number() != 0 }

// Bad says that a field was not there.
func (r *Reader) Bad() bool { return r.bad }
