package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"home.arpa/homehub/internal/outage"
)

// The crash test kills the real program with SIGKILL, again and again, under load, and has witnesses judge what became of what it
// had acknowledged. CRASH_ROUNDS=50 makes it long: then it also waits for the wills of clients that never come back. CRASH_SEED=n
// repeats the choices of an earlier run.

const (
	shortRounds = 5
	// roundLimit bounds one round; reaching it is a failure, never a result.
	roundLimit = 4 * time.Minute
	// quiet is how long nothing may come until what has not come is lost.
	quiet = limit / 2
)

// crash is a way to die under load. It returns when the program has ended; what chance decides comes from the victim's seed.
type crash struct {
	name string
	kill func(t *testing.T, v *victim)
}

var crashes = []crash{
	{"under load", func(t *testing.T, v *victim) {
		v.awaitProgress(t)
		v.kill()
	}},
	{"while a checkpoint is written", func(t *testing.T, v *victim) {
		v.awaitCheckpoint(t)
		v.pause(5 * time.Millisecond)
		v.kill()
	}},
	{"while it stops", func(t *testing.T, v *victim) {
		v.awaitProgress(t)
		v.witnesses.Outage()
		v.process.Signal(syscall.SIGTERM)
		v.pause(60 * time.Millisecond)
		v.process.Kill()
	}},
	{"again and again while it starts", func(t *testing.T, v *victim) {
		v.awaitProgress(t)
		v.kill()
		for range 3 {
			v.start(t)
			v.pause(150 * time.Millisecond)
			v.kill()
		}
	}},
	{"right after the others are back", func(t *testing.T, v *victim) {
		v.awaitProgress(t)
		v.kill()
		v.start(t)
		v.until(t, "something is acknowledged", v.witnesses.Answered)
		v.pause(30 * time.Millisecond)
		v.kill()
	}},
}

func TestNothingAcknowledgedIsLostInACrash(t *testing.T) {
	rounds, stage := shortRounds, outage.AfterDelays
	if text := os.Getenv("CRASH_ROUNDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("CRASH_ROUNDS=%s is not a number of rounds", text)
		}
		rounds, stage = n, outage.AfterGrace
	}
	// 400 messages of this size, of which a part has no payload, are more than the journal holds before it writes a checkpoint.
	v := newVictim(t, t.TempDir(), outage.Options{Bulk: 64 << 10, Quiet: quiet})
	for round := range rounds {
		c := crashes[round%len(crashes)]
		name := fmt.Sprintf("round %d, %s", round+1, c.name)
		v.begin(t, name, 400)
		c.kill(t, v)
		v.start(t)
		v.settle(t, name)
	}
	verdict := v.finish(t, stage)
	if verdict.Received < verdict.Acknowledged || verdict.RetainedSeen == 0 || verdict.WillsPublished < 2*rounds || len(verdict.Back) < rounds {
		t.Error("the witnesses have not seen enough")
	}
}

// disk is one on which writing can be made to fail.
type disk struct {
	name string
	// prepare returns a folder on it, or skips the test.
	prepare func(t *testing.T) (folder string)
	// fail and mend begin and end the trouble.
	fail, mend func(t *testing.T, v *victim)
}

var disks = []disk{
	{
		name: "that is full",
		prepare: func(t *testing.T) string {
			folder := t.TempDir()
			if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", folder).CombinedOutput(); err != nil {
				t.Skipf("mounting a small file system: %v, %s", err, out)
			}
			t.Cleanup(func() {
				if out, err := exec.Command("umount", folder).CombinedOutput(); err != nil {
					t.Errorf("unmounting the small file system: %v, %s", err, out)
				}
			})
			return folder
		},
		fail: func(t *testing.T, v *victim) {
			ballast, err := os.Create(filepath.Join(v.folder, "ballast"))
			if err != nil {
				t.Fatal(err)
			}
			defer ballast.Close()
			for block := make([]byte, 4096); err == nil; {
				_, err = ballast.Write(block)
			}
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
		},
		mend: func(t *testing.T, v *victim) {
			if err := os.Remove(filepath.Join(v.folder, "ballast")); err != nil {
				t.Fatal(err)
			}
		},
	},
	{
		name: "that takes no byte",
		prepare: func(t *testing.T) string {
			if _, err := exec.LookPath("prlimit"); err != nil {
				t.Skip(err)
			}
			return t.TempDir()
		},
		fail: func(t *testing.T, v *victim) { limitFiles(t, v, "0:unlimited") },
		mend: func(t *testing.T, v *victim) { limitFiles(t, v, "unlimited:unlimited") },
	},
}

