package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"home.arpa/homehub/internal/config"
	"home.arpa/homehub/simulator"
)

// Demo says which house the demo pretends.
type Demo struct {
	// Devices is how many there are; 0: as many as the default house has.
	Devices int
	// Seed and Speed are the simulator's.
	Seed  uint64
	Speed float64
	// Program is how to call the hub's program, for the lines to try.
	Program string
}

// demoLink is the one link of the demo's house.
var demoLink = config.Link{From: "motion-hall/motion/occupancy", To: "hall-lamp/light/on"}

// RunDemo runs the hub with a simulated house until ctx ends. With an empty cfg.DataDir the data is in a temporary folder that
// is removed at the end.
func RunDemo(ctx context.Context, cfg config.Config, o Options, d Demo) error {
	temporary := cfg.DataDir == ""
	if temporary {
		dir, err := os.MkdirTemp("", "homehub-demo-")
		if err != nil {
			return fmt.Errorf("making a folder for the data: %w; name one with --data-dir", err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		cfg.DataDir = filepath.Join(dir, "data")
	}
	plan := simulator.DefaultHouse()
	if d.Devices > 0 {
		var err error
		if plan, err = plan.Resize(d.Devices); err != nil {
			return err
		}
	}
	h, err := build(ctx, cfg, o, &d)
	if err != nil {
		return err
	}
	defer h.close()
	sim, err := simulator.New(plan, simulator.Options{
		Broker: simulator.Broker{URL: nearest(h.mqtt)}, Seed: d.Seed, Speed: d.Speed, Logger: h.log.With("component", "simulator"),
	})
	if err != nil {
		return err
	}
	parts := append(h.parts, part{name: "the simulated house", run: sim.Run})
	return hold(ctx, h.log, parts, func() { h.invite(o.Out, d, len(sim.Devices()), temporary) })
}

// nearest is the address that a client on this machine uses.
func nearest(addresses []string) string { return addresses[len(addresses)-1] }

// invite prints what was started and what to try.
func (h *house) invite(out io.Writer, d Demo, count int, temporary bool) {
	if out == nil {
		return
	}
	w := &printer{w: out}
	page, mqtt := nearest(h.web), nearest(h.mqtt)
	data := h.cfg.DataDir
	if temporary {
		data += " (removed at the end)"
	}
	w.line("Homehub demo: the hub and a simulated house of %d devices (seed %d).", count, d.Seed)
	w.line("")
	w.line("  Dashboard  %s", page)
	w.line("  MQTT       %s", mqtt)
	w.line("  Data       %s", data)
	w.line("")
	w.line("Try:")
	w.line("  open %s in a browser", page)
	w.line("  mosquitto_sub -h %s -v -t 'hub/5/#'", clientFlags(mqtt))
	w.line("  %s device set living-room-lamp light/brightness 40%s", d.Program, hubFlag(page))
	w.line("")
	w.line("Ctrl-C stops it.")
}

// clientFlags is the host, and the port when it is not the usual one, as mosquitto's clients want them.
func clientFlags(address string) string {
	host, port, err := net.SplitHostPort(strings.TrimPrefix(address, "mqtt://"))
	if err != nil || port == "1883" {
		return host
	}
	return host + " -p " + port
}

// hubFlag names the hub when it is not where the program looks by itself.
func hubFlag(page string) string {
	if page == "http://127.0.0.1:1888/" {
		return ""
	}
	return " --hub " + strings.TrimSuffix(page, "/")
}
