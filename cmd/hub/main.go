// Command hub is the hub of a home network: an MQTT broker, the devices that speak through it, their history, and the pages
// to see and steer them, in one program. "hub demo" shows it with a simulated house, "hub serve" runs it for real, and
// the other commands look into a running hub or prepare one.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // time_zone works on machines without a zone database, too

	"github.com/spf13/cobra"
)

// exitError ends the program with a code of its own; its text has been printed already when it is empty.
type exitError struct {
	code int
	text string
}

func (e exitError) Error() string { return e.text }

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // from here on a second signal ends the program at once
	}()
	err := root().ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var exit exitError
	if errors.As(err, &exit) {
		if exit.text != "" {
			fmt.Fprintln(os.Stderr, "hub:", exit.text)
		}
		return exit.code
	}
	fmt.Fprintln(os.Stderr, "hub:", err)
	return 1
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hub",
		Short: "The hub of a home network: MQTT broker, devices, history and pages in one program",
		Long: "The hub of a home network: MQTT broker, devices, history and pages in one program.\n\n" +
			"Start with \"hub demo\", which needs no hardware, or \"hub serve\" for a real house.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
	}
	cmd.AddGroup(
		&cobra.Group{ID: "run", Title: "Run a hub:"},
		&cobra.Group{ID: "prepare", Title: "Prepare a hub (beside a running one, too):"},
		&cobra.Group{ID: "look", Title: "Look into a running hub and steer it:"},
	)
	for group, list := range map[string][]*cobra.Command{
		"run":     {serveCommand(), demoCommand()},
		"prepare": {checkConfigCommand(), userCommand(), tokenCommand()},
		"look":    {statusCommand(), deviceCommand(), linkCommand()},
	} {
		for _, c := range list {
			c.GroupID = group
			cmd.AddCommand(c)
		}
	}
	return cmd
}

// version is the module's version, or the commit it was built from, or "devel".
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}