// limitFiles sets how long files may be that the program writes: beyond that its writes fail.
func limitFiles(t *testing.T, v *victim, limit string) {
	t.Helper()
	if out, err := exec.Command("prlimit", "--pid", strconv.Itoa(v.process.PID()), "--fsize="+limit).CombinedOutput(); err != nil {
		t.Fatalf("limiting the length of files: %v, %s", err, out)
	}
}

func TestNothingIsAcknowledgedOnADisk(t *testing.T) {
	for _, d := range disks {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, d.prepare(t), outage.Options{Pace: time.Millisecond, Quiet: quiet})
			v.begin(t, "the load", 3000)
			v.until(t, "some of it is acknowledged", func() bool { return v.witnesses.Acknowledged() > 500 })
			d.fail(t, v)
			v.until(t, "the hub says so", func() bool { return strings.Contains(v.said.String(), "cannot write the journal") })
			before := -1
			v.until(t, "what was acknowledged before has arrived", func() bool {
				was := before
				before = v.witnesses.Acknowledged()
				time.Sleep(300 * time.Millisecond)
				return was == before
			})
			time.Sleep(time.Second) // in which nothing may be acknowledged
			if now := v.witnesses.Acknowledged(); now != before {
				t.Errorf("%d messages were acknowledged meanwhile", now-before)
			}
			v.lives(t)
			d.mend(t, v)
			v.until(t, "the hub has recovered", func() bool { return strings.Contains(v.said.String(), "the journal can be written again") })
			v.until(t, "messages are acknowledged again", func() bool { return v.witnesses.Acknowledged() > before })
			v.witnesses.Stop()
			v.settle(t, "after the disk has recovered")

			v.begin(t, "the crash", 200)
			v.awaitProgress(t)
			v.kill()
			v.start(t)
			v.settle(t, "after the crash")
			v.finish(t, outage.AfterDelays)
		})
	}
}

// victim is the hub's program, which is killed and started again on the same folder and the same port, and the witnesses of that.
type victim struct {
	witnesses *outage.Witnesses
	program   outage.Program
	process   *outage.Process
	said      *record
	folder    string
	chance    *rand.Rand

	// When this round began:
	before, load int      // what had been acknowledged, and how much was to come
	checkpointed []string // the files with checkpoints
}

// publishers is how many publishers the witnesses have at least.
const publishers = 6

// newVictim starts the program and waits until the witnesses are at their places. Whatever happens, it ends with the test.
func newVictim(t *testing.T, folder string, o outage.Options) *victim {
	t.Helper()
	v := &victim{said: &record{}, folder: folder}
	seed := rand.Uint64()
	if text := os.Getenv("CRASH_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("CRASH_SEED=%s is not a number", text)
		}
	}
	v.chance = rand.New(rand.NewPCG(seed, 0))
	t.Logf("CRASH_SEED=%d makes the same choices", seed)

	address, err := outage.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	o.Address = address
	if v.witnesses, err = outage.New(o); err != nil {
		t.Fatal(err)
	}
	v.program = outage.Program{
		Path: ours("hub"), Args: []string{"serve", "--data-dir", folder, "--mqtt-listen", address, "--web-listen", "127.0.0.1:0"},
		Env: []string{"HOME=" + t.TempDir(), "GORACE=atexit_sleep_ms=0"}, Out: v.said,
	}
	v.start(t)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := v.witnesses.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		v.process.Kill()
		stop()
		<-ended
		if t.Failed() {
			t.Logf("the hub said:\n%s", v.said)
		}
	})
	v.step(t, "getting ready", v.witnesses.Ready)
	return v
}

