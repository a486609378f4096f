package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Exit codes of "hub device set".
const (
	exitNotConfirmed  = 2 // refused, lapsed, superseded, or still on its way
	exitUnconfirmable = 3 // sent to a device that never tells
)

// command is a command as the API spells it, as far as it is printed.
type command struct {
	ID        string          `json:"id"`
	Device    string          `json:"device"`
	Component string          `json:"component"`
	Property  string          `json:"property"`
	Value     json.RawMessage `json:"value"`
	Status    string          `json:"status"`
	Reason    string          `json:"reason"`
	Deadline  time.Time       `json:"deadline"`
	Done      time.Time       `json:"done"`
}

// spell is "light/brightness → 40 % confirmed", with the reason where there is one. p is the command's property.
func (c command) spell(p property) string {
	text := fmt.Sprintf("%s/%s → %s %s", c.Component, c.Property, p.spell(c.Value), c.Status)
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	return text
}

// until is when the hub gives the command up, on this machine's clock.
func (c command) until() string { return c.Deadline.Local().Format("2006-01-02 15:04:05") }

func deviceSetCommand() *cobra.Command {
	var patience time.Duration
	cmd := &cobra.Command{
		Use:   "set ID COMPONENT/PROPERTY VALUE",
		Short: "Tell a device to take a value, and wait until it has confirmed it",
		Long: "Tell a device to take a value, and wait until it has confirmed it.\n\n" +
			"Exit codes: 0 the device confirmed it; 2 it was refused, lapsed or superseded, or the device is away or asleep and gets\n" +
			"it when it is back; 3 it was sent to something that cannot confirm (a button); 1 anything else.",
		Example: "  hub device set living-room-lamp light/brightness 40\n" +
			"  hub device set living-room-lamp light/on off\n" +
			"  hub device set bedroom-shutter cover/state closed",
		Args: takes("ID", "COMPONENT/PROPERTY", "VALUE"),
	}
	cmd.Flags().DurationVar(&patience, "wait", 10*time.Second, "how long to wait for a device that is away or asleep; the command itself goes on")
	return looking(cmd, func(ctx context.Context, c *client, args []string) error {
		comp, prop, ok := strings.Cut(args[1], "/")
		if !ok {
			return fmt.Errorf("reading %q: want COMPONENT/PROPERTY, such as light/brightness; \"hub device show %s\" lists them", args[1], args[0])
		}
		value := args[2]
		if number := strings.TrimPrefix(value, " "); negative.MatchString(number) {
			value = number // as it was typed: see negatives
		}
		var raw json.RawMessage
		body := map[string]string{"component": comp, "property": prop, "value": value}
		var exit exitError
		if err := c.do(ctx, http.MethodPost, devicePath(args[0])+"/commands", body, &raw); err != nil {
			if errors.As(err, &exit) && exit.code == exitInterrupted {
				exit.text = "no longer waiting; the hub may have taken the command"
				return exit
			}
			return err
		}
		cmd, raw, err := c.follow(ctx, raw, patience)
		if errors.As(err, &exit) && exit.code == exitInterrupted {
			exit.text = "no longer waiting; the hub goes on with the command"
			return exit
		}
		if err != nil {
			return err
		}
		return c.outcome(ctx, cmd, raw)
	})
}

// follow asks for the command until it has ended, or until it has been waiting for an absent or sleeping device longer than patience.
func (c *client) follow(ctx context.Context, raw json.RawMessage, patience time.Duration) (command, json.RawMessage, error) {
	until := time.Now().Add(patience)
	for {
		var cmd command
		if err := read(raw, &cmd); err != nil {
			return cmd, raw, fmt.Errorf("reading the hub's answer: %w", err)
		}
		if !cmd.Done.IsZero() || (cmd.Status == "waiting" || cmd.Reason != "") && time.Now().After(until) {
			return cmd, raw, nil
		}
		if err := c.do(ctx, http.MethodGet, "/api/v1/commands/"+url.PathEscape(cmd.ID)+"?wait=1s", nil, &raw); err != nil {
			return cmd, raw, err
		}
	}
}

// outcome prints what became of a command and picks the exit code.
func (c *client) outcome(ctx context.Context, cmd command, raw json.RawMessage) error {
	if c.json {
		if err := c.printJSON(raw); err != nil {
			return err
		}
	} else {
		var d device
		if err := c.do(ctx, http.MethodGet, devicePath(cmd.Device), nil, &d); err != nil {
			d = device{} // then the value is printed without its unit
		}
		text := cmd.Device + " " + cmd.spell(d.property(cmd.Component, cmd.Property))
		switch {
		case cmd.Status == "waiting":
			text += "; it will be sent when the device is back, until " + cmd.until()
		case cmd.Status == "sent" && cmd.Done.IsZero():
			text += ", until " + cmd.until()
		}
		fmt.Fprintln(c.out, text)
	}
	switch {
	case cmd.Status == "confirmed":
		return nil
	case cmd.Status == "sent" && !cmd.Done.IsZero():
		return exitError{code: exitUnconfirmable}
	}
	return exitError{code: exitNotConfirmed}
}
