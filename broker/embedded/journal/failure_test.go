package journal_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/embedded/journal"
)

// broken says that everything of a kind fails, on files whose name begins like this.
func broken(what, name string) func(string, string) error {
	return func(w, n string) error {
		if w == what && strings.HasPrefix(n, name) {
			return errDisk
		}
		return nil
	}
}

func TestAFailingDiskAndItsRecovery(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault func(what, name string) error
		room  int
		want  error
	}{
		{"a write fails in the middle", broken("write", "journal-"), -1, errDisk},
		{"a sync fails", broken("sync", "journal-"), -1, errDisk},
		{"the disk is full in the middle of a record", nil, 5, errFull},
		{"the disk is full", nil, 0, errFull},
		{"everything fails", func(string, string) error { return errDisk }, -1, errDisk},
		{"no new file can be made", func(what, name string) error {
			if what == "create" || what == "sync" {
				return errDisk
			}
			return nil
		}, -1, errDisk},
		{"the checkpoint that would recover fails", func(what, name string) error {
			if what == "sync" && name == "journal-000000000001" || what == "write" && strings.HasPrefix(name, "checkpoint-") {
				return errDisk
			}
			return nil
		}, -1, errDisk},
		{"the folder cannot be synced", func(what, name string) error {
			if what == "syncfolder" || what == "sync" && name == "journal-000000000001" {
				return errDisk
			}
			return nil
		}, -1, errDisk},
		{"the checkpoint cannot be renamed", func(what, name string) error {
			if what == "rename" || what == "sync" && name == "journal-000000000001" {
				return errDisk
			}
			return nil
		}, -1, errDisk},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				disk := newMemory()
				h := move(t, disk, journal.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
				end := h.run()
				p, _ := h.raise("a")
				if err := h.wait(p); err != nil || h.j.Err() != nil {
					t.Fatal(err, h.j.Err())
				}
				broke := time.Now()
				disk.fail(test.fault)
				disk.fill(test.room)
				lost, _ := h.raise("b")
				if err := h.wait(lost); !errors.Is(err, test.want) {
					t.Fatalf("told %v, not %v", err, test.want)
				}
				if h.j.Durable() != p || !errors.Is(h.j.Err(), test.want) {
					t.Errorf("durable up to %d, which should be %d; %v", h.j.Durable(), p, h.j.Err())
				}
				// Nobody waits behind a broken disk, however much is appended.
				h.ballast = make([]byte, journal.MaxBuffer/2)
				for range 10 {
					h.raise("c")
				}
				h.ballast = nil
				// Those who come meanwhile are told by the next attempt, in 1 s, then 2, 4, 8, 10.
				for _, pause := range []time.Duration{1, 2, 4, 8, 10, 10} {
					p, _ := h.raise("d")
					if err := h.wait(p); !errors.Is(err, test.want) {
						t.Fatalf("told %v", err)
					}
					if d := time.Since(broke); d != pause*time.Second {
						t.Errorf("told after %s, not %d s", d, pause)
					}
					broke = time.Now()
				}
				if n := move(t, disk.killed(), journal.Options{}).steps(h.history); n < 1 {
					t.Error("what was durable before is not there")
				}

				disk.fail(nil)
				disk.fill(-1)
				late, _ := h.raise("e")
				if err := h.wait(late); err != nil {
					t.Fatal(err)
				}
				if h.j.Err() != nil || h.j.Durable() < late {
					t.Errorf("%v, durable up to %d", h.j.Err(), h.j.Durable())
				}
				again := move(t, disk.killed(), journal.Options{})
				if n := again.steps(h.history); n != len(h.history) || len(again.report.Damaged) > 0 {
					t.Errorf("%d steps of %d, %q", n, len(h.history), again.report.Damaged)
				}
				for _, what := range []string{"level=ERROR", "level=INFO"} {
					if n := strings.Count(log.String(), what); n != 1 {
						t.Errorf("%s %d times in\n%s", what, n, &log)
					}
				}
				// And life goes on.
				p, _ = h.raise("f")
				if err := h.wait(p); err != nil {
					t.Error(err)
				}
				if n := move(t, disk.killed(), journal.Options{}).steps(h.history); n != len(h.history) {
					t.Errorf("%d steps of %d", n, len(h.history))
				}
				if err := end(); err != nil {
					t.Error(err)
				}
				if n := move(t, disk, journal.Options{}).steps(h.history); n != len(h.history) {
					t.Errorf("%d steps of %d", n, len(h.history))
				}
			})
		})
	}
}

