//go:build race

package template_test

// raced says that the race detector is at work.
const raced = true
