package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"home.arpa/homehub/internal/app"
)

const plugFlag = "pull-the-plug"

// pulling adds the flag to "hub demo" that kills it, and returns what the command does then.
func pulling(cmd *cobra.Command) func(app.Demo) error {
	var rounds int
	cmd.Flags().IntVar(&rounds, plugFlag, 0, "kill the hub under load this many `times`, say what the house has lost, and end; exit code 1 if it has lost anything")
	cmd.Flags().Lookup(plugFlag).NoOptDefVal = "3"
	return func(d app.Demo) error {
		if rounds < 1 || rounds > 1000 {
			return fmt.Errorf("--%s is 1 to 1000 times, not %d", plugFlag, rounds)
		}
		for _, flag := range []string{"data-dir", "mqtt-listen", "web-listen", "log-level", "speed"} {
			if cmd.Flags().Changed(flag) {
				return fmt.Errorf("--%s has no meaning with --%s, which has a folder and ports of its own", flag, plugFlag)
			}
		}
		program, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding the program to start: %w", err)
		}
		found, err := app.PullThePlug(cmd.Context(), app.Plug{Program: program, Rounds: rounds, Devices: d.Devices, Seed: d.Seed}, app.Options{Out: cmd.OutOrStdout()})
		switch {
		case cmd.Context().Err() != nil && errors.Is(err, cmd.Context().Err()):
			return exitError{code: exitInterrupted}
		case err != nil:
			return err
		case !found.Kept():
			return exitError{code: 1}
		}
		return nil
	}
}
