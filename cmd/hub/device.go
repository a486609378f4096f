package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
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
	Pending   []command `json:"pending"`
	Faults    int       `json:"faults"`
	LastFault *struct {
		Topic  string `json:"topic"`
		Reason string `json:"reason"`
	} `json:"last_fault"`
}

type component struct {
	ID         string     `json:"id"`
	Kind       string     `json:"kind"`
	Category   string     `json:"category"`
	Properties []property `json:"properties"`
}

type property struct {
	ID       string   `json:"id"`
	Datatype string   `json:"datatype"`
	Unit     string   `json:"unit"`
	Min      *float64 `json:"min"`
	Max      *float64 `json:"max"`
	Choices  []string `json:"choices"`
	Wanted   []string `json:"wanted"`
	Readable bool     `json:"readable"`
	Settable bool     `json:"settable"`
}

func deviceCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "device", Short: "List, show, watch and steer devices"}
	cmd.AddCommand(deviceListCommand(), deviceShowCommand(), deviceSetCommand(), deviceWatchCommand(),
		deviceEditCommand("rename", "NAME", "name"), deviceEditCommand("room", "ROOM", "room"), deviceRemoveCommand())
	return cmd
}

func devicePath(id string) string { return "/api/v1/devices/" + url.PathEscape(id) }

func deviceListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "ls", Short: "List the devices, by room", Args: cobra.NoArgs}
	return looking(cmd, func(ctx context.Context, c *client, _ []string) error {
		var raw json.RawMessage
		if err := c.do(ctx, http.MethodGet, "/api/v1/devices", nil, &raw); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(raw)
		}
		var list []device
		if err := json.Unmarshal(raw, &list); err != nil {
			return fmt.Errorf("reading the hub's answer: %w", err)
		}
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
}

// summary is the device's main values in a few words.
func (d device) summary() string {
	var parts []string
	for _, comp := range d.Components {
		if comp.Category != "" {
			continue
		}
		for _, p := range comp.Properties {
			r, ok := d.Reported[comp.ID+"/"+p.ID]
			if !ok || len(parts) == 4 {
				continue
			}
			parts = append(parts, p.ID+" "+p.spell(r.Value))
		}
	}
	return strings.Join(parts, ", ")
}

// spell writes a value with its unit.
func (p property) spell(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	var color struct{ Hue, Saturation float64 }
	if p.Datatype == "color" && json.Unmarshal(raw, &color) == nil {
		text = fmt.Sprintf("%g,%g", color.Hue, color.Saturation)
	}
	if p.Unit != "" {
		text += " " + p.Unit
	}
	return text
}

// takes says what the property can be set to.
func (p property) takes() string {
	choices := p.Choices
	if len(p.Wanted) > 0 {
		choices = p.Wanted
	}
	switch {
	case !p.Settable:
		return ""
	case len(choices) > 0:
		return strings.Join(choices, "|")
	case p.Datatype == "bool":
		return "true|false"
	case p.Datatype == "color":
		return "HUE,SATURATION or #rrggbb"
	case p.Min != nil && p.Max != nil:
		return fmt.Sprintf("%g to %g", *p.Min, *p.Max)
	}
	return p.Datatype
}

func deviceShowCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", Short: "Show all that the hub knows of one device", Args: cobra.ExactArgs(1)}
	return looking(cmd, func(ctx context.Context, c *client, args []string) error {
		var raw json.RawMessage
		if err := c.do(ctx, http.MethodGet, devicePath(args[0]), nil, &raw); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(raw)
		}
		var d device
		if err := json.Unmarshal(raw, &d); err != nil {
			return fmt.Errorf("reading the hub's answer: %w", err)
		}
		now := time.Now()
		fmt.Fprintf(c.out, "%s (%s)\n", d.Name, d.ID)
		about := slices.DeleteFunc([]string{d.Manufacturer, d.Model, d.Firmware}, func(s string) bool { return s == "" })
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		line := func(label, text string) {
			if text != "" {
				fmt.Fprintf(w, "  %s\t%s\n", label, text)
			}
		}
		line("Room", d.Room)
		line("Made by", strings.Join(about, ", "))
		line("Speaks", d.Convention)
		reach := d.Reach.Presence
		if !d.Reach.Since.IsZero() {
			reach += " since " + ago(d.Reach.Since, now)
		}
		if d.Reach.Why != "" {
			reach += ": " + d.Reach.Why
		}
		line("Presence", reach)
		line("Last seen", ago(d.LastSeen, now))
		if d.Faults > 0 && d.LastFault != nil {
			line("Faults", fmt.Sprintf("%d messages not understood; the last on %s: %s", d.Faults, d.LastFault.Topic, d.LastFault.Reason))
		}
		if err := w.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(c.out)
		w = tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "PROPERTY\tVALUE\tHEARD\tCAN BE SET TO")
		for _, comp := range d.Components {
			for _, p := range comp.Properties {
				value, heard := "-", ""
				if r, ok := d.Reported[comp.ID+"/"+p.ID]; ok {
					value, heard = p.spell(r.Value), ago(r.Heard, now)
				}
				for _, cmd := range d.Pending {
					if cmd.Component == comp.ID && cmd.Property == p.ID {
						value += " (wanted: " + p.spell(cmd.Value) + ", " + cmd.Status + ")"
					}
				}
				fmt.Fprintf(w, "%s/%s\t%s\t%s\t%s\n", comp.ID, p.ID, value, heard, p.takes())
			}
		}
		return w.Flush()
	})
}

