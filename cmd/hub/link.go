package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

// follow is one link between two devices, as the API spells it.
type follow struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func linkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "link FROM TO",
		Short:   "Make one device's property follow another's",
		Long:    "Make one device's property follow another's: whatever FROM reports is wanted of TO.\nBoth are device/component/property.",
		Example: "  hub link motion-hall/motion/occupancy hall-lamp/light/on",
		Args:    cobra.ExactArgs(2),
	}
	looking(cmd, func(ctx context.Context, c *client, args []string) error {
		f := follow{args[0], args[1]}
		if err := c.do(ctx, http.MethodPost, "/api/v1/links", f, nil); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(f)
		}
		fmt.Fprintf(c.out, "%s now follows %s\n", f.To, f.From)
		return nil
	})
	list := &cobra.Command{Use: "ls", Short: "List what follows what", Args: cobra.NoArgs}
	looking(list, func(ctx context.Context, c *client, _ []string) error {
		var raw json.RawMessage
		if err := c.do(ctx, http.MethodGet, "/api/v1/links", nil, &raw); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(raw)
		}
		var all []follow
		if err := json.Unmarshal(raw, &all); err != nil {
			return fmt.Errorf("reading the hub's answer: %w", err)
		}
		for _, f := range all {
			fmt.Fprintf(c.out, "%s → %s\n", f.From, f.To)
		}
		return nil
	})
	remove := &cobra.Command{Use: "rm FROM TO", Short: "Take a link back", Args: cobra.ExactArgs(2)}
	looking(remove, func(ctx context.Context, c *client, args []string) error {
		f := follow{args[0], args[1]}
		if err := c.do(ctx, http.MethodDelete, "/api/v1/links", f, nil); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(f)
		}
		fmt.Fprintf(c.out, "%s no longer follows %s\n", f.To, f.From)
		return nil
	})
	cmd.AddCommand(list, remove)
	return cmd
}
