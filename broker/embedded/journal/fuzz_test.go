package journal_test

import (
	"context"
	"slices"
	"testing"

	"home.arpa/homehub/broker/embedded/journal"
)

// FuzzReplay replays whatever is in the files, and then lives another life with it.
func FuzzReplay(f *testing.F) {
	checkpoint, one, two := seedFiles(f)
	f.Add(checkpoint, one, two)
	f.Add(checkpoint[:len(checkpoint)/2], one, two[:len(two)/2])
	f.Add(one, two, checkpoint)
	f.Add([]byte{}, append(slices.Clone(one), one...), []byte{1, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, checkpoint, one, two []byte) {
		disk := newMemory()
		disk.put("checkpoint-000000000002", checkpoint)
		disk.put("journal-000000000001", one)
		disk.put("journal-000000000002", two)
		replay := func() (all [][]byte, damaged []string) {
			j, err := journal.OpenOn(disk, journal.Options{})
			if err != nil {
				t.Fatal(err)
			}
			report, err := j.Replay(func(kind byte, content *journal.Reader) {
				all = append(all, append([]byte{kind}, content.Bytes()...))
				for range 3 {
					content.Number()
					content.Text()
					content.Flag()
				}
			})
			if err != nil && len(all) > 0 {
				t.Fatalf("after %d records: %v", len(all), err)
			}
			if report.Records != len(all) {
				t.Fatalf("%d records reported, %d taken", report.Records, len(all))
			}
			for _, record := range all {
				if record[0] == 0 || record[0] > 100 {
					t.Fatalf("a record of kind %d", record[0])
				}
			}
			return all, report.Damaged
		}
		all, damaged := replay()
		if again, said := replay(); len(again) != len(all) || len(said) != len(damaged) {
			t.Fatalf("a replay changes what there is: %d and %d records, %q and %q", len(all), len(again), damaged, said)
		}
	})
}

func seedFiles(f *testing.F) (checkpoint, one, two []byte) {
	disk := newMemory()
	j, err := journal.OpenOn(disk, journal.Options{})
	if err != nil {
		f.Fatal(err)
	}
	step := func() {
		w := j.Begin()
		w.Record(7)
		w.Text("something")
		w.Number(1 << 40)
		w.Flag(true)
		w.End()
		p := w.Commit()
		c := make(told, 1)
		j.Wait(p, c)
		if err := <-c; err != nil {
			f.Fatal(err)
		}
	}
	ended := make(chan error)
	ctx, cancel := context.WithCancel(f.Context())
	go func() { ended <- j.Run(ctx, func(w *journal.Writer) { w.Record(8); w.Bytes([]byte{1, 2}); w.End() }) }()
	step()
	one = disk.read("journal-000000000001")
	step()
	two = disk.read("journal-000000000001")
	cancel()
	if err := <-ended; err != nil {
		f.Fatal(err)
	}
	return disk.read("checkpoint-000000000002"), one, two
}
