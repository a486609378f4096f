package journal_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"home.arpa/homehub/broker/embedded/journal"
)

// killedHouse is what a house leaves that was killed: a checkpoint, and two segments.
func killedHouse(t *testing.T) (disk *memory, history []string) {
	synctest.Test(t, func(t *testing.T) {
		first := newMemory()
		h := move(t, first, journal.Options{})
		end := h.run()
		for _, name := range []string{"a", "b", "c"} {
			h.raise(name)
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		disk, history = first, h.history
		for _, names := range []string{"defg", "aahi"} {
			h := move(t, disk, journal.Options{})
			h.history = history
			end := h.run()
			for _, name := range names {
				h.ballast = append(h.ballast, "something "...)
				p, _ := h.raise(string(name))
				if err := h.wait(p); err != nil {
					t.Fatal(err)
				}
			}
			disk, history = disk.killed(), h.history
			if err := end(); err != nil {
				t.Fatal(err)
			}
		}
	})
	if want := []string{"checkpoint-000000000002", "journal-000000000003", "journal-000000000004"}; !slices.Equal(disk.names(), want) {
		t.Fatalf("%q", disk.names())
	}
	return disk, history
}

const newest = "journal-000000000004"

// The newest segment may end anywhere.
func TestATornTailIsCut(t *testing.T) {
	disk, history := killedHouse(t)
	data := disk.read(newest)
	last := 7
	for n := range len(data) + 1 {
		torn := disk.killed()
		torn.put(newest, data[:n])
		h := move(t, torn, journal.Options{})
		steps := h.steps(history)
		if len(h.report.Damaged) > 0 {
			t.Errorf("cut off at %d: %q", n, h.report.Damaged)
		}
		if steps < last {
			t.Errorf("cut off at %d there are %d steps, and %d when more is cut off", n, steps, last)
		}
		last = steps
	}
	if last != 11 {
		t.Errorf("%d steps of 11", last)
	}
}

// What follows a torn tail is not damage either, life after life.
func TestATornTailIsForgottenInTheNextLife(t *testing.T) {
	disk, history := killedHouse(t)
	disk.put(newest, append(disk.read(newest), "half a record"...))
	for range 5 {
		synctest.Test(t, func(t *testing.T) {
			h := move(t, disk, journal.Options{})
			if len(h.report.Damaged) > 0 {
				t.Fatalf("%q", h.report.Damaged)
			}
			h.steps(history)
			h.history = history
			end := h.run()
			p, _ := h.raise("z")
			if err := h.wait(p); err != nil {
				t.Fatal(err)
			}
			disk, history = disk.killed(), h.history
			if err := end(); err != nil {
				t.Fatal(err)
			}
		})
	}
	if n := move(t, disk, journal.Options{}).steps(history); n != 16 {
		t.Errorf("%d steps of 16", n)
	}
}

// Wherever a byte changes: it is noticed, nothing is invented, and no more is lost than the record in which it is.
func TestEveryChangedByteIsFound(t *testing.T) {
	disk, history := killedHouse(t)
	count := map[string]uint64{}
	for _, name := range history {
		count[name]++
	}
	whole := move(t, disk.killed(), journal.Options{})
	for _, name := range disk.names() {
		data := disk.read(name)
		for i := range data {
			for _, change := range []byte{0x01, 0x20, 0x80, 0xff} {
				damaged := disk.killed()
				changed := slices.Clone(data)
				changed[i] ^= change
				damaged.put(name, changed)
				h := move(t, damaged, journal.Options{})
				for counter, n := range h.values {
					if n > count[counter] {
						t.Fatalf("%s, byte %d: %s was %d at most and is %d", name, i, counter, count[counter], n)
					}
				}
				lost := len(whole.order) - len(h.order)
				if lost < 0 || lost > 1 {
					t.Errorf("%s, byte %d: %d records are lost", name, i, lost)
				}
				// A change in the last record looks like one that was never completed.
				tail := name == newest && i >= len(data)-12
				if len(h.report.Damaged) == 0 && !tail {
					t.Errorf("%s: the change of byte %d was not noticed", name, i)
				}
				if len(h.report.Damaged) > 1 || len(h.report.Damaged) == 1 && !strings.HasPrefix(h.report.Damaged[0], name+": ") {
					t.Errorf("%s, byte %d: %q", name, i, h.report.Damaged)
				}
			}
		}
	}
}

// What is wrong with the files, what is kept, and what is said of it.
func TestDamage(t *testing.T) {
	for _, test := range []struct {
		name    string
		damage  func(*memory)
		said    string
		aside   string
		without string // counters
	}{
		{
			name: "a segment is missing",
			damage: func(d *memory) {
				_ = d.Remove("journal-000000000003")
			},
			said: "journal-000000000003: it is missing", without: "defg",
		},
		{
			name: "the checkpoint is missing",
			damage: func(d *memory) {
				_ = d.Remove("checkpoint-000000000002")
			},
			said: "checkpoint-000000000002: it is missing", without: "bc",
		},
		{
			name: "the checkpoint has no end",
			damage: func(d *memory) {
				data := d.read("checkpoint-000000000002")
				d.put("checkpoint-000000000002", data[:len(data)-10])
			},
			said: "checkpoint-000000000002: it is cut off", aside: "checkpoint-000000000002",
		},
		{
			name: "the checkpoint is empty",
			damage: func(d *memory) {
				d.put("checkpoint-000000000002", nil)
			},
			said: "checkpoint-000000000002: it is cut off", aside: "checkpoint-000000000002", without: "bc",
		},
		{
			name: "an older segment is cut off between two records",
			damage: func(d *memory) {
				d.put("journal-000000000003", d.read("journal-000000000003")[:0])
			},
			said: "journal-000000000003: ", aside: "journal-000000000003", without: "defg",
		},
		{
			name: "a segment's head is gone",
			damage: func(d *memory) {
				data := d.read(newest)
				copy(data, make([]byte, 70))
				d.put(newest, data)
			},
			said: newest + ": its head is damaged", aside: newest,
		},
		{
			name: "a file is another one",
			damage: func(d *memory) {
				d.put("journal-000000000003", bytes.Repeat([]byte("a photo of a cat "), 1000))
			},
			said: "journal-000000000003: ", aside: "journal-000000000003", without: "defg",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			disk, history := killedHouse(t)
			test.damage(disk)
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				h := move(t, disk, journal.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
				if len(h.report.Damaged) != 1 || !strings.HasPrefix(h.report.Damaged[0], test.said) {
					t.Errorf("%q, not %q", h.report.Damaged, test.said)
				}
				if n := strings.Count(log.String(), "level=WARN"); n != 1 {
					t.Errorf("%d warnings in\n%s", n, &log)
				}
				for _, name := range history {
					if there := h.values[name] > 0; there == strings.Contains(test.without, name) {
						t.Errorf("%s is there: %v", name, there)
					}
				}
				before := disk.read(test.aside)
				end := h.run()
				synctest.Wait()
				if h.j.Stats().Checkpoints != 1 {
					t.Error("no checkpoint was written at once")
				}
				left := slices.DeleteFunc(disk.names(), func(n string) bool { return !strings.Contains(n, "damaged") })
				if test.aside == "" && len(left) > 0 || test.aside != "" && !slices.Equal(left, []string{test.aside + ".damaged-20000101T000000Z"}) {
					t.Errorf("set aside: %q", left)
				} else if test.aside != "" && !bytes.Equal(disk.read(left[0]), before) {
					t.Error("what was set aside has changed")
				}
				if test.aside != "" && !strings.Contains(h.report.Damaged[0], left[0]) {
					t.Errorf("%q does not say where it is kept", h.report.Damaged[0])
				}
				if err := end(); err != nil {
					t.Error(err)
				}
				if again := move(t, disk, journal.Options{}); len(again.report.Damaged) > 0 || fmt.Sprint(again.values) != fmt.Sprint(h.values) {
					t.Errorf("in the next life: %v, %q", again.values, again.report.Damaged)
				}
			})
		})
	}
}

