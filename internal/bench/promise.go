package main

import "fmt"

// promise is what the hub has to reach in one figure.
type promise struct {
	kind  kind
	limit float64
}

// kind is how a figure is compared: by itself, or as a ratio to the first other broker's.
type kind int

const (
	none kind = iota
	atMost
	atLeast
	less
	ratioAtMost
	ratioAtLeast
	ratioLess
)

// String spells the promise as the table has it.
func (p promise) String() string {
	switch p.kind {
	case atMost:
		return fmt.Sprintf("≤ %g", p.limit)
	case atLeast:
		return fmt.Sprintf("≥ %g", p.limit)
	case less:
		return fmt.Sprintf("< %g", p.limit)
	case ratioAtMost:
		return fmt.Sprintf("≤ %g ×", p.limit)
	case ratioAtLeast:
		return fmt.Sprintf("≥ %g ×", p.limit)
	case ratioLess:
		return fmt.Sprintf("< %g ×", p.limit)
	}
	return ""
}

// relative says whether another broker's figure is needed.
func (p promise) relative() bool { return p.kind >= ratioAtMost }

// met compares the hub's figure, or the ratio if the promise is about one.
func (p promise) met(value float64) bool {
	switch p.kind {
	case atMost, ratioAtMost:
		return value <= p.limit
	case atLeast, ratioAtLeast:
		return value >= p.limit
	case less, ratioLess:
		return value < p.limit
	}
	return true
}
