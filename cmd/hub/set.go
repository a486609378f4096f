package main

import (
	"context"
	"encoding/json"
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

// command is a command as the API spells it.
type command struct {
	ID        string          `json:"id"`
	Device    string          `json:"device"`
	Component string          `json:"component"`
	Property  string          `json:"property"`
	Value     json.RawMessage `json:"value"`
	Status    string          `json:"status"`
	Reason    string          `json:"reason"`
	Origin    string          `json:"origin"`
	Created   time.Time       `json:"created"`
	Deadline  time.Time       `json:"deadline"`
	Done      time.Time       `json:"done"`
}

// String is "light/brightness → 40 confirmed", with the reason where there is one.
func (c command) String() string {
	text := fmt.Sprintf("%s/%s → %s %s", c.Component, c.Property, property{}.spell(c.Value), c.Status)
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	return text
}

func deviceSetCommand() *cobra.Command {
	var patience time.Duration
	cmd := &cobra.Command{
		Use:   "set ID COMPONENT/PROPERTY VALUE",
		Short: "Tell a device to take a value, and wait until it has confirmed it",
		Long: "Tell a device to take a value, and wait until it has confirmed it.\n\n" +
			"Exit codes: 0 the device confirmed it; 2 it was refused, lapsed or superseded, or the device is away and gets it\n" +
			"when it comes back; 3 it was sent to something that cannot confirm (a button); 1 anything else.",
		Example: "  hub device set living-room-lamp light/brightness 40",
		Args:    cobra.ExactArgs(3),
	}
	cmd.Flags().DurationVar(&patience, "wait", 10*time.Second, "how long to wait for a device that is away; the command itself goes on")
	return looking(cmd, func(ctx context.Context, c *client, args []string) error {
		comp, prop, ok := strings.Cut(args[1], "/")
		if !ok {
			return fmt.Errorf("reading %q: want COMPONENT/PROPERTY, such as light/brightness; \"hub device show %s\" lists them", args[1], args[0])
		}
		body := map[string]string{"component": comp, "property": prop, "value": args[2]}
		var cmd command
		if err := c.do(ctx, http.MethodPost, devicePath(args[0])+"/commands", body, &cmd); err != nil {
			return err
		}
		cmd, err := c.follow(ctx, cmd, patience)
		if err != nil {
			return err
		}
		return c.outcome(cmd)
	})
}

// follow asks for the command until it has ended, or until it has been waiting for an absent device longer than patience.
func (c *client) follow(ctx context.Context, cmd command, patience time.Duration) (command, error) {
	until := time.Now().Add(patience)
	for cmd.Done.IsZero() {
		if cmd.Status == "waiting" && time.Now().After(until) {
			return cmd, nil
		}
		if err := c.do(ctx, http.MethodGet, "/api/v1/commands/"+url.PathEscape(cmd.ID)+"?wait=1s", nil, &cmd); err != nil {
			return cmd, err
		}
	}
	return cmd, nil
}

func (c *client) outcome(cmd command) error {
	if c.json {
		if err := c.printJSON(cmd); err != nil {
			return err
		}
	} else {
		text := cmd.Device + " " + cmd.String()
		if cmd.Status == "waiting" {
			text += fmt.Sprintf("; it will be sent when the device is back, until %s", cmd.Deadline.Local().Format("15:04:05"))
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
