package logqueue_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/internal/logqueue"
)

// reader is where a log goes: it takes a piece whenever somebody lets it.
type reader struct {
	lets chan struct{} // closed: it takes everything at once

	mu     sync.Mutex
	pieces []string
	err    error
}

func (r *reader) Write(b []byte) (int, error) {
	<-r.lets
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pieces = append(r.pieces, string(b))
	return len(b), r.err
}

func (r *reader) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.pieces, "")
}

func (r *reader) lines() []string { return strings.Split(strings.TrimSuffix(r.said(), "\n"), "\n") }

func asText(to io.Writer) slog.Handler {
	return slog.NewTextHandler(to, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
}

func start(to io.Writer) (*logqueue.Queue, *slog.Logger) {
	q := logqueue.Start(to, asText)
	return q, slog.New(q.Handler())
}

func eager() *reader {
	r := &reader{lets: make(chan struct{})}
	close(r.lets)
	return r
}

// What many have logged is all there in the end, what each of them logged in its order.
func TestEveryLineIsWrittenInOrder(t *testing.T) {
	r := eager()
	q, log := start(r)
	var all sync.WaitGroup
	const writers, lines = 8, 300
	for writer := range writers {
		all.Go(func() {
			for n := range lines {
				log.Info("line", "writer", writer, "n", n)
			}
		})
	}
	all.Wait()
	q.Close()
	next := map[int]int{}
	for _, line := range r.lines() {
		var writer, n int
		if _, err := fmt.Sscanf(line, "level=INFO msg=line writer=%d n=%d", &writer, &n); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if n != next[writer] {
			t.Fatalf("writer %d: line %d instead of %d", writer, n, next[writer])
		}
		next[writer]++
	}
	for writer := range writers {
		if next[writer] != lines {
			t.Errorf("writer %d has %d lines", writer, next[writer])
		}
	}
}

// Nobody waits for a reader that has stopped reading. What it has missed stands in the log as a number, in its place.
func TestAReaderThatHangsHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{lets: make(chan struct{})}
		q, log := start(r)
		const lines = 50_000
		for n := range lines {
			log.Info("line", "n", n) // would be a deadlock, which ends the test
		}
		close(r.lets)
		synctest.Wait()
		log.Info("line", "n", lines)
		q.Close()
		next, missing := 0, 0
		for _, line := range r.lines() {
			var n int
			if _, err := fmt.Sscanf(line, `level=WARN msg="lines of the log are missing here: nobody took them" lines=%d`, &n); err == nil {
				next, missing = next+n, missing+1
				continue
			}
			if _, err := fmt.Sscanf(line, "level=INFO msg=line n=%d", &n); err != nil || n != next {
				t.Fatalf("%q instead of line %d: %v", line, next, err)
			}
			next++
		}
		if next != lines+1 || missing != 1 {
			t.Errorf("%d lines are there or counted, of %d; lines were missing in %d places", next, lines+1, missing)
		}
		if size := len(r.said()); size < 1<<20-100 || size > 1<<20+1000 {
			t.Errorf("%d bytes were kept", size)
		}
	})
}

// A reader that is slow gets all, if it is not too much; the end of the program waits for it.
func TestTheEndWaitsForASlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{lets: make(chan struct{})}
		q, log := start(r)
		const lines = 2000
		for n := range lines {
			log.Info("line", "n", n)
		}
		go func() {
			defer close(r.lets)
			for range 10 {
				time.Sleep(1500 * time.Millisecond)
				r.lets <- struct{}{}
			}
		}()
		q.Close()
		if got := len(r.lines()); got != lines {
			t.Errorf("%d lines, not %d", got, lines)
		}
	})
}

// A reader that takes nothing holds up the end only for a moment.
func TestTheEndDoesNotWaitForAReaderThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{lets: make(chan struct{})}
		q, log := start(r)
		log.Error("the last")
		begin := time.Now()
		q.Close()
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
		close(r.lets)
	})
}

func TestAnEndWithoutLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := eager()
		q, _ := start(r)
		begin := time.Now()
		q.Close()
		q.Close()
		if took := time.Since(begin); took > 0 || r.said() != "" {
			t.Errorf("after %s the log says %q", took, r.said())
		}
	})
}

// Lines are written in pieces that a pipe takes as a whole; only a longer line is a piece of its own.
func TestPiecesAreWholeLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{lets: make(chan struct{})}
		q, log := start(r)
		for _, size := range []int{10, 3000, 500, 500, 9000, 20, 4000, 4090, 5, 70_000, 1} {
			log.Info("line", "text", strings.Repeat("x", size))
		}
		close(r.lets)
		q.Close()
		for _, piece := range r.pieces {
			if !strings.HasSuffix(piece, "\n") || len(piece) > 4096 && strings.Count(piece, "\n") > 1 {
				t.Errorf("a piece of %d bytes with %d lines, which ends with %q", len(piece), strings.Count(piece, "\n"), piece[max(0, len(piece)-5):])
			}
		}
		if got := len(r.lines()); got != 11 || len(r.pieces) > 9 {
			t.Errorf("%d lines in %d pieces", got, len(r.pieces))
		}
	})
}

// A log that cannot be written does not end the program, and what is logged after the end is not kept back.
func TestLinesAfterAnErrorAndAfterTheEnd(t *testing.T) {
	r := eager()
	r.err = errors.New("no space left")
	q, log := start(r)
	log.Info("one")
	q.Close()
	log.Info("two")
	if want := "level=INFO msg=one\nlevel=INFO msg=two\n"; r.said() != want {
		t.Errorf("the log is %q, not %q", r.said(), want)
	}
}

// A line that is longer than all the room there is gets through when nothing else waits.
func TestALineLongerThanTheQueue(t *testing.T) {
	r := eager()
	q, log := start(r)
	log.Info("line", "text", strings.Repeat("x", 2<<20))
	q.Close()
	if !bytes.Contains([]byte(r.said()), bytes.Repeat([]byte("x"), 2<<20)) {
		t.Errorf("the log has %d bytes", len(r.said()))
	}
}
