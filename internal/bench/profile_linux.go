package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"home.arpa/homehub/internal/app"
	"home.arpa/homehub/internal/config"
)

// profiledCommand makes this program a hub that profiles itself.
const profiledCommand = "profiled-hub"

// serveProfiled runs a hub, configured by the environment, until it is told to stop. It writes NAME.cpu, which covers its whole life,
// and NAME.heap, which shows what it holds at the end.
func serveProfiled(name string) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg, err := config.Load(config.Input{})
	if err != nil {
		return err
	}
	cpu, err := os.Create(name + ".cpu")
	if err != nil {
		return fmt.Errorf("taking a profile: %w", err)
	}
	defer func() { err = errors.Join(err, cpu.Close()) }()
	heap, err := os.Create(name + ".heap")
	if err != nil {
		return fmt.Errorf("taking a profile: %w", err)
	}
	defer func() { err = errors.Join(err, heap.Close()) }()
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return fmt.Errorf("taking a profile: %w", err)
	}
	defer pprof.StopCPUProfile()
	written := make(chan error, 1)
	go func() { // while the broker still has its clients, and waited for below
		<-ctx.Done()
		written <- pprof.WriteHeapProfile(heap)
	}()
	defer func() {
		stop()
		err = errors.Join(err, <-written)
	}()
	return app.Serve(ctx, cfg, app.Options{Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
}
