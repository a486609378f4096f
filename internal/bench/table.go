package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// results are all runs, by case and broker, and what went wrong.
type results struct {
	brokers []string // the hub first
	base    string   // the broker that promised ratios are taken to, empty without one
	runs    map[string]map[string][]figures
	failed  []string
}

func newResults(base string, brokers ...string) *results {
	return &results{brokers: brokers, base: base, runs: map[string]map[string][]figures{}}
}

func (r *results) add(name, broker string, f figures) {
	if r.runs[name] == nil {
		r.runs[name] = map[string][]figures{}
	}
	r.runs[name][broker] = append(r.runs[name][broker], f)
}

func (r *results) fail(name, broker string, err error) {
	r.failed = append(r.failed, fmt.Sprintf("%s, %s: %v", name, broker, err))
}

// ratio is the hub's figure as a part of another broker's. ok is false when one of them was not measured or is 0.
func (r *results) ratio(row row, other string) (value float64, ok bool) {
	hub, n := median(r.runs[row.of][r.brokers[0]], row.figure)
	base, m := median(r.runs[row.of][other], row.figure)
	if n == 0 || m == 0 || base == 0 {
		return 0, false
	}
	return hub / base, true
}

// verdict says whether a promise was met, in words.
func (r *results) verdict(row row) string {
	value, n := median(r.runs[row.of][r.brokers[0]], row.figure)
	measured := n > 0
	if row.relative() {
		value, measured = r.ratio(row, r.base)
	}
	lost, _ := median(r.runs[row.of][r.brokers[0]], lostMessages)
	switch {
	case !measured:
		return "not measured"
	case lost > 0: // however fast
		return "**not met**"
	case row.met(value):
		return "met"
	}
	return "**not met**"
}

// kept says whether all promises that were measured are met.
func (r *results) kept() bool {
	return !slices.ContainsFunc(rows, func(row row) bool { return r.verdict(row) == "**not met**" })
}

// write prints the tables as markdown.
func (r *results) write(w io.Writer) {
	r.table(w, "What is promised", rows, true)
	r.table(w, "More figures", details, false)
	r.remarks(w)
}

func (r *results) table(w io.Writer, title string, rows []row, promises bool) {
	rows = slices.DeleteFunc(slices.Clone(rows), func(row row) bool { return len(r.runs[row.of]) == 0 })
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n### %s\n\n| what | figure |", title)
	rule := "|---|---|"
	for _, b := range r.brokers {
		fmt.Fprintf(w, " %s |", b)
		rule += "---:|"
		if b == r.base {
			fmt.Fprint(w, " ratio |")
			rule += "---:|"
		}
	}
	if promises {
		fmt.Fprint(w, " promise | |")
		rule += "---|---|"
	}
	fmt.Fprintf(w, "\n%s\n", rule)
	for _, row := range rows {
		r.line(w, row, promises)
	}
}

func (r *results) line(w io.Writer, row row, promises bool) {
	fmt.Fprintf(w, "| %s | %s |", row.title, row.figure)
	for i, b := range r.brokers {
		value, n := median(r.runs[row.of][b], row.figure)
		ratio, ok := r.ratio(row, b)
		switch {
		case n == 0:
			fmt.Fprint(w, " – |")
		case i > 0 && b != r.base && ok:
			fmt.Fprintf(w, " %.*f (%.2f ×) |", row.digits, value, ratio)
		default:
			fmt.Fprintf(w, " %.*f |", row.digits, value)
		}
		switch {
		case b != r.base:
		case ok:
			fmt.Fprintf(w, " %.2f × |", ratio)
		default:
			fmt.Fprint(w, " – |")
		}
	}
	if promises {
		fmt.Fprintf(w, " %s | %s |", row.promise, r.verdict(row))
	}
	fmt.Fprintln(w)
}

// remarks tell what makes a figure doubtful: losses, a generator at its limit, other busy processes, failures.
func (r *results) remarks(w io.Writer) {
	var list, busy []string
	for _, name := range slices.Sorted(maps.Keys(r.runs)) {
		for _, b := range r.brokers {
			runs := r.runs[name][b]
			if lost, _ := median(runs, lostMessages); lost > 0 {
				list = append(list, fmt.Sprintf("%s, %s: %.0f messages were lost or came twice", name, b, lost))
			}
			if share, _ := median(runs, generatorShare); share >= 95 {
				list = append(list, fmt.Sprintf("%s, %s: the generator was the limit (%.0f %% of its processor): messages per second are a lower bound", name, b, share))
			}
			if len(runs) > 0 && !slices.ContainsFunc(runs, func(f figures) bool { return !f.disturbed() }) {
				share, _ := median(runs, othersShare)
				busy = append(busy, fmt.Sprintf("%s, %s (%.0f %%)", name, b, share))
			}
		}
	}
	if len(busy) > 0 {
		list = append(list, "other processes were busy in all runs of (median, of one processor): "+strings.Join(busy, "; "))
	}
	list = append(list, r.failed...)
	if len(list) == 0 {
		return
	}
	fmt.Fprint(w, "\n### Remarks\n\n")
	for _, remark := range list {
		fmt.Fprintf(w, "- %s\n", remark)
	}
}

// missing lists the rows that nothing was measured for, for whoever reads the log.
func (r *results) missing() string {
	var list []string
	for _, row := range rows {
		if r.verdict(row) == "not measured" {
			list = append(list, fmt.Sprintf("%s (%s)", row.of, row.figure))
		}
	}
	return strings.Join(list, ", ")
}
