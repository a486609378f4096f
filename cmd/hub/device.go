package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// device is what GET /api/v1/devices says of one, as far as it is printed.
type device struct {
	ID           string      `json:"id"`
	Name         string      `json:"name"`
	Room         string      `json:"room"`
	Manufacturer string      `json:"manufacturer"`
	Model        string      `json:"model"`
	Firmware     string      `json:"firmware"`
	Convention   string      `json:"convention"`
	Wakes        float64     `json:"wakes"`
	Components   []component `json:"components"`
	Reach        struct {
		Presence string    `json:"presence"`
		Since    time.Time `json:"since"`
		Why      string    `json:"why"`
	} `json:"reach"`
	LastSeen time.Time `json:"last_seen"`
	Reported map[string]struct {
		Value json.RawMessage `json:"value"`
		Heard time.Time       `json:"heard"`
	} `json:"reported"`
	Telling     []string  `json:"telling"`
	Conventions []string  `json:"conventions"`
	Expired     []string  `json:"expired"`
	Pending     []command `json:"pending"`
	Faults      int       `json:"faults"`
	LastFaults  []fault   `json:"last_faults"`
}

type component struct {
	ID         string     `json:"id"`
	Kind       string     `json:"kind"`
	Category   string     `json:"category"`
	Properties []property `json:"properties"`
}

type property struct {
	ID        string   `json:"id"`
	Datatype  string   `json:"datatype"`
	Unit      string   `json:"unit"`
	Class     string   `json:"class"`
	Min       *float64 `json:"min"`
	Max       *float64 `json:"max"`
	Choices   []string `json:"choices"`
	Wanted    []string `json:"wanted"`
	Readable  bool     `json:"readable"`
	Settable  bool     `json:"settable"`
	Momentary bool     `json:"momentary"`
}

// property returns one of the device's; for an unknown one, it knows no more than the ID.
func (d device) property(componentID, id string) property {
	for _, comp := range d.Components {
		for _, p := range comp.Properties {
			if comp.ID == componentID && p.ID == id {
				return p
			}
		}
	}
	return property{ID: id}
}

func deviceCommand() *cobra.Command {
	return group(&cobra.Command{Use: "device", Short: "List, show, watch and steer devices"},
		deviceListCommand(), deviceShowCommand(), deviceSetCommand(), deviceWatchCommand(),
		deviceEditCommand("rename", "NAME", "name", ""), deviceEditCommand("room", "ROOM", "room", "; \"\" means none"), deviceRemoveCommand())
}

func devicePath(id string) string { return "/api/v1/devices/" + url.PathEscape(id) }

func deviceListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "ls", SuggestFor: []string{"list"}, Short: "List the devices, by room", Args: takes()}
	return looking(cmd, func(ctx context.Context, c *client, _ []string) error {
		var list []device
		return c.show(ctx, "/api/v1/devices", &list, func() error {
			if len(list) == 0 {
				fmt.Fprintln(c.out, "no devices yet; point one at the hub (hub status says where it listens), or start the simulator")
				return nil
			}
			w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tROOM\tPRESENCE\tVALUES")
			for _, d := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", d.ID, d.Room, d.Reach.Presence, d.summary())
			}
			return w.Flush()
		})
	})
}

func deviceEditCommand(verb, arg, field, note string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   verb + " ID " + arg,
		Short: "Change a device's " + field + note + "; its ID and its topics stay the same",
		Args:  takes("ID", arg),
	}
	return looking(cmd, func(ctx context.Context, c *client, args []string) error {
		var raw json.RawMessage
		if err := c.do(ctx, http.MethodPatch, devicePath(args[0]), map[string]string{field: args[1]}, &raw); err != nil {
			return err
		}
		switch {
		case c.json:
			return c.printJSON(raw)
		case strings.TrimSpace(args[1]) == "":
			fmt.Fprintf(c.out, "%s has no %s now\n", args[0], field)
		default:
			fmt.Fprintf(c.out, "the %s of %s is now %q\n", field, args[0], strings.TrimSpace(args[1]))
		}
		return nil
	})
}

func deviceRemoveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:        "rm ID",
		SuggestFor: []string{"remove", "delete", "forget"},
		Short:      "Forget a device and its history; it comes back when it announces itself again",
		Long: `Forget a device, its history and the links with it. What the broker retains in its name (its announcement, its last states) is listed first, and
cleared if you say so, or with --clear: otherwise the device comes back with the hub's next start.`,
		Args: takes("ID"),
	}
	clearing := cmd.Flags().Bool("clear", false, "clear what the broker retains in its name, without asking")
	return looking(cmd, func(ctx context.Context, c *client, args []string) error {
		if *clearing || c.json {
			return c.removeDevice(ctx, args[0], *clearing)
		}
		var found []leftover
		if err := c.do(ctx, http.MethodGet, devicePath(args[0])+"/retained", nil, &found); err != nil {
			return err
		}
		if len(found) == 0 {
			return c.removeDevice(ctx, args[0], false)
		}
		fmt.Fprintln(c.out, "The broker retains in its name:")
		c.printLeftovers(found)
		if !isTerminal(cmd.InOrStdin()) {
			fmt.Fprintln(c.out, theyStay)
			return c.removeDevice(ctx, args[0], false)
		}
		fmt.Fprint(c.out, "Clear them, too? [y/N] ")
		var answer string
		_, _ = fmt.Fscanln(cmd.InOrStdin(), &answer) // no answer is a no
		yes := strings.HasPrefix(strings.ToLower(answer), "y")
		if !yes {
			fmt.Fprintln(c.out, theyStay)
		}
		return c.removeDevice(ctx, args[0], yes)
	})
}

const theyStay = "They stay there, and the device may come back by them; --clear clears them."

// leftover is a message that the broker retains in a device's name.
type leftover struct {
	Topic  string `json:"topic"`
	Bytes  int    `json:"bytes"`
	Sample string `json:"sample"`
}

func (c *client) printLeftovers(found []leftover) {
	for _, l := range found {
		text := l.Sample
		if runes := []rune(text); len(runes) > 60 {
			text = string(runes[:60]) + "…"
		}
		fmt.Fprintf(c.out, "  %s  %s\n", l.Topic, text)
	}
}

// removeDevice has the hub forget a device, and says so.
func (c *client) removeDevice(ctx context.Context, id string, clearing bool) error {
	path := devicePath(id)
	cleared := []leftover{} // which JSON spells []
	var out any
	if clearing {
		path, out = path+"?retained=clear", &cleared
	}
	before, err := c.linksOf(ctx, id)
	if err != nil {
		return err
	}
	if err := c.do(ctx, http.MethodDelete, path, nil, out); err != nil {
		return err
	}
	after, err := c.linksOf(ctx, id)
	if err != nil {
		return fmt.Errorf("%s is forgotten, but looking which links went with it failed: %w", id, err)
	}
	unlinked := slices.DeleteFunc(before, func(f follow) bool { return slices.Contains(after, f) })
	if c.json {
		return c.printJSON(map[string]any{"removed": id, "cleared": cleared, "unlinked": unlinked})
	}
	if len(cleared) > 0 {
		fmt.Fprintln(c.out, "Cleared:")
		c.printLeftovers(cleared)
	}
	fmt.Fprintf(c.out, "%s is forgotten\n", id)
	for _, f := range unlinked {
		fmt.Fprintf(c.out, "%s no longer follows %s\n", f.To, f.From)
	}
	for _, f := range after {
		fmt.Fprintf(c.out, "%s still follows %s: that is in the configuration\n", f.To, f.From)
	}
	return nil
}

// linksOf lists the links from and to a device.
func (c *client) linksOf(ctx context.Context, id string) ([]follow, error) {
	all := []follow{} // which JSON spells []
	if err := c.do(ctx, http.MethodGet, "/api/v1/links", nil, &all); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(f follow) bool {
		return !strings.HasPrefix(f.From, id+"/") && !strings.HasPrefix(f.To, id+"/")
	}), nil
}

// isTerminal says whether somebody can be asked.
func isTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