func deviceEditCommand(verb, arg, field string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   verb + " ID " + arg,
		Short: "Change a device's " + field + "; its ID and its topics stay the same",
		Args:  cobra.ExactArgs(2),
	}
	return looking(cmd, func(ctx context.Context, c *client, args []string) error {
		var raw json.RawMessage
		if err := c.do(ctx, http.MethodPatch, devicePath(args[0]), map[string]string{field: args[1]}, &raw); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(raw)
		}
		fmt.Fprintf(c.out, "the %s of %s is now %q\n", field, args[0], args[1])
		return nil
	})
}

func deviceRemoveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rm ID",
		Short: "Forget a device and its history; it comes back when it announces itself again",
		Args:  cobra.ExactArgs(1),
	}
	return looking(cmd, func(ctx context.Context, c *client, args []string) error {
		if err := c.do(ctx, http.MethodDelete, devicePath(args[0]), nil, nil); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(map[string]string{"removed": args[0]})
		}
		fmt.Fprintf(c.out, "%s is forgotten\n", args[0])
		return nil
	})
}

func deviceWatchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "watch [ID]",
		Short: "Print what happens, line by line, until Ctrl-C; --json prints the events as they come",
		Args:  cobra.MaximumNArgs(1),
	}
	return looking(cmd, func(ctx context.Context, c *client, args []string) error {
		path := "/api/v1/events"
		if len(args) == 1 {
			if err := c.do(ctx, http.MethodGet, devicePath(args[0]), nil, nil); err != nil {
				return err // an unknown device would be silence for ever
			}
			path += "?device=" + url.QueryEscape(args[0])
		}
		last := ""
		for {
			id, err := c.watch(ctx, path, last)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			last = id // the stream was cut: go on where it stopped
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(time.Second):
			}
		}
	})
}

// watch prints one stream of events until it ends, and returns the last event's ID.
func (c *client) watch(ctx context.Context, path, last string) (string, error) {
	header := http.Header{"Accept": {"text/event-stream"}}
	if last != "" {
		header.Set("Last-Event-ID", last)
	}
	resp, err := c.request(ctx, http.MethodGet, path, nil, header)
	if err != nil {
		return last, err
	}
	defer resp.Body.Close()
	var name, id string
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "id":
			id = value
		case "data":
			if id != "" {
				last = id
			}
			if err := c.printEvent(name, []byte(value)); err != nil {
				return last, err
			}
		case "":
			name = ""
		}
	}
	return last, nil
}

func (c *client) printEvent(name string, data []byte) error {
	if c.json {
		_, err := fmt.Fprintf(c.out, "{\"event\":%q,\"data\":%s}\n", name, data)
		return err
	}
	var e struct {
		At        time.Time       `json:"at"`
		Device    json.RawMessage `json:"device"`
		Component string          `json:"component"`
		Property  string          `json:"property"`
		Value     json.RawMessage `json:"value"`
		Presence  string          `json:"presence"`
		Why       string          `json:"why"`
		Command   command         `json:"command"`
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return fmt.Errorf("reading an event: %w", err)
	}
	id := ""
	if json.Unmarshal(e.Device, &id) != nil {
		var d device
		_ = json.Unmarshal(e.Device, &d)
		id = d.ID
	}
	text := ""
	switch name {
	case "reported":
		text = fmt.Sprintf("%s/%s %s", e.Component, e.Property, property{}.spell(e.Value))
	case "presence":
		text = e.Presence
		if e.Why != "" {
			text += ": " + e.Why
		}
	case "command":
		id, text = e.Command.Device, e.Command.String()
	case "joined":
		text = "joined"
	case "changed":
		text = "changed its description"
	case "left":
		text = "was removed"
	default:
		return nil
	}
	at := e.At
	if at.IsZero() {
		at = time.Now()
	}
	_, err := fmt.Fprintf(c.out, "%s  %s  %s\n", at.Local().Format("15:04:05"), id, text)
	return err
}
