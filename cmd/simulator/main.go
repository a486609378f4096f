// Command simulator is a pretend house: devices with physics, each a real MQTT 5 client, that publish their state to a
// broker and obey commands. Package simulator does the work.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// echo is how long after a signal another one counts as the same: some supervisors signal the program, and then its group.
const echo = time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() { time.AfterFunc(echo, stop) }) // from then on another signal ends the program at once
	if err := command(os.Stdout, os.Stderr).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1)
	}
}
