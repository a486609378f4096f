package load

import (
	"slices"
	"time"
)

// Distribution is of a time that was measured for each message.
type Distribution struct {
	// Median, P99 and P999 are what half, 99 % and 99.9 % of the messages did not exceed; Greatest is the longest.
	Median, P99, P999, Greatest time.Duration
}

// distribution sorts its argument, in nanoseconds. That of nothing is zero.
func distribution(ns []int64) Distribution {
	if len(ns) == 0 {
		return Distribution{}
	}
	slices.Sort(ns)
	at := func(part float64) time.Duration {
		return time.Duration(ns[min(len(ns)-1, int(part*float64(len(ns))))])
	}
	return Distribution{Median: at(0.5), P99: at(0.99), P999: at(0.999), Greatest: time.Duration(ns[len(ns)-1])}
}
