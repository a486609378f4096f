package main

import (
	"context"
	"fmt"
	"net/http"
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
		Asleep   int       `json:"asleep"`
		Late     int       `json:"late"`
		Starting int       `json:"starting"`
		Pending  int       `json:"pending_commands"`
		Messages uint64    `json:"messages"`
		Faults   uint64    `json:"faults"`

		Unclaimed []fault `json:"unclaimed_faults"`
	} `json:"overview"`
	MQTT   []string `json:"mqtt_addresses"`
	Web    []string `json:"web_addresses"`
	Data   string   `json:"data_dir"`
	Broker *struct {
		Clients []struct{} `json:"clients"`
	} `json:"broker"`
}

func statusCommand() *cobra.Command {
	var ready bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how the hub is and where it can be reached",
		Args:  takes(),
	}
	cmd.Flags().BoolVar(&ready, "ready", false, "only ask whether the hub is ready (exit 0), without logging in: for health checks")
	return looking(cmd, func(ctx context.Context, c *client, _ []string) error {
		if ready {
			return c.do(ctx, http.MethodGet, "/readyz", nil, nil)
		}
		var s status
		return c.show(ctx, "/api/v1/status", &s, func() error { c.printStatus(s, time.Now()); return nil })
	})
}

func (c *client) printStatus(s status, now time.Time) {
	o := s.Overview
	kind := ""
	if s.Demo {
		kind = " (demo)"
	}
	fmt.Fprintf(c.out, "Homehub %s%s, running for %s\n", s.Version, kind, span(now.Sub(o.Started)))
	list := func(label string, items []string) {
		for _, item := range items {
			fmt.Fprintf(c.out, "  %-10s%s\n", label, item)
			label = ""
		}
	}
	list("MQTT", s.MQTT)
	list("Pages", s.Web)
	if s.Data != "" {
		list("Data", []string{s.Data})
	}
	link := "up"
	if !o.LinkUp {
		link = "DOWN"
	}
	if o.LinkNote != "" {
		link += ": " + o.LinkNote
	}
	list("Broker", []string{link})
	if s.Broker != nil {
		list("Clients", []string{fmt.Sprintf("%d connected", len(s.Broker.Clients))})
	}
	count := fmt.Sprintf("%d: %d online, %d offline", o.Devices, o.Online, o.Offline)
	if o.Asleep > 0 {
		count += fmt.Sprintf(", %d asleep", o.Asleep)
	}
	if o.Starting > 0 {
		count += fmt.Sprintf(", %d starting", o.Starting)
	}
	if o.Late > 0 {
		count += fmt.Sprintf(", %d late (silent for longer than they usually are)", o.Late)
	}
	if unheard := o.Devices - o.Online - o.Offline - o.Asleep - o.Late - o.Starting; unheard > 0 {
		count += fmt.Sprintf(", %d not heard yet", unheard)
	}
	list("Devices", []string{count})
	list("Commands", []string{fmt.Sprintf("%d pending", o.Pending)})
	count = fmt.Sprintf("%d handled, %d not understood", o.Messages, o.Faults)
	if o.Faults > 0 {
		count += "; \"hub device ls\" marks whose, \"hub device show ID\" says why"
	}
	list("Messages", []string{count})
	for _, f := range o.Unclaimed {
		list("", []string{"of no known device: " + f.text(now)})
	}
}
