package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// mqttClient is what GET /api/v1/status says of a client of the broker.
type mqttClient struct {
	ID               string    `json:"id"`
	User             string    `json:"user"`
	Address          string    `json:"address"`
	Transport        string    `json:"transport"`
	Version          string    `json:"version"`
	Since            time.Time `json:"since"`
	KeepAlive        int       `json:"keep_alive"`
	SessionExpiry    int64     `json:"session_expiry"`
	CleanStart       bool      `json:"clean_start"`
	Subscriptions    int       `json:"subscriptions"`
	Queued           int       `json:"queued"`
	Dropped          uint64    `json:"dropped"`
	MessagesReceived uint64    `json:"messages_received"`
	MessagesSent     uint64    `json:"messages_sent"`
	BytesReceived    uint64    `json:"bytes_received"`
	BytesSent        uint64    `json:"bytes_sent"`
	ReceivedRate     float64   `json:"received_rate"`
	SentRate         float64   `json:"sent_rate"`
}

func clientCommand() *cobra.Command {
	return group(&cobra.Command{Use: "client", Short: "List and show the clients of the broker, and those that it turned away"}, clientListCommand(), clientShowCommand(), clientRefusedCommand())
}

func clientListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "ls", SuggestFor: []string{"list"}, Short: "List the clients that are connected now", Args: takes(),
		Long: "List the clients that are connected now. IN and OUT are the messages that a client sends and gets, QUEUED are those that wait\n" +
			"for it, DROPPED those for which there was no room.",
	}
	return looking(cmd, func(ctx context.Context, c *client, _ []string) error {
		clients, err := c.mqttClients(ctx)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(clients)
		}
		if len(clients) == 0 {
			fmt.Fprintln(c.out, "no clients; hub status says where the broker listens")
			return nil
		}
		now := time.Now()
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tUSER\tADDRESS\tCONNECTED\tIN\tOUT\tQUEUED\tDROPPED")
		for _, m := range clients {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\n",
				m.ID, orDash(m.User), m.Address, span(now.Sub(m.Since)), rate(m.ReceivedRate), rate(m.SentRate), m.Queued, m.Dropped)
		}
		return w.Flush()
	})
}

func clientShowCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", SuggestFor: []string{"get", "info"}, Short: "Show one client of the broker", Args: takes("ID")}
	return looking(cmd, func(ctx context.Context, c *client, args []string) error {
		clients, err := c.mqttClients(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(clients, func(m mqttClient) bool { return m.ID == args[0] })
		if i < 0 {
			return fmt.Errorf("no client %q is connected; \"hub client ls\" lists those that are", args[0])
		}
		if c.json {
			return c.printJSON(clients[i])
		}
		return c.printClient(clients[i], time.Now())
	})
}

// refusal is what GET /api/v1/refusals says.
type refusal struct {
	Act     string    `json:"act"`
	Reason  string    `json:"reason"`
	Address string    `json:"address"`
	Client  string    `json:"client,omitempty"`
	User    string    `json:"user,omitempty"`
	Topic   string    `json:"topic,omitempty"`
	Others  bool      `json:"others,omitempty"`
	Count   uint64    `json:"count"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

func clientRefusedCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "refused", SuggestFor: []string{"denied", "rejected", "failed"}, Short: "List who was turned away of late, and what was not allowed", Args: takes(),
		Long: "List the clients that were turned away of late, and the messages and subscriptions that were not allowed, with the reason, the last one\n" +
			"first. This is where to look when a device does not appear.",
	}
	return looking(cmd, func(ctx context.Context, c *client, _ []string) error {
		if _, err := c.mqttClients(ctx); err != nil { // a broker elsewhere
			return err
		}
		var all []refusal
		return c.show(ctx, "/api/v1/refusals", &all, func() error { return c.printRefusals(all, time.Now()) })
	})
}

func (c *client) printRefusals(all []refusal, now time.Time) error {
	if len(all) == 0 {
		fmt.Fprintln(c.out, "nobody was turned away")
		return nil
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CLIENT\tUSER\tADDRESS\tTIMES\tLAST\tWHY")
	for _, r := range all {
		why := r.Reason
		if r.Topic != "" {
			why += ": " + r.Topic
		}
		name := orDash(r.Client)
		if r.Others {
			name = "(several)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", name, orDash(r.User), r.Address, r.Count, ago(r.Last, now), why)
	}
	return w.Flush()
}

// mqttClients asks for the clients; it fails when the broker is not the hub's own.
func (c *client) mqttClients(ctx context.Context) ([]mqttClient, error) {
	var s struct {
		Broker *struct {
			Clients []mqttClient `json:"clients"`
		} `json:"broker"`
	}
	if err := c.do(ctx, "GET", "/api/v1/status", nil, &s); err != nil {
		return nil, err
	}
	if s.Broker == nil {
		return nil, errors.New("this hub uses another broker (external.url), which knows its clients itself")
	}
	return s.Broker.Clients, nil
}

func (c *client) printClient(m mqttClient, now time.Time) error {
	fmt.Fprintln(c.out, m.ID)
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	line := func(label, format string, args ...any) {
		fmt.Fprintf(w, "  %s\t%s\n", label, fmt.Sprintf(format, args...))
	}
	line("User", "%s", orDash(m.User))
	line("Address", "%s", m.Address)
	line("Speaks", "MQTT %s over %s", m.Version, m.Transport)
	line("Connected", "for %s", span(now.Sub(m.Since)))
	if m.KeepAlive == 0 {
		line("Keep alive", "none: it may be silent for ever")
	} else {
		line("Keep alive", "%d s", m.KeepAlive)
	}
	switch session := "taken up"; {
	case m.SessionExpiry == 0:
		line("Session", "ends with the connection")
	case m.SessionExpiry < 0:
		line("Session", "kept for ever")
	default:
		if m.CleanStart {
			session = "new"
		}
		line("Session", "%s; kept for %s", session, span(time.Duration(m.SessionExpiry)*time.Second))
	}
	line("Subscriptions", "%d", m.Subscriptions)
	line("Received", "%d messages, %s over the last minute; %d bytes", m.MessagesReceived, rate(m.ReceivedRate), m.BytesReceived)
	line("Sent", "%d messages, %s over the last minute; %d bytes", m.MessagesSent, rate(m.SentRate), m.BytesSent)
	line("Waiting", "%d messages", m.Queued)
	line("Dropped", "%d messages for want of room", m.Dropped)
	return w.Flush()
}

// rate spells a number a second.
func rate(perSecond float64) string {
	switch {
	case perSecond == 0:
		return "0/s"
	case perSecond < 0.1:
		return fmt.Sprintf("%.1f/min", perSecond*60)
	}
	return fmt.Sprintf("%.1f/s", perSecond)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
