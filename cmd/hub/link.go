package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

// follow is one link between two devices, as the API spells it.
type follow struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// tellUnknown says which of the two devices the hub does not know: a link may be there before its devices, but it may be a slip, too.
func (f follow) tellUnknown(ctx context.Context, c *client) {
	for _, path := range []string{f.From, f.To} {
		id, _, _ := strings.Cut(path, "/")
		var no problem
		if err := c.do(ctx, http.MethodGet, devicePath(id), nil, nil); errors.As(err, &no) && no.Status == http.StatusNotFound {
			fmt.Fprintf(c.out, "there is no device %s yet; \"hub device ls\" lists those that there are\n", id)
		}
	}
}

func linkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "link FROM TO",
		Short:   "Make one device's property follow another's",
		Long:    "Make one device's property follow another's: whatever FROM reports is wanted of TO.\nBoth are device/component/property.",
		Example: "  hub link motion-hall/motion/occupancy hall-lamp/light/on",
		Args:    takes("FROM", "TO"),
	}
	change := func(cmd *cobra.Command, method, done string) *cobra.Command {
		return looking(cmd, func(ctx context.Context, c *client, args []string) error {
			f := follow{args[0], args[1]}
			if err := c.do(ctx, method, "/api/v1/links", f, nil); err != nil {
				return err
			}
			if c.json {
				return c.printJSON(f)
			}
			fmt.Fprintf(c.out, "%s %s %s\n", f.To, done, f.From)
			if method == http.MethodPost {
				f.tellUnknown(ctx, c)
			}
			return nil
		})
	}
	list := looking(&cobra.Command{Use: "ls", SuggestFor: []string{"list"}, Short: "List what follows what", Args: takes()},
		func(ctx context.Context, c *client, _ []string) error {
			var all []follow
			return c.show(ctx, "/api/v1/links", &all, func() error {
				if len(all) == 0 {
					fmt.Fprintln(c.out, "nothing follows anything yet")
				}
				for _, f := range all {
					fmt.Fprintf(c.out, "%s → %s\n", f.From, f.To)
				}
				return nil
			})
		})
	remove := &cobra.Command{
		Use: "rm FROM TO", SuggestFor: []string{"remove", "delete"}, Short: "Take a link back", Args: takes("FROM", "TO"),
	}
	cmd.AddCommand(list, change(remove, http.MethodDelete, "no longer follows"))
	return change(cmd, http.MethodPost, "now follows")
}
