package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

const defaultHub = "http://127.0.0.1:1888"

// client talks to a running hub's HTTP API.
type client struct {
	base  *url.URL
	token string
	json  bool // print what the hub says as JSON
	out   io.Writer
}

// looking gives a command the flags of those that look into a running hub, and runs it with a client.
func looking(cmd *cobra.Command, run func(ctx context.Context, c *client, args []string) error) *cobra.Command {
	var hub, tokenFile string
	var asJSON bool
	cmd.Flags().StringVar(&hub, "hub", "", "the hub's address (or $HUB_URL; default "+defaultHub+")")
	cmd.Flags().StringVar(&tokenFile, "token-file", "", "file with a token of \"hub token add\" (or $HUB_TOKEN), for a hub on another machine")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := newClient(hub, tokenFile)
		if err != nil {
			return err
		}
		c.json, c.out = asJSON, cmd.OutOrStdout()
		return run(cmd.Context(), c, args)
	}
	return cmd
}

func newClient(hub, tokenFile string) (*client, error) {
	if hub == "" {
		hub = os.Getenv("HUB_URL")
	}
	if hub == "" {
		hub = defaultHub
	}
	if !strings.Contains(hub, "://") {
		hub = "http://" + hub
	}
	base, err := url.Parse(hub)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("reading the hub's address %q: want something like %s", hub, defaultHub)
	}
	c := &client{base: base, token: os.Getenv("HUB_TOKEN")}
	if tokenFile != "" {
		data, err := os.ReadFile(tokenFile)
		if err != nil {
			return nil, fmt.Errorf("reading the token: %w", err)
		}
		c.token = strings.TrimSpace(string(data))
	}
	return c, nil
}

// problem is an answer of the hub's that says no (RFC 9457).
type problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

func (p problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	switch p.Status {
	case http.StatusUnauthorized:
		text += " (make a token with \"hub token add NAME\" where the hub runs, and give it in $HUB_TOKEN or with --token-file)"
	case http.StatusServiceUnavailable:
		text = "the hub is not ready: " + text
	}
	return text
}

// do asks the hub and decodes its answer into out (nil: not wanted).
func (c *client) do(ctx context.Context, method, path string, body, out any) error {
	resp, err := c.request(ctx, method, path, body, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("reading the hub's answer: %w", err)
	}
	return nil
}

// request returns an answer that says yes; its body is the caller's to close.
func (c *client) request(ctx context.Context, method, path string, body any, header http.Header) (*http.Response, error) {
	var in io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in = bytes.NewReader(data)
	}
	target := strings.TrimSuffix(c.base.String(), "/") + path
	req, err := http.NewRequestWithContext(ctx, method, target, in)
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	p := problem{}
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if json.Unmarshal(data, &p) != nil || p.Title == "" && p.Detail == "" {
		p.Detail = fmt.Sprintf("%s answered %s; is a hub there?", c.base, resp.Status)
	}
	p.Status = resp.StatusCode
	return nil, p
}

func (c *client) unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return exitError{code: 130}
	}
	var network net.Error
	if errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &network) {
		var op *url.Error
		if errors.As(err, &op) {
			err = op.Err
		}
		return fmt.Errorf("no hub answers at %s: %w; start one with \"hub serve\" or \"hub demo\", or name another with --hub", c.base, err)
	}
	return err
}

func (c *client) printJSON(v any) error {
	enc := json.NewEncoder(c.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// ago spells how long ago a time was, in the two largest units at most.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return span(now.Sub(t)) + " ago"
}

func span(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < 0:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}