// The program ends after a checkpoint was completed and before what is older was removed; then the checkpoint is damaged.
func TestAnOlderCheckpointIsUsed(t *testing.T) {
	disk, history := killedHouse(t)
	synctest.Test(t, func(t *testing.T) {
		h := move(t, disk, journal.Options{CheckpointAfter: 1})
		h.history = history
		disk.fail(broken("remove", ""))
		end := h.run()
		p, _ := h.raise("z")
		if err := h.wait(p); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		p, _ = h.raise("z")
		if err := h.wait(p); err != nil {
			t.Fatal(err)
		}
		dead := disk.killed()
		if err := end(); err != nil {
			t.Fatal(err)
		}
		var checkpoints []string
		for _, name := range dead.names() {
			if strings.HasPrefix(name, "checkpoint-") {
				checkpoints = append(checkpoints, name)
			}
		}
		if len(checkpoints) < 2 {
			t.Fatalf("%q", dead.names())
		}
		if n := move(t, dead.killed(), journal.Options{}).steps(h.history); n != 13 {
			t.Errorf("%d steps of 13", n)
		}
		for i, name := range slices.Backward(checkpoints) {
			if i == 0 {
				break
			}
			data := dead.read(name)
			data[len(data)/2] ^= 1
			dead.put(name, data)
			again := move(t, dead.killed(), journal.Options{})
			if n := again.steps(h.history); n != 13 {
				t.Errorf("without %s: %d steps of 13", name, n)
			}
			if said := strings.Join(again.report.Damaged, "\n"); !strings.Contains(said, name+": it is damaged; an older checkpoint is used") {
				t.Errorf("without %s: %s", name, said)
			}
		}
	})
}

