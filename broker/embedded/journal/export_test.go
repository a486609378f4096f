package journal

// What tests need to put another disk beneath a journal.
type (
	Disk     = disk
	File     = file
	Readable = readable
)

// Bounds that tests go beyond.
const (
	FlushSize  = flushSize
	FlushAfter = flushAfter
	MaxBuffer  = maxBuffer
	MaxAside   = maxAside
	WindowSize = windowSize
)

// OpenOn opens a journal on a disk.
func OpenOn(d Disk, o Options) (*Journal, error) { return open(d, o) }

// RealDisk is a folder of the operating system.
func RealDisk(folder string) Disk { return newRealDisk(folder) }

// RealDiskSyncing is one whose folders are synced in another way.
func RealDiskSyncing(folder string, sync func(folder string) error) Disk {
	return realDisk{folder, sync}
}

// HeadOfVersion is how a segment of another version of the format would begin.
func HeadOfVersion(v byte, number uint64) []byte {
	w := &Writer{segment: number}
	w.headOf(segmentFormat, v)
	return w.buf
}
