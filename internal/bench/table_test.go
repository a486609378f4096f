package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestTheMedianIsTheMiddle(t *testing.T) {
	runs := func(values ...float64) (list []figures) {
		for _, v := range values {
			list = append(list, figures{perSecond: v})
		}
		return append(list, figures{peakMemory: 1}) // has no such figure
	}
	for _, c := range []struct {
		runs []figures
		want float64
		n    int
	}{
		{runs(), 0, 0},
		{runs(7), 7, 1},
		{runs(9, 1), 5, 2},
		{runs(9, 1, 2), 2, 3},
		{runs(4, 1, 9, 2), 3, 4},
	} {
		if got, n := median(c.runs, perSecond); got != c.want || n != c.n {
			t.Errorf("%v: %v of %d, want %v of %d", c.runs, got, n, c.want, c.n)
		}
	}
}

func TestPromisesAreComparedTheRightWay(t *testing.T) {
	for _, c := range []struct {
		promise
		text               string
		ratio              bool
		under, equal, over bool
	}{
		{promise{atMost, 2}, "≤ 2", false, true, true, false},
		{promise{atLeast, 2}, "≥ 2", false, false, true, true},
		{promise{less, 2}, "< 2", false, true, false, false},
		{promise{ratioAtMost, 2}, "≤ 2 ×", true, true, true, false},
		{promise{ratioAtLeast, 2}, "≥ 2 ×", true, false, true, true},
		{promise{ratioLess, 2}, "< 2 ×", true, true, false, false},
	} {
		if c.String() != c.text || c.relative() != c.ratio || c.met(1.99) != c.under || c.met(2) != c.equal || c.met(2.01) != c.over {
			t.Errorf("%s (relative: %v): %v %v %v", c.promise, c.promise.relative(), c.met(1.99), c.met(2), c.met(2.01))
		}
	}
}

// measuredRows is a result in which the hub costs the given part of the other broker's 10 µs.
func measuredRows(cost float64, lost float64) *results {
	r := newResults("Other 1.0", "the hub", "Other 1.0", "Third 2.0")
	for _, b := range r.brokers {
		f := figures{cpuPerMessage: 10, lostMessages: 0}
		if b == "the hub" {
			f = figures{cpuPerMessage: cost, lostMessages: lost}
		}
		r.add("p2p-q0", b, f)
	}
	return r
}

func verdictOf(t *testing.T, r *results, name string) string {
	t.Helper()
	i := slices.IndexFunc(rows, func(row row) bool { return row.of == name })
	if i < 0 {
		t.Fatalf("there is no row of %s", name)
	}
	return r.verdict(rows[i])
}

func TestTheVerdictIsAboutTheRatio(t *testing.T) {
	for _, c := range []struct {
		r    *results
		want string
	}{
		{measuredRows(1.2, 0), "met"},
		{measuredRows(1.3, 0), "**not met**"},
		{measuredRows(0.1, 3), "**not met**"}, // messages were lost
		{newResults("", "the hub"), "not measured"},
	} {
		if got := verdictOf(t, c.r, "p2p-q0"); got != c.want || c.r.kept() != (c.want != "**not met**") {
			t.Errorf("%+v: %s, kept: %v", c.r.runs, got, c.r.kept())
		}
	}
	alone := newResults("", "the hub")
	alone.add("p2p-q0", "the hub", figures{cpuPerMessage: 1})
	alone.brokers = append(alone.brokers, "the other hub")
	alone.add("p2p-q0", "the other hub", figures{cpuPerMessage: 1})
	if got := verdictOf(t, alone, "p2p-q0"); got != "not measured" {
		t.Errorf("without another broker: %s", got)
	}
}

func TestTheTableSaysWhatWasMeasured(t *testing.T) {
	r := measuredRows(1.2, 2)
	r.add("p2p-q0", "Other 1.0", figures{cpuPerMessage: 10, generatorShare: 99})
	r.add("p2p-q0", "Other 1.0", figures{cpuPerMessage: 99, othersShare: 50}) // disturbed, and there are others
	r.add("restart", "the hub", figures{readyAfter: 1.5, othersShare: 50})
	r.add("disk", "the hub", figures{writtenHourly: 12.34})
	r.fail("restart", "the hub", errors.New("it did not come back"))
	var out strings.Builder
	r.write(&out)
	for _, line := range []string{
		"| what | figure | the hub | Other 1.0 | ratio | Third 2.0 | promise | |",
		"| p2p QoS 0 | broker CPU per delivered message, µs | 1.20 | 10.00 | 0.12 × | 10.00 (0.12 ×) | ≤ 0.12 × | **not met** |",
		"| 100 sensors, a retained QoS 0 value each second | written to disk in an hour, MB | 12.3 | – | – | – | < 25 | met |",
		"- p2p-q0, the hub: 2 messages were lost or came twice",
		"- p2p-q0, Other 1.0: the generator was the limit (99 % of its processor): messages per second are a lower bound",
		"| 10,000 queued and 20,000 retained messages | ready after kill -9, s | 1.50 | – | – | – | < 1 | **not met** |",
		"- other processes were busy in all runs of (median, of one processor): restart, the hub (50 %)",
		"- restart, the hub: it did not come back",
	} {
		if !slices.Contains(strings.Split(out.String(), "\n"), line) {
			t.Errorf("the line is missing: %s", line)
		}
	}
	if strings.Contains(out.String(), "fan-in") || t.Failed() {
		t.Error(out.String())
	}
	if missing := r.missing(); !strings.Contains(missing, "fanin-q0") || strings.Contains(missing, "p2p-q0") {
		t.Errorf("missing: %s", missing)
	}
}

func TestStracesSummaryIsAddedUp(t *testing.T) {
	const summary = `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 97.20    0.012345          65       190           fdatasync
  2.80    0.000355          71         5         1 fsync
------ ----------- ----------- --------- --------- ----------------
100.00    0.012700          65       195         1 total
`
	if n, err := sumCalls(summary); err != nil || n != 195 {
		t.Errorf("got %d, %v", n, err)
	}
	if n, err := sumCalls(""); err != nil || n != 0 {
		t.Errorf("of nothing: %d, %v", n, err)
	}
	if _, err := sumCalls(strings.ReplaceAll(summary, "190", "19x")); err == nil {
		t.Error("a number that is none was read")
	}
}

func TestEveryRowHasItsCase(t *testing.T) {
	for _, row := range append(slices.Clone(rows), details...) {
		if row.title == "" || row.figure == "" || row.of == "" {
			t.Errorf("a row is not filled in: %+v", row)
		}
	}
	for _, row := range rows {
		if row.kind == none {
			t.Errorf("nothing is promised of %s", row.of)
		}
	}
}