// A message's payload can be a copy of a journal. It is never read as one, whatever is damaged around it.
func TestAPayloadIsNeverTakenForARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{})
		end := h.run()
		h.raise("forged")
		if err := end(); err != nil {
			t.Fatal(err)
		}
		var payload []byte
		for _, name := range disk.names() {
			payload = append(payload, disk.read(name)...)
		}
		disk = newMemory()
		h = move(t, disk, journal.Options{})
		end = h.run()
		h.raise("a")
		h.ballast = payload
		p, _ := h.raise("a")
		if err := h.wait(p); err != nil {
			t.Fatal(err)
		}
		data := disk.read("journal-000000000001")
		for i := range data {
			data[i] ^= 0x01
			damaged := newMemory()
			damaged.put("journal-000000000001", data)
			if h := move(t, damaged, journal.Options{}); h.values["forged"] > 0 {
				t.Fatalf("with byte %d changed, a record came out of a payload", i)
			}
			data[i] ^= 0x01
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestHowManyDamagedFilesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		for range journal.MaxAside + 5 {
			h := move(t, disk, journal.Options{})
			end := h.run()
			h.raise("a")
			if err := end(); err != nil {
				t.Fatal(err)
			}
			names := disk.names()
			last := names[slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, "checkpoint-") && !strings.Contains(n, "damaged") })]
			disk.put(last, append(disk.read(last), "something"...))
		}
		kept := 0
		for _, name := range disk.names() {
			if strings.Contains(name, "damaged") {
				kept++
			}
		}
		if kept != journal.MaxAside {
			t.Errorf("%d are kept, not %d", kept, journal.MaxAside)
		}
	})
}

// A length that claims a gigabyte in a small file costs no gigabyte, and content that looks like lengths no minutes.
func TestDamageCostsLittle(t *testing.T) {
	disk, _ := killedHouse(t)
	data := disk.read(newest)
	data = append(data, 1, 0xff, 0xff, 0xff, 0x3f)
	data = append(data, bytes.Repeat([]byte{1, 0, 4, 0, 0}, 4<<20/5)...) // each is a record of a kilobyte
	disk.put(newest, data)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	move(t, disk, journal.Options{})
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 2<<20 {
		t.Errorf("%d bytes were allocated", allocated)
	}
}

func TestWhatIsNotAJournalIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		others := []string{"journal-1", "journal-000000000001.txt", "journal-x", "notes", "checkpoint-000000000001x", "journal-"}
		for _, name := range others {
			disk.put(name, []byte("mine"))
		}
		h := move(t, disk, journal.Options{})
		end := h.run()
		h.raise("a")
		if err := end(); err != nil {
			t.Fatal(err)
		}
		for _, name := range others {
			if string(disk.read(name)) != "mine" {
				t.Errorf("%s has changed", name)
			}
		}
	})
}

func TestAFileThatCannotBeReadStopsTheStart(t *testing.T) {
	disk, _ := killedHouse(t)
	j, err := journal.OpenOn(unreadable{disk}, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Replay(func(byte, *journal.Reader) {}); err == nil || !strings.Contains(err.Error(), fs.ErrPermission.Error()) {
		t.Errorf("replayed with %v", err)
	}
}

type unreadable struct{ *memory }

func (unreadable) Open(string) (journal.Readable, int64, error) { return nil, 0, fs.ErrPermission }

func TestAJournalOfANewerProgramStopsTheStart(t *testing.T) {
	disk, _ := killedHouse(t)
	disk.put(newest, journal.HeadOfVersion(2, 4))
	j, err := journal.OpenOn(disk, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Replay(func(byte, *journal.Reader) {}); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("replayed with %v", err)
	}
}
