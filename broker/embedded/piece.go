package embedded

import "sync"

// A message and its content are one piece of memory, if the content has a usual size: half the work for the collector of garbage. With the
// 128 bytes of a message, and the 8 that the runtime adds to what has more than 512, the pieces are of sizes that the runtime has.
type (
	piece32 struct {
		message
		space [32]byte
	}
	piece64 struct {
		message
		space [64]byte
	}
	piece128 struct {
		message
		space [128]byte
	}
	piece256 struct {
		message
		space [256]byte
	}
	piece504 struct {
		message
		space [504]byte
	}
	piece1016 struct {
		message
		space [1016]byte
	}
)

// pieceSizes are the sizes of their spaces.
var pieceSizes = [...]int{32, 64, 128, 256, 504, 1016}

// usedPieces are those, by size, whose messages nobody needs any more: most messages with QoS 1 go to one client, which acknowledges them
// soon. What nobody uses again is collected.
var usedPieces [len(pieceSizes)]sync.Pool

func newPiece(size int) (m *message, space []byte) {
	switch size {
	case 0:
		p := new(piece32)
		return &p.message, p.space[:0]
	case 1:
		p := new(piece64)
		return &p.message, p.space[:0]
	case 2:
		p := new(piece128)
		return &p.message, p.space[:0]
	case 3:
		p := new(piece256)
		return &p.message, p.space[:0]
	case 4:
		p := new(piece504)
		return &p.message, p.space[:0]
	default:
		p := new(piece1016)
		return &p.message, p.space[:0]
	}
}

// pieceSize returns the place in pieceSizes of the least size that holds a content, and whether there is one.
func pieceSize(content int) (size int, ok bool) {
	for size < len(pieceSizes) && pieceSizes[size] < content {
		size++
	}
	return size, size < len(pieceSizes)
}

// own returns a copy that shares no memory with the connection that it was read from.
func (m *message) own() *message {
	content := len(m.payload) + len(m.props)
	if size, ok := pieceSize(content); ok {
		c, space := newPiece(size)
		c.fill(m, space)
		return c
	}
	c := new(message)
	c.fill(m, make([]byte, 0, content))
	return c
}

// borrow is own for a message that goes to one queue and nowhere else. Whoever takes it out of the queue may give it back.
func (m *message) borrow() *message {
	if size, ok := pieceSize(len(m.payload) + len(m.props)); ok {
		if c, ok := usedPieces[size].Get().(*message); ok {
			c.fill(m, c.payload[:0])
			return c
		}
	}
	return m.own()
}

// yield gives a borrowed message back, which nobody may look at any more.
func (m *message) yield() {
	space := cap(m.payload)
	if size, ok := pieceSize(space); ok && pieceSizes[size] == space {
		usedPieces[size].Put(m)
	}
}

// fill makes m a copy of another, with its content in space. The payload keeps the capacity of all of space, by which yield knows the piece.
func (m *message) fill(from *message, space []byte) {
	space = append(append(space, from.payload...), from.props...)
	n, end := len(from.payload), len(space)
	*m = *from
	m.payload, m.props = space[:n], space[n:end:end]
}