// start starts the program, and does not wait until it is up.
func (v *victim) start(t *testing.T) {
	t.Helper()
	v.witnesses.Restarted()
	var err error
	if v.process, err = outage.Start(v.program); err != nil {
		t.Fatal(err)
	}
}

func (v *victim) kill() {
	v.witnesses.Outage()
	v.process.Kill()
}

// pause lets some time pass, as chance has it.
func (v *victim) pause(most time.Duration) { time.Sleep(time.Duration(v.chance.Int64N(int64(most)))) }

// lives fails the test when the program has ended by itself.
func (v *victim) lives(t *testing.T) {
	t.Helper()
	select {
	case <-v.process.Done():
		t.Fatalf("the hub ended by itself: %s", v.process.Ended())
	default:
	}
}

// until waits for something that has to happen while the program lives.
func (v *victim) until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !so(); time.Sleep(time.Millisecond) {
		v.lives(t)
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s; so far %s", what, limit, v.witnesses.Verdict(outage.Midway))
		}
	}
}

// awaitProgress waits until a part of the load has been acknowledged, as chance has it.
func (v *victim) awaitProgress(t *testing.T) {
	t.Helper()
	goal := v.before + v.chance.IntN(v.load)
	v.until(t, "the load makes progress", func() bool { return v.witnesses.Acknowledged() >= goal })
}

// awaitCheckpoint waits until the program begins a checkpoint, the first one in this round.
func (v *victim) awaitCheckpoint(t *testing.T) {
	t.Helper()
	v.until(t, "a checkpoint begins", func() bool {
		return slices.ContainsFunc(v.checkpoints(t), func(name string) bool { return !slices.Contains(v.checkpointed, name) })
	})
}

// checkpoints are the files with checkpoints, whole or not.
func (v *victim) checkpoints(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir(v.folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil && !os.IsNotExist(err) { // files come and go
			return err
		}
		if strings.HasPrefix(filepath.Base(path), "checkpoint-") {
			names = append(names, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// begin begins a round with count messages from each publisher.
func (v *victim) begin(t *testing.T, name string, count int) {
	t.Helper()
	v.before, v.load, v.checkpointed = v.witnesses.Acknowledged(), publishers*count, v.checkpoints(t)
	v.step(t, "beginning "+name, func(ctx context.Context) error { return v.witnesses.Begin(ctx, count) })
}

// settle waits until all is calm again, and fails the test if the witnesses have seen a violation.
func (v *victim) settle(t *testing.T, name string) {
	t.Helper()
	v.step(t, "settling "+name, v.witnesses.Settle)
	verdict := v.witnesses.Verdict(outage.Midway)
	if verdict.Violations() > 0 {
		t.Fatalf("%s: %s", name, verdict)
	}
	t.Logf("%s: %s", name, verdict)
}

// step does something with the witnesses that must not take for ever, while the program lives.
func (v *victim) step(t *testing.T, name string, do func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), roundLimit)
	defer cancel()
	process := v.process
	go func() {
		select {
		case <-process.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := do(ctx); err != nil {
		v.lives(t)
		t.Fatalf("%s: %v; so far %s", name, err, v.witnesses.Verdict(outage.Midway))
	}
}

// finish waits for the wills and gives the verdict.
func (v *victim) finish(t *testing.T, stage outage.Stage) outage.Verdict {
	t.Helper()
	v.step(t, "waiting for wills", func(ctx context.Context) error { return v.witnesses.Finish(ctx, stage) })
	verdict := v.witnesses.Verdict(stage)
	if verdict.Violations() > 0 {
		t.Errorf("in the end: %s", verdict)
	}
	t.Logf("in the end: %s", verdict)
	return verdict
}

// record keeps the last lines that a program has printed.
type record struct {
	mu   sync.Mutex
	text []byte
}

// Write is called by the goroutine that reads what the program prints.
func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	const most = 64 << 10
	r.text = append(r.text, b...)
	if len(r.text) > 2*most {
		r.text = slices.Clone(r.text[len(r.text)-most:])
	}
	return len(b), nil
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.text)
}
