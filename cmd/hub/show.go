package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func deviceShowCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", SuggestFor: []string{"get", "info"}, Short: "Show all that the hub knows of one device", Args: takes("ID")}
	return looking(cmd, func(ctx context.Context, c *client, args []string) error {
		var d device
		return c.show(ctx, devicePath(args[0]), &d, func() error { return c.printDevice(d, time.Now()) })
	})
}

// printDevice prints a device's page.
func (c *client) printDevice(d device, now time.Time) error {
	fmt.Fprintf(c.out, "%s (%s)\n", d.Name, d.ID)
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(w, "  %s\t%s\n", label, text)
		}
	}
	about := slices.DeleteFunc([]string{d.Manufacturer, d.Model, d.Firmware}, func(s string) bool { return s == "" })
	reach := d.Reach.Presence
	if !d.Reach.Since.IsZero() {
		reach += " for " + span(now.Sub(d.Reach.Since))
	}
	if d.Reach.Why != "" {
		reach += ": " + d.Reach.Why
	}
	line("Room", d.Room)
	line("Made by", strings.Join(about, ", "))
	line("Speaks", strings.Join(d.Conventions, ", "))
	line("Presence", reach)
	line("Last seen", ago(d.LastSeen, now))
	if d.Wakes > 0 {
		line("Sleeps", "takes what it is told when it wakes up, at the latest after "+span(time.Duration(d.Wakes*float64(time.Second))))
	}
	if d.Faults > 0 {
		line("Faults", fmt.Sprintf("%d messages not understood, the newest:", d.Faults))
	}
	for _, f := range d.LastFaults {
		text := fmt.Sprintf("%s: %s", f.Topic, f.Reason)
		if f.Sample != "" {
			text += ", in " + f.Sample
		}
		line("", fmt.Sprintf("%s (%d times, last %s)", text, f.Count, ago(f.At, now)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(c.out)
	w = tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PROPERTY\tVALUE\tHEARD\tCAN BE SET TO")
	for _, comp := range d.Components {
		for _, p := range comp.Properties {
			value, heard := "-", "-"
			if r, ok := d.Reported[comp.ID+"/"+p.ID]; ok {
				value, heard = p.spell(r.Value), ago(r.Heard, now)
			}
			if slices.Contains(d.Expired, comp.ID+"/"+p.ID) {
				heard += ", overdue"
			}
			for _, cmd := range d.Pending {
				if cmd.Component == comp.ID && cmd.Property == p.ID {
					value += " (wanted: " + p.spell(cmd.Value) + ", " + cmd.Status
					if cmd.Status == "sent" && cmd.Reason != "" {
						value += ": " + cmd.Reason
					}
					value += ")"
				}
			}
			settable := p.takes()
			if settable == "" {
				settable = "-"
			}
			fmt.Fprintf(w, "%s/%s\t%s\t%s\t%s\n", comp.ID, p.ID, value, heard, settable)
		}
	}
	return w.Flush()
}