// A system may report a failed sync once and pretend afterwards that all is well. The file is not synced a second time.
func TestAFailedSyncIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{})
		end := h.run()
		synctest.Wait()
		disk.fail(broken("sync", "journal-000000000001"))
		p, _ := h.raise("a")
		if err := h.wait(p); !errors.Is(err, errDisk) {
			t.Fatal(err)
		}
		tried := disk.count("sync journal-000000000001")
		disk.fail(nil)
		time.Sleep(time.Minute)
		if n := disk.count("sync journal-000000000001") - tried; n > 0 {
			t.Errorf("it was synced %d times more", n)
		}
		if err := h.wait(p); err != nil {
			t.Error(err)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// Until the checkpoint of a recovery is on disk nothing new is durable, and a crash gives what was there before the failure.
func TestARecoveryIsWorthNothingBeforeItsCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{})
		h.slow = 10 * time.Second
		end := h.run()
		p, _ := h.raise("a")
		if err := h.wait(p); err != nil {
			t.Fatal(err)
		}
		disk.fail(broken("write", "journal-"))
		p, _ = h.raise("b")
		if err := h.wait(p); err == nil {
			t.Fatal("it was written")
		}
		disk.fail(nil)
		time.Sleep(2 * time.Second) // the recovery has begun
		p, _ = h.raise("c")
		c := make(told, 1)
		h.j.Wait(p, c)
		time.Sleep(5 * time.Second) // c is written to the new segment
		synctest.Wait()
		if len(c) > 0 || h.j.Durable() >= p || h.j.Err() == nil {
			t.Errorf("durable up to %d before the checkpoint is; %v", h.j.Durable(), h.j.Err())
		}
		dead := disk.killed()
		if data := dead.read("journal-000000000002"); !bytes.Contains(data, []byte("c")) {
			t.Fatalf("c is not in %q", data)
		}
		crashed := move(t, dead, journal.Options{})
		if n := crashed.steps(h.history); n != 1 || len(crashed.report.Damaged) > 0 {
			t.Errorf("%d steps, %q", n, crashed.report.Damaged)
		}
		stop := crashed.run() // which keeps what there was
		crashed.history = slices.Clone(h.history[:1])
		crashed.raise("z")
		if err := stop(); err != nil {
			t.Error(err)
		}
		if n := move(t, dead, journal.Options{}).steps(crashed.history); n != 2 {
			t.Errorf("%d steps in the life after", n)
		}
		if err := <-c; err != nil {
			t.Error(err)
		}
		if n := move(t, disk.killed(), journal.Options{}).steps(h.history); n != 3 {
			t.Errorf("%d steps after the recovery", n)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// A recovery that fails at its very end has made nothing durable either.
func TestARecoveryThatFailsAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{})
		h.slow = 10 * time.Second
		end := h.run()
		synctest.Wait()
		disk.fail(broken("write", "journal-"))
		p, _ := h.raise("a")
		if err := h.wait(p); err == nil {
			t.Fatal("it was written")
		}
		disk.fail(broken("rename", ""))
		time.Sleep(5 * time.Second) // the recovery has begun
		p, _ = h.raise("b")
		if err := h.wait(p); !errors.Is(err, errDisk) || h.j.Durable() > 0 {
			t.Errorf("told %v, durable up to %d", err, h.j.Durable())
		}
		disk.fail(nil)
		if err := h.wait(p); err != nil {
			t.Error(err)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// The checkpoint of a recovery has got its name, and the folder cannot be synced. Whether the checkpoint is there after a crash
// nobody knows; if it is, what was appended while it was written must be there too.
func TestARecoveryOfWhichNobodyKnowsWhetherItFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{})
		h.slow = 10 * time.Second
		end := h.run()
		synctest.Wait()
		disk.fail(broken("write", "journal-"))
		for _, name := range []string{"a", "b", "c"} {
			h.raise(name)
		}
		time.Sleep(time.Second)
		renamed := false
		disk.fail(func(what, _ string) error {
			renamed = renamed || what == "rename"
			if renamed && what == "syncfolder" {
				return errDisk
			}
			return nil
		})
		time.Sleep(5 * time.Second) // a is in the checkpoint, b and c are not
		for _, name := range []string{"a", "b", "c"} {
			h.raise(name)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if !renamed || h.j.Err() == nil {
			t.Fatal("it did not fail as it should")
		}
		if n := move(t, disk.killed(), journal.Options{}).steps(h.history); n != 6 {
			t.Errorf("%d steps of 6", n)
		}
		disk.fail(nil)
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// Begin does not wait when the disk fails while the buffer is full.
func TestAFailureLetsThoseGoOnWhoWaitForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		disk.pause = time.Second
		h := move(t, disk, journal.Options{CheckpointAfter: 1 << 40})
		h.ballast = make([]byte, journal.MaxBuffer/2)
		end := h.run()
		time.Sleep(time.Minute)
		disk.fail(broken("sync", "journal-"))
		p, _ := h.raise("a")
		c := make(told, 1)
		h.j.Wait(p, c)
		start := time.Now()
		for range 10 {
			h.raise("a")
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("they waited for %s", d)
		}
		if err := <-c; !errors.Is(err, errDisk) {
			t.Error(err)
		}
		disk.fail(nil)
		if err := end(); err != nil {
			t.Error(err)
		}
		if n := move(t, disk, journal.Options{}).steps(h.history); n != 11 {
			t.Errorf("%d of 11 steps", n)
		}
	})
}

