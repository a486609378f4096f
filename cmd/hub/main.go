// Command hub is the hub of a home network: an MQTT broker, the devices that speak through it, their history, and the pages
// to see and steer them, in one program. "hub demo" shows it with a simulated house, "hub serve" runs it for real, and
// the other commands look into a running hub or prepare one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // time_zone works on machines without a zone database, too

	"github.com/spf13/cobra"
)

// exitError ends the program with a code of its own; its text has been printed already when it is empty.
type exitError struct {
	code int
	text string
}

func (e exitError) Error() string { return e.text }

// exitInterrupted is what shells expect of a program that Ctrl-C ended before it was done.
const exitInterrupted = 130

// echo is how long after a signal another one counts as the same: some supervisors signal the program, and then its group.
const echo = time.Second

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() { time.AfterFunc(echo, stop) }) // from then on another signal ends the program at once
	cmd := root()
	cmd.SetArgs(negatives(args))
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	code := 1
	var exit exitError
	if errors.As(err, &exit) {
		code = exit.code
	}
	complain(os.Stderr, err)
	return code
}

// complain prints an error, each of its lines by itself.
func complain(w io.Writer, err error) {
	if err.Error() == "" {
		return
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(w, "hub:", strings.TrimRight(line, "\n"))
	}
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
		&cobra.Group{ID: "other", Title: "Other:"},
	)
	for id, list := range map[string][]*cobra.Command{
		"run":     {serveCommand(), demoCommand()},
		"prepare": {checkConfigCommand(), userCommand(), tokenCommand(), accessCommand(), certCommand()},
		"look":    {statusCommand(), deviceCommand(), clientCommand(), linkCommand()},
	} {
		for _, c := range list {
			c.GroupID = id
			cmd.AddCommand(c)
		}
	}
	cmd.SetHelpCommand(helpCommand())
	cmd.SetHelpCommandGroupID("other")
	cmd.SetCompletionCommandGroupID("other")
	cmd.SetFlagErrorFunc(badFlag)
	cmd.SetUsageTemplate(groupUsage(cmd))
	folding(cmd)
	return group(cmd)
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
