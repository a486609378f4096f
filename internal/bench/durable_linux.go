package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"home.arpa/homehub/internal/bench/load"
)

// durabilityKey is the key of the configuration that switches the syncs before acknowledgements off.
const durabilityKey = "durability.mode"

// durable measures acknowledgements that wait for the disk: how many share a sync, and what waiting costs.
func durable(ctx context.Context, s *stand) (figures, error) {
	traffic := load.Traffic{
		Shape: load.Pairs, Publishers: 50, QoS: 1, Window: 20, Persistent: true,
		Warmup: s.bench.warmup, Duration: s.bench.measured,
	}
	f, strict, err := s.acknowledgements(ctx, traffic)
	if err != nil {
		return nil, err
	}
	_, relaxed, err := s.acknowledgements(ctx, traffic, setting{durabilityKey, "relaxed"})
	if err != nil {
		return nil, err
	}
	f[strictRate], f[relaxedRate], f[strictPart] = strict, relaxed, strict/relaxed
	if f[syncTakes], err = syncTime(s.folder); err != nil {
		return nil, err
	}
	f[acksPerSync], err = s.acknowledgementsPerSync(ctx, traffic)
	return f, err
}

// syncTime is how long a sync takes at present, in microseconds: what others write to the same disk decides about durable
// acknowledgements as well.
func syncTime(folder string) (float64, error) {
	file, err := os.CreateTemp(folder, "sync-")
	if err != nil {
		return 0, fmt.Errorf("trying a sync: %w", err)
	}
	defer file.Close()
	var all []figures
	for range 20 {
		if _, err := file.Write(make([]byte, 16<<10)); err != nil {
			return 0, fmt.Errorf("trying a sync: %w", err)
		}
		begun := time.Now()
		if err := syscall.Fdatasync(int(file.Fd())); err != nil {
			return 0, fmt.Errorf("trying a sync: %w", err)
		}
		all = append(all, figures{syncTakes: microseconds(time.Since(begun))})
	}
	took, _ := median(all, syncTakes)
	return took, nil
}

// acknowledgements is how many the publishers got in a second, from a hub with empty folders.
func (s *stand) acknowledgements(ctx context.Context, t load.Traffic, settings ...setting) (figures, float64, error) {
	p, err := s.start(ctx, settings...)
	if err != nil {
		return nil, 0, err
	}
	flow, err := t.Run(ctx, p.broker())
	if err != nil {
		return nil, 0, err
	}
	p.stop()
	if err := os.RemoveAll(s.data()); err != nil {
		return nil, 0, fmt.Errorf("clearing the hub's folder: %w", err)
	}
	return flowFigures(flow), float64(flow.Acknowledged) / flow.Wall.Seconds(), nil
}

// acknowledgementsPerSync divides by the syncs that the hub counts. strace, if it is installed, watches whether they are real, which
// slows them down, but not what happens between them.
func (s *stand) acknowledgementsPerSync(ctx context.Context, t load.Traffic) (float64, error) {
	strace, traced := find("strace")
	var under []string
	calls := filepath.Join(s.folder, "calls")
	if traced {
		under = []string{strace, "--follow-forks", "--seccomp-bpf", "--summary-only", "--trace=fdatasync,fsync", "--output=" + calls}
	}
	p, err := s.startUnder(ctx, under)
	if err != nil {
		return 0, err
	}
	if traced {
		if p.pid, err = child(p.pid); err != nil {
			return 0, err
		}
	}
	before, err := syncsOf(ctx, p.web)
	if err != nil {
		return 0, err
	}
	flow, err := t.Run(ctx, p.broker())
	if err != nil {
		return 0, err
	}
	after, err := syncsOf(ctx, p.web)
	if err != nil {
		return 0, err
	}
	if p.stop(); traced {
		data, err := os.ReadFile(calls)
		if err != nil {
			return 0, fmt.Errorf("reading strace's summary: %w", err)
		}
		if n, err := sumCalls(string(data)); err != nil {
			return 0, err
		} else if float64(n) < after-before {
			return 0, fmt.Errorf("counting syncs: the hub says %.0f, and made %d system calls", after-before, n)
		}
	}
	if after == before {
		return 0, errors.New("counting syncs: there were none")
	}
	return float64(flow.Total) / (after - before), nil // the warm-up was synced, too
}

// child is the only child of a process.
func child(pid int) (int, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, fmt.Errorf("looking for the traced process: %w", err)
	}
	fields := strings.Fields(string(data))
	if len(fields) != 1 {
		return 0, fmt.Errorf("looking for the traced process: there are %d", len(fields))
	}
	return strconv.Atoi(fields[0])
}

// counter is a line of the hub's metrics that counts the journal's syncs.
var counter = regexp.MustCompile(`^homehub_\w*journal\w*syncs?_total(\{[^}]*\})? (\S+)`)

// syncsOf asks the hub how often it has synced its journal. It does not say before it has written anything.
func syncsOf(ctx context.Context, web string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+web+"/metrics", nil)
	if err != nil {
		return 0, fmt.Errorf("asking the hub for its metrics: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("asking the hub for its metrics: %w", err)
	}
	defer resp.Body.Close()
	return syncsIn(resp.Body)
}

func syncsIn(metrics io.Reader) (float64, error) {
	lines := bufio.NewScanner(metrics)
	for lines.Scan() {
		if m := counter.FindStringSubmatch(lines.Text()); m != nil {
			return strconv.ParseFloat(m[2], 64)
		}
	}
	return 0, lines.Err()
}
