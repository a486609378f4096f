package journal_test

import (
	"context"
	"io/fs"
	"sync"
	"testing"
	"time"

	"home.arpa/homehub/broker/embedded/journal"
)

// nowhere is a disk that takes everything and keeps nothing.
type nowhere struct{}

func (nowhere) List() ([]fs.DirEntry, error)                 { return nil, nil }
func (nowhere) Open(string) (journal.Readable, int64, error) { return nil, 0, fs.ErrNotExist }
func (nowhere) Create(string) (journal.File, error)          { return nowhere{}, nil }
func (nowhere) Rename(string, string) error                  { return nil }
func (nowhere) Remove(string) error                          { return nil }
func (nowhere) Sync() error                                  { return nil }
func (nowhere) Write(b []byte) (int, error)                  { return len(b), nil }
func (nowhere) Close() error                                 { return nil }

func running(b *testing.B, d journal.Disk) *journal.Journal {
	j, err := journal.OpenOn(d, journal.Options{CheckpointAfter: 1 << 40})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- j.Run(ctx, func(*journal.Writer) {}) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	return j
}

// appendMessage appends what a broker would for a message of 100 bytes to one session.
func appendMessage(j *journal.Journal, payload []byte) journal.Position {
	w := j.Begin()
	w.Record(2)
	w.Number(123456)
	w.Text("zigbee2mqtt/living room/lamp")
	w.Bytes(payload)
	w.Flag(true)
	w.End()
	w.Record(11)
	w.Number(42)
	w.Number(123456)
	w.Number(1)
	w.End()
	return w.Commit()
}

func BenchmarkAppend(b *testing.B) {
	j := running(b, nowhere{})
	payload := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		appendMessage(j, payload)
	}
}

func BenchmarkAppendOfMany(b *testing.B) {
	j := running(b, nowhere{})
	payload := make([]byte, 100)
	b.ReportAllocs()
	b.SetParallelism(25)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			appendMessage(j, payload)
		}
	})
}

// BenchmarkAcknowledge is 50 publishers on a real disk, each of which waits for its acknowledgement before it goes on.
func BenchmarkAcknowledge(b *testing.B) {
	for _, window := range []int{1, 20} {
		b.Run(map[int]string{1: "one at a time", 20: "20 in flight"}[window], func(b *testing.B) {
			j := running(b, journal.RealDisk(b.TempDir()))
			b.ReportAllocs()
			before := j.Stats()
			start := time.Now()
			var all sync.WaitGroup
			for person := range 50 {
				all.Go(func() {
					payload, acknowledged := make([]byte, 100), make(told, window)
					waiting := 0
					for i := person; i < b.N; i += 50 {
						if waiting == window {
							if err := <-acknowledged; err != nil {
								b.Error(err)
							}
							waiting--
						}
						j.Wait(appendMessage(j, payload), acknowledged)
						waiting++
					}
					for range waiting {
						if err := <-acknowledged; err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
			took, s := time.Since(start), j.Stats()
			syncs := float64(s.Syncs - before.Syncs)
			b.ReportMetric(float64(b.N)/took.Seconds(), "acks/s")
			b.ReportMetric(float64(b.N)/syncs, "acks/sync")
			b.ReportMetric(float64((s.TotalSync-before.TotalSync).Microseconds())/syncs, "µs/sync")
		})
	}
}

func BenchmarkReplay(b *testing.B) {
	disk := journal.RealDisk(b.TempDir())
	j, err := journal.OpenOn(disk, journal.Options{CheckpointAfter: 1 << 40})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := j.Run(ctx, func(w *journal.Writer) {
			payload := make([]byte, 100)
			for range 200_000 {
				w.Record(2)
				w.Number(123456)
				w.Text("zigbee2mqtt/living room/lamp")
				w.Bytes(payload)
				w.End()
			}
		}); err != nil {
			b.Error(err)
		}
	})
	appendMessage(j, nil)
	cancel()
	wg.Wait()
	b.SetBytes(j.Stats().Size)
	b.ReportAllocs()
	for b.Loop() {
		j, err := journal.OpenOn(disk, journal.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if report, err := j.Replay(func(_ byte, r *journal.Reader) { r.Number(); r.Bytes() }); err != nil || report.Records != 200_000 {
			b.Fatal(report, err)
		}
	}
}