// When only the checkpoints fail, acknowledgements go on.
func TestACheckpointThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		disk := newMemory()
		h := move(t, disk, journal.Options{CheckpointAfter: 100, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		end := h.run()
		synctest.Wait()
		disk.fail(broken("write", "checkpoint-"))
		for range 100 {
			p, _ := h.raise("a")
			if err := h.wait(p); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		s := h.j.Stats()
		if h.j.Err() != nil || s.Checkpoints > 0 || s.FailedCheckpoints < 3 || s.FailedCheckpoints > 5 {
			t.Errorf("%v, %+v", h.j.Err(), s)
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 1 {
			t.Errorf("%d warnings:\n%s", n, &log)
		}
		if n := move(t, disk.killed(), journal.Options{}).steps(h.history); n != 100 {
			t.Errorf("%d of 100 steps", n)
		}
		disk.fail(nil)
		time.Sleep(5 * time.Minute)
		if s := h.j.Stats(); s.Checkpoints == 0 {
			t.Errorf("%+v", s)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		if len(disk.names()) != 1 {
			t.Errorf("%q", disk.names())
		}
	})
}

// Some systems tell only at the end that they could not write.
func TestAFileThatCannotBeClosed(t *testing.T) {
	for _, name := range []string{"journal-", "checkpoint-"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := newMemory()
				h := move(t, disk, journal.Options{CheckpointAfter: 100})
				h.ballast = make([]byte, 200)
				end := h.run()
				synctest.Wait()
				disk.fail(broken("close", name))
				h.raise("a")
				time.Sleep(500 * time.Millisecond) // the first attempt to recover comes later
				if s := h.j.Stats(); s.Checkpoints > 0 || s.FailedCheckpoints == 0 && h.j.Err() == nil {
					t.Errorf("%+v, %v", s, h.j.Err())
				}
				disk.fail(nil)
				time.Sleep(time.Minute)
				if s := h.j.Stats(); s.Checkpoints == 0 || h.j.Err() != nil {
					t.Errorf("it has not recovered: %+v, %v", s, h.j.Err())
				}
				if n := move(t, disk.killed(), journal.Options{}).steps(h.history); n != 1 {
					t.Errorf("%d of 1 steps", n)
				}
				if err := end(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestADiskThatFailsUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{})
		disk.fail(func(string, string) error { return errDisk })
		end := h.run()
		p, _ := h.raise("a")
		c := make(told, 1)
		synctest.Wait()
		h.j.Wait(p, c)
		if err := end(); !errors.Is(err, errDisk) {
			t.Errorf("Run ended with %v", err)
		}
		if err := <-c; !errors.Is(err, errDisk) {
			t.Errorf("told %v", err)
		}
	})
}

// What fails during the last write is saved by the last checkpoint, if that can be written.
func TestTheLastCheckpointSavesWhatCouldNotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		h := move(t, disk, journal.Options{})
		end := h.run()
		synctest.Wait()
		disk.fail(broken("sync", "journal-"))
		p, _ := h.raise("a")
		if err := end(); err != nil {
			t.Error(err)
		}
		if err := h.wait(p); err != nil || h.j.Err() != nil {
			t.Error(err, h.j.Err())
		}
		if n := move(t, disk, journal.Options{}).steps(h.history); n != 1 {
			t.Errorf("%d of 1 steps", n)
		}
	})
}

// Room waits, long before Begin does, until the disk has caught up, or for as long as its context lasts: whoever brings something new first.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemory()
		disk.pause = 3 * time.Second
		h := move(t, disk, journal.Options{CheckpointAfter: 1 << 40})
		end := h.run()
		defer end()
		if h.j.Crowded(journal.Fresh) || h.j.Room(t.Context(), journal.Fresh) != nil {
			t.Error("an idle journal has no room")
		}
		p, _ := h.raise("a")
		go func() { _ = h.wait(p) }()
		synctest.Wait() // the sync has begun
		h.ballast = make([]byte, journal.Fresh)
		h.raise("b")
		if !h.j.Crowded(journal.Fresh) || h.j.Crowded(journal.Pending) || h.j.Room(t.Context(), journal.Pending) != nil {
			t.Fatal("with 4 MiB only those should wait who bring something new")
		}
		h.raise("c")
		if !h.j.Crowded(journal.Pending) {
			t.Fatal("with 8 MiB all who ask should wait")
		}
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.j.Room(ctx, journal.Pending); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("Room returned %v after %v", err, time.Since(begin))
		}
		if err := h.j.Room(t.Context(), journal.Pending); err != nil || time.Since(begin) != 3*time.Second {
			t.Errorf("Room returned %v after %v, the sync takes 3 s", err, time.Since(begin))
		}
	})
}
