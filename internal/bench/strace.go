package main

import (
	"fmt"
	"strconv"
	"strings"
)

// sumCalls adds up the calls in a summary of strace, whose fourth column they are.
func sumCalls(summary string) (n int, err error) {
	for line := range strings.Lines(summary) {
		fields := strings.Fields(line)
		if len(fields) < 5 || !strings.Contains(fields[0], ".") || fields[len(fields)-1] == "total" {
			continue // a heading, a rule or the sum
		}
		calls, err := strconv.Atoi(fields[3])
		if err != nil {
			return 0, fmt.Errorf("reading strace's summary: %w", err)
		}
		n += calls
	}
	return n, nil
}
