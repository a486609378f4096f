package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	// silence is how long a stream may say nothing before it counts as dead: the hub's heartbeat comes every 15 s.
	silence = 45 * time.Second
	// retryAfter is the pause between two tries to reach a hub that has gone.
	retryAfter = time.Second
)

func deviceWatchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "watch [ID]",
		Short: "Print what happens, line by line, until Ctrl-C",
		Long: "Print what happens to all devices, or to one, line by line, until Ctrl-C. When the hub goes away, it is waited for, and\n" +
			"what happened meanwhile is printed as far as the hub still knows it.\n\n" +
			"--json prints each event as one line of JSON, with the id by which the API's event stream can be resumed.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return takes("ID")(cmd, args)
			}
			return nil
		},
	}
	return looking(cmd, func(ctx context.Context, c *client, args []string) error {
		w := &watcher{client: c}
		if len(args) == 1 {
			w.device = args[0]
		}
		err := w.run(ctx)
		if ctx.Err() != nil {
			return nil // Ctrl-C is how it is meant to end
		}
		return err
	})
}

// watcher prints a hub's events.
type watcher struct {
	*client
	device string // empty: all
	last   string // the id of the newest event
	known  map[string]device
	width  int // of the longest ID
	gone   bool
}

// run prints events until ctx ends or the hub says no. A hub that cannot be reached at first is an error; later it is waited
// for.
func (w *watcher) run(ctx context.Context) error {
	if err := w.learn(ctx); err != nil {
		return err
	}
	for {
		err := w.stream(ctx)
		var p problem
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &p) && p.Status < http.StatusInternalServerError && p.Status != http.StatusTooManyRequests:
			return err
		case err != nil && !errors.As(err, &p) && !errors.As(err, new(unreachable)):
			return err // it cannot be printed
		case !w.gone:
			w.gone = true
			fmt.Fprintf(w.err, "hub: %s has gone; waiting for it to come back\n", w.base.Redacted())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryAfter):
		}
	}
}

// learn asks for the devices, whose properties have the units. An unknown device is an error: it would be silence for ever.
func (w *watcher) learn(ctx context.Context) error {
	var list []device
	if w.device != "" {
		list = make([]device, 1)
		if err := w.do(ctx, http.MethodGet, devicePath(w.device), nil, &list[0]); err != nil {
			return err
		}
	} else if err := w.do(ctx, http.MethodGet, "/api/v1/devices", nil, &list); err != nil {
		return err
	}
	w.known = map[string]device{}
	for _, d := range list {
		w.learnt(d)
	}
	return nil
}

func (w *watcher) learnt(d device) {
	w.known[d.ID] = d
	w.width = max(w.width, len(d.ID))
}

// stream prints one stream of events until it ends, which is no error: it is to be opened again.
func (w *watcher) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	path := "/api/v1/events"
	if w.device != "" {
		path += "?device=" + url.QueryEscape(w.device)
	}
	header := http.Header{"Accept": {"text/event-stream"}}
	if w.last != "" {
		header.Set("Last-Event-ID", w.last)
	}
	resp, err := w.request(ctx, http.MethodGet, path, nil, header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if w.gone {
		w.gone = false
		fmt.Fprintln(w.err, "hub: it is back")
	}
	begun := w.last != ""
	dead := time.AfterFunc(silence, cancel)
	defer dead.Stop()

	var name string
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 4<<20) // a description has that much at most; a longer line ends the stream
	for lines.Scan() {
		dead.Reset(silence)
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "id":
			w.last = value
		case "data":
			err := w.print(name, []byte(value))
			if err == nil && name == "reset" && begun {
				err = w.renew(ctx)
			}
			if err != nil {
				return err
			}
		case "":
			name = ""
		}
	}
	return nil
}

// renew is for a stream that starts anew: what happened since the last event is not known, so it asks how the devices are.
func (w *watcher) renew(ctx context.Context) error {
	fmt.Fprintln(w.err, "hub: what happened meanwhile is not known")
	before := w.known
	if err := w.learn(ctx); err != nil || w.json {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(w.known)) {
		if d := w.known[id]; d.Reach.Presence != before[id].Reach.Presence {
			if err := w.line(time.Now(), id, d.Reach.Presence); err != nil {
				return err
			}
		}
	}
	return nil
}

// event is what the stream says, as far as it is printed.
type event struct {
	At          time.Time       `json:"at"`
	Device      string          `json:"device"`
	Component   string          `json:"component"`
	Property    string          `json:"property"`
	Value       json.RawMessage `json:"value"`
	Presence    string          `json:"presence"`
	Why         string          `json:"why"`
	Command     command         `json:"command"`
	Description device          `json:"description"`
}

func (w *watcher) print(name string, data []byte) error {
	if w.json {
		line, err := json.Marshal(struct {
			Event string          `json:"event"`
			ID    string          `json:"id"`
			Data  json.RawMessage `json:"data"`
		}{name, w.last, data})
		if err != nil {
			return fmt.Errorf("reading an event: %w", err)
		}
		_, err = fmt.Fprintf(w.out, "%s\n", line)
		return err
	}
	var e event
	if err := read(data, &e); err != nil {
		return fmt.Errorf("reading an event: %w", err)
	}
	var text string
	switch name {
	case "reported":
		text = fmt.Sprintf("%s/%s %s", e.Component, e.Property, w.known[e.Device].property(e.Component, e.Property).spell(e.Value))
	case "presence":
		text = e.Presence
		if d, ok := w.known[e.Device]; ok {
			d.Reach.Presence = e.Presence
			w.known[e.Device] = d
		}
		if e.Why != "" {
			text += ": " + e.Why
		}
	case "command":
		text = e.Command.spell(w.known[e.Device].property(e.Command.Component, e.Command.Property))
	case "joined":
		text = "joined: " + e.Description.Name
		w.learnt(e.Description)
	case "changed":
		text = "changed its description"
		d, ok := w.known[e.Device]
		switch {
		case ok && d.Name != e.Description.Name:
			text = fmt.Sprintf("is now called %q", e.Description.Name)
		case ok && d.Room != e.Description.Room && e.Description.Room == "":
			text = "is in no room now"
		case ok && d.Room != e.Description.Room:
			text = fmt.Sprintf("is now in the room %q", e.Description.Room)
		}
		e.Description.Reach = d.Reach // a description has none
		w.learnt(e.Description)
	case "left":
		text = "was removed"
	default:
		return nil // reset, or something newer than this program
	}
	return w.line(e.At, e.Device, text)
}

func (w *watcher) line(at time.Time, device, text string) error {
	_, err := fmt.Fprintf(w.out, "%s  %-*s  %s\n", at.Local().Format("15:04:05"), w.width, device, text)
	return err
}
