package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const defaultHub = "http://127.0.0.1:1888"

// wantsHTTPS is how a port that speaks HTTPS answers plain HTTP; net/http writes it.
const wantsHTTPS = "Client sent an HTTP request to an HTTPS server"

// client talks to a running hub's HTTP API.
type client struct {
	base     *url.URL
	token    string
	http     *http.Client
	json     bool      // print what the hub says as JSON, and exactly
	out, err io.Writer // results, and what happens on the way
}

// looking gives a command the flags of those that look into a running hub, and runs it with a client.
func looking(cmd *cobra.Command, run func(ctx context.Context, c *client, args []string) error) *cobra.Command {
	var hub, tokenFile string
	var asJSON bool
	cmd.Flags().StringVar(&hub, "hub", "", "the hub's `URL` (or $HUB_URL; default "+defaultHub+")")
	cmd.Flags().StringVar(&tokenFile, "token-file", "", "`file` with a token of \"hub token add\" (or $HUB_TOKEN), for a hub on another machine")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := newClient(hub, tokenFile)
		if err != nil {
			return err
		}
		c.json, c.out, c.err = asJSON, cmd.OutOrStdout(), cmd.ErrOrStderr()
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
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("reading the hub's address %q: want something like %s", hub, defaultHub)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	transport.ResponseHeaderTimeout = 30 * time.Second // the longest that is asked for is a command's second
	if onThisMachine(base) {
		// The hub's certificate may be for names only, or of an authority that only the house knows. Who could pretend to be the hub at
		// a loopback address could do so over plain HTTP, which is what is spoken there by default.
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	}
	c := &client{base: base, token: os.Getenv("HUB_TOKEN"), http: &http.Client{Transport: transport, CheckRedirect: stay}}
	if tokenFile != "" {
		data, err := os.ReadFile(tokenFile)
		if err != nil {
			return nil, fmt.Errorf("reading the token: %w", err)
		}
		c.token = strings.TrimSpace(string(data))
	}
	return c, nil
}

// onThisMachine says whether a hub's address is a loopback address.
func onThisMachine(base *url.URL) bool {
	host := base.Hostname()
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// stay follows no redirect: the API has none, and what it is told is for the hub that was named.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// problem is an answer of the hub's that says no (RFC 9457).
type problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// Error is what the hub said, and what to do about it.
func (p problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	switch {
	case p.Status == http.StatusUnauthorized:
		text += "; give it in $HUB_TOKEN or with --token-file"
	case p.Status == http.StatusServiceUnavailable:
		text = "the hub is not ready: " + text
	case p.Status == http.StatusNotFound && strings.Contains(text, "no device "):
		text += "; \"hub device ls\" lists them"
	}
	return text
}

// unreachable is that no hub answers.
type unreachable struct {
	base *url.URL
	err  error
}

func (u unreachable) Error() string {
	err := u.err
	if untrusted := (*tls.CertificateVerificationError)(nil); errors.As(err, &untrusted) {
		return fmt.Sprintf("the certificate of %s is not trusted (%v); name the file of its authority in $SSL_CERT_FILE (\"hub cert make\" says which it is)",
			u.base.Redacted(), untrusted.Err)
	}
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err
	}
	if dial := (*net.OpError)(nil); errors.As(err, &dial) {
		err = dial.Err // the address is said already
	}
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		err = errors.New(dns.Err)
	}
	if call := (*os.SyscallError)(nil); errors.As(err, &call) {
		err = call.Err
	}
	return fmt.Sprintf("no hub answers at %s (%v); start one with \"hub serve\" or \"hub demo\", or say with --hub where it is", u.base.Redacted(), err)
}

func (u unreachable) Unwrap() error { return u.err }

// do asks the hub and decodes its answer into out (nil: not wanted): as it is into a json.RawMessage, else as read does.
func (c *client) do(ctx context.Context, method, path string, body, out any) error {
	resp, err := c.request(ctx, method, path, body, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if raw, ok := out.(*json.RawMessage); ok {
		err = json.NewDecoder(resp.Body).Decode(raw)
	} else {
		var data []byte
		if data, err = io.ReadAll(resp.Body); err == nil {
			err = read(data, out)
		}
	}
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w; is it a hub?", c.base.Redacted(), err)
	}
	return nil
}

// request returns an answer that says yes; its body is the caller's to close. The error is a problem, unreachable, or, when
// ctx has ended, an exitError.
func (c *client) request(ctx context.Context, method, path string, body any, header http.Header) (*http.Response, error) {
	var in io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.base.String(), "/")+path, in)
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
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, exitError{code: exitInterrupted}
		}
		return nil, unreachable{c.base, err}
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	resp.Body.Close()
	if resp.StatusCode == http.StatusBadRequest && strings.HasPrefix(string(data), wantsHTTPS) && c.base.Scheme == "http" {
		if !onThisMachine(c.base) { // there it is for people to say that they mean it: the token has gone unencrypted already
			return nil, fmt.Errorf("%s speaks HTTPS only; say https://%s", c.base.Redacted(), c.base.Host)
		}
		c.base.Scheme = "https"
		return c.request(ctx, method, path, body, header)
	}
	p := problem{}
	if read(data, &p) != nil || p.Title == "" && p.Detail == "" {
		p.Detail = fmt.Sprintf("%s answered %s; is it a hub?", c.base.Redacted(), resp.Status)
	}
	p.Status = resp.StatusCode
	return nil, p
}

// show prints the hub's answer to a question: as it is if JSON is wanted, else as people spells it after it was decoded
// into v.
func (c *client) show(ctx context.Context, path string, v any, people func() error) error {
	var raw json.RawMessage
	if err := c.do(ctx, http.MethodGet, path, nil, &raw); err != nil {
		return err
	}
	if c.json {
		return c.printJSON(raw)
	}
	if err := read(raw, v); err != nil {
		return fmt.Errorf("reading the hub's answer: %w", err)
	}
	return people()
}

func (c *client) printJSON(v any) error { return printJSON(c.out, v) }

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
