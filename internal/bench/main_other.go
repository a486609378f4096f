//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: it measures by what Linux tells of a process; on this system there is nothing that it could do")
	os.Exit(1)
}
