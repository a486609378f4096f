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
	reach := d.Reach.Presence
	if !d.Reach.Since.IsZero() {
		reach += " for " + span(now.Sub(d.Reach.Since))
	}
	if d.Reach.Why != "" {
		reach += ": " + d.Reach.Why
	}
	line("Room", d.Room)
	line("Made by", d.Manufacturer)
	line("Model", d.Model)
	line("Firmware", d.Firmware)
	line("Speaks", strings.Join(d.Conventions, ", "))
	line("Presence", reach)
	line("Last seen", ago(d.LastSeen, now))
	if d.Wakes > 0 {
		line("Sleeps", "takes what it is told when it wakes up, at the latest after "+strings.TrimSuffix(span(time.Duration(d.Wakes*float64(time.Second))), " 0 min"))
	}
	for _, cmd := range d.Pending {
		line("Wanted", cmd.spell(d.property(cmd.Component, cmd.Property))+", until "+cmd.until())
	}
	if d.Faults > 0 {
		line("Faults", fmt.Sprintf("%s not understood, so what they say may be missing below; the newest:", messages(d.Faults)))
	}
	for _, f := range d.LastFaults {
		fmt.Fprintf(w, "\t%s\n", f.text(now))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(c.out)
	w = tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PROPERTY\tVALUE\tHEARD\tCAN BE SET TO")
	for _, ref := range d.inOrder() {
		p, value, heard := d.propertyAt(ref), "-", "-"
		if r, ok := d.Reported[ref]; ok {
			value, heard = p.spell(r.Value), ago(r.Heard, now)
		}
		if slices.Contains(d.Expired, ref) {
			heard += ", overdue"
		}
		for _, cmd := range d.Pending {
			if cmd.Component+"/"+cmd.Property == ref {
				value += " (wanted: " + p.spell(cmd.Value) + ", " + cmd.Status + ")"
			}
		}
		settable := p.takes()
		if settable == "" {
			settable = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", ref, value, heard, settable)
	}
	return w.Flush()
}

// inOrder are the names of all properties: the telling ones first, settings and diagnostics last.
func (d device) inOrder() []string {
	refs := slices.Clone(d.Telling)
	for _, categories := range []bool{false, true} {
		for _, comp := range d.Components {
			for _, p := range comp.Properties {
				if ref := comp.ID + "/" + p.ID; (comp.Category != "") == categories && !slices.Contains(refs, ref) {
					refs = append(refs, ref)
				}
			}
		}
	}
	return refs
}
