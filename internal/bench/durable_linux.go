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
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/internal/bench/load"
	"home.arpa/homehub/internal/config"
)

// durabilityKey is the key of the configuration that switches the syncs before acknowledgements off.
const durabilityKey = "durability.mode"

// durable measures acknowledgements that wait for the disk: how many share a sync, and what waiting costs.
func durable(ctx context.Context, s *stand) (figures, error) {
	if !slices.Contains(config.Names(), durabilityKey) {
		return nil, errors.New("this hub has no " + durabilityKey)
	}
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
	n, err := s.acknowledgementsPerSync(ctx, traffic)
	switch {
	case errors.Is(err, errNoCounter):
	case err != nil:
		return nil, err
	default:
		f[acksPerSync] = n
	}
	return f, nil
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

// errNoCounter: nobody counts the syncs.
var errNoCounter = errors.New("strace is not installed, and the hub does not count its syncs")

// acknowledgementsPerSync counts the system calls with strace, which slows them down but not what happens between them; without it
// the hub's own count is taken. The warm-up counts, too.
func (s *stand) acknowledgementsPerSync(ctx context.Context, t load.Traffic) (float64, error) {
	strace, traced := find("strace")
	var under []string
	counts := filepath.Join(s.folder, "syncs")
	if traced {
		under = []string{strace, "--follow-forks", "--seccomp-bpf", "--summary-only", "--trace=fdatasync,fsync,sync_file_range,syncfs", "--output=" + counts}
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
	if err != nil && !traced {
		return 0, err
	}
	flow, err := t.Run(ctx, p.broker())
	if err != nil {
		return 0, err
	}
	if !traced {
		after, err := syncsOf(ctx, p.web)
		if err != nil {
			return 0, err
		}
		return float64(flow.Total) / max(1, after-before), nil
	}
	p.stop()
	calls, err := countCalls(counts)
	if err != nil {
		return 0, err
	}
	return float64(flow.Total) / max(1, float64(calls)), nil
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

// countCalls adds up the calls in strace's summary, whose fourth column they are.
func countCalls(path string) (n int, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("reading strace's summary: %w", err)
	}
	return sumCalls(string(data))
}

// counter is a line of the hub's metrics that counts the journal's syncs.
var counter = regexp.MustCompile(`^homehub_\w*journal\w*syncs?_total(\{[^}]*\})? (\S+)`)

// syncsOf asks the hub how often it has synced its journal.
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
	return 0, errors.Join(errNoCounter, lines.Err())
}
