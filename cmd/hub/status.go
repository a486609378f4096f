package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// status is what GET /api/v1/status says, as far as it is printed.
type status struct {
	Version  string `json:"version"`
	Demo     bool   `json:"demo"`
	Overview struct {
		Started  time.Time `json:"started"`
		LinkUp   bool      `json:"link_up"`
		LinkNote string    `json:"link_note"`
		Devices  int       `json:"devices"`
		Online   int       `json:"online"`
		Offline  int       `json:"offline"`
		Pending  int       `json:"pending_commands"`
		Messages uint64    `json:"messages"`
		Faults   uint64    `json:"faults"`
	} `json:"overview"`
	MQTT []string `json:"mqtt_addresses"`
	Web  []string `json:"web_addresses"`
	Data string   `json:"data_dir"`
}

func statusCommand() *cobra.Command {
	var ready bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how the hub is and where it can be reached",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&ready, "ready", false, "only ask whether the hub is ready (exit 0), without logging in: for health checks")
	return looking(cmd, func(ctx context.Context, c *client, _ []string) error {
		if ready {
			return c.do(ctx, http.MethodGet, "/readyz", nil, nil)
		}
		var raw json.RawMessage
		if err := c.do(ctx, http.MethodGet, "/api/v1/status", nil, &raw); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(raw)
		}
		var s status
		if err := json.Unmarshal(raw, &s); err != nil {
			return fmt.Errorf("reading the hub's answer: %w", err)
		}
		o := s.Overview
		fmt.Fprintf(c.out, "Homehub %s, running for %s\n", s.Version, span(time.Since(o.Started)))
		fmt.Fprintf(c.out, "  MQTT      %s\n", strings.Join(s.MQTT, "  "))
		fmt.Fprintf(c.out, "  Pages     %s\n", strings.Join(s.Web, "  "))
		if s.Data != "" {
			fmt.Fprintf(c.out, "  Data      %s\n", s.Data)
		}
		link := "up"
		if !o.LinkUp {
			link = "DOWN"
		}
		fmt.Fprintf(c.out, "  Broker    %s: %s\n", link, o.LinkNote)
		fmt.Fprintf(c.out, "  Devices   %d: %d online, %d offline\n", o.Devices, o.Online, o.Offline)
		fmt.Fprintf(c.out, "  Commands  %d pending\n", o.Pending)
		fmt.Fprintf(c.out, "  Messages  %d handled, %d not understood\n", o.Messages, o.Faults)
		return nil
	})
}
