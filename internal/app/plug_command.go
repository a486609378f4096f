package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"home.arpa/homehub/devices"
)

// PlugCommand is a command that was on its way when the plug was pulled.
type PlugCommand struct {
	// When says when it was given, for people: "to a lamp without power".
	When string
	// Device is whose it was.
	Device string
	// Status and Reason are its last ones; no Status means that the hub does not know it any more.
	Status devices.Status
	Reason string
	// After is how long after the start of the program it was done.
	After time.Duration
}

// Lost says that nobody will ever know what became of the command: the hub has forgotten it, or left it unfinished.
func (c PlugCommand) Lost() bool {
	return c.Status == "" || c.Status == devices.Waiting || c.Status == devices.Sent
}

// orders are the commands of one round, each to a lamp of its own. A house with few lamps gets fewer of them.
type orders struct {
	plug     *plug
	lamps    []string // not commanded yet
	level    int
	away     string    // the lamp without power, empty for none
	began    time.Time // the program's start
	commands []PlugCommand
	ids      []string // of the commands
}

func newOrders(p *plug, round int) *orders {
	lamps := slices.Clone(p.lamps)
	for range 3 * round % len(lamps) {
		lamps = append(lamps[1:], lamps[0])
	}
	return &orders{plug: p, lamps: lamps, level: 20 + round*7%60}
}

// give commands the next lamp.
func (o *orders) give(ctx context.Context, when string) error {
	lamp := o.lamps[0]
	o.lamps = o.lamps[1:]
	o.level++
	id, err := o.plug.api.command(ctx, lamp, o.level)
	if err != nil {
		return fmt.Errorf("commanding %s: %w", lamp, err)
	}
	o.commands = append(o.commands, PlugCommand{When: when, Device: lamp})
	o.ids = append(o.ids, id)
	return nil
}

// toSomebodyAway takes the power from a lamp and commands it then: the command waits.
func (o *orders) toSomebodyAway(ctx context.Context) error {
	o.away = o.lamps[0]
	if err := o.plug.house.CutPower(o.away); err != nil {
		return err
	}
	if err := eventually(ctx, func() bool { return o.plug.api.presence(ctx, o.away) == devices.Offline }); err != nil {
		return err
	}
	return o.give(ctx, "to a lamp without power")
}

// inTheLastMoment commands a lamp right before the plug is pulled.
func (o *orders) inTheLastMoment(ctx context.Context) error {
	if len(o.lamps) == 0 {
		return nil
	}
	return o.give(ctx, "in the last moment")
}

// duringTheReturn commands a lamp as soon as the hub listens again; whoever tried during the outage has tried until then.
func (o *orders) duringTheReturn(ctx context.Context) error {
	if len(o.lamps) == 0 {
		return nil
	}
	if err := eventually(ctx, func() bool { return o.plug.api.answers(ctx) }); err != nil {
		return err
	}
	return o.give(ctx, "during the outage, repeated until it was taken")
}

// dark is how many devices have no power.
func (o *orders) dark() int {
	if o.away == "" {
		return 0
	}
	return 1
}

func (o *orders) restorePower() error {
	if o.away == "" {
		return nil
	}
	return o.plug.house.RestorePower(o.away)
}

// outcome waits until all commands are done and notes what became of them.
func (o *orders) outcome(ctx context.Context) error {
	for i, id := range o.ids {
		for c := &o.commands[i]; ; {
			now, known, err := o.plug.api.find(ctx, id)
			if err != nil {
				return err
			}
			c.Status, c.Reason = now.Status, now.Reason
			if !known {
				break
			}
			if !now.Done.IsZero() {
				c.After = max(0, now.Done.Sub(o.began))
				break
			}
		}
	}
	return nil
}

// api talks to the hub as any other program would, with a connection for each request, so that none is left of one that was killed.
type api struct {
	base   string
	client http.Client
}

func newAPI(address string) *api {
	return &api{base: "http://" + address + "/api/v1", client: http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

// call sends a request and reads the answer into out. It returns the status of the answer.
func (a *api) call(ctx context.Context, method, path string, in, out any) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return 0, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, &body)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusNotFound {
		return resp.StatusCode, nil
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return resp.StatusCode, fmt.Errorf("%s %s: the hub answers %s", method, path, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return resp.StatusCode, fmt.Errorf("%s %s: reading the hub's answer: %w", method, path, err)
	}
	return resp.StatusCode, nil
}

// told is what the API says of a command, as far as it matters here; its value is not for a program to read back.
type told struct {
	ID     string         `json:"id"`
	Status devices.Status `json:"status"`
	Reason string         `json:"reason"`
	Done   time.Time      `json:"done"`
}

// seen is what the API says of a device, as far as it matters here.
type seen struct {
	ID         string        `json:"id"`
	Via        string        `json:"via"`
	Reach      devices.Reach `json:"reach"`
	Components []struct {
		ID         string `json:"id"`
		Properties []struct {
			ID       string `json:"id"`
			Settable bool   `json:"settable"`
		} `json:"properties"`
	} `json:"components"`
}

// answers says whether the hub answers.
func (a *api) answers(ctx context.Context) bool {
	_, err := a.call(ctx, http.MethodGet, "/status", nil, &struct{}{})
	return err == nil
}

// presence is what the hub knows of a device's, empty when it does not answer.
func (a *api) presence(ctx context.Context, id string) devices.Presence {
	var d seen
	if _, err := a.call(ctx, http.MethodGet, "/devices/"+url.PathEscape(id), nil, &d); err != nil {
		return ""
	}
	return d.Reach.Presence
}

// allOnline says whether the hub knows all of some devices to be online. It may know more: a bridge, a group of lamps.
func (a *api) allOnline(ctx context.Context, ids []string) bool {
	var all []seen
	if _, err := a.call(ctx, http.MethodGet, "/devices", nil, &all); err != nil {
		return false
	}
	online := 0
	for _, d := range all {
		if d.Reach.Presence == devices.Online && slices.Contains(ids, d.ID) {
			online++
		}
	}
	return online == len(ids)
}

// lamps are those of some devices that have a light whose brightness can be set, and a connection of their own: what loses its power
// behind a bridge is missed by nobody for minutes.
func (a *api) lamps(ctx context.Context, among []string) (ids []string, err error) {
	var all []seen
	if _, err := a.call(ctx, http.MethodGet, "/devices", nil, &all); err != nil {
		return nil, err
	}
	for _, d := range all {
		if d.Via != "" {
			continue
		}
		for _, c := range d.Components {
			for _, p := range c.Properties {
				if c.ID == "light" && p.ID == devices.Brightness && p.Settable && slices.Contains(among, d.ID) {
					ids = append(ids, d.ID)
				}
			}
		}
	}
	if len(ids) == 0 {
		return nil, errNoLamps
	}
	return ids, nil
}

// command wants a lamp to have a brightness, in percent, and returns the command's ID.
func (a *api) command(ctx context.Context, lamp string, level int) (id string, err error) {
	var c told
	in := map[string]any{"component": "light", "property": devices.Brightness, "value": level}
	status, err := a.call(ctx, http.MethodPost, "/devices/"+url.PathEscape(lamp)+"/commands", in, &c)
	if err == nil && c.ID == "" {
		err = fmt.Errorf("the hub answers %d", status)
	}
	return c.ID, err
}

// find waits for the end of a command for a second at most. known is false when the hub has no such command.
func (a *api) find(ctx context.Context, id string) (c told, known bool, err error) {
	status, err := a.call(ctx, http.MethodGet, "/commands/"+url.PathEscape(id)+"?wait=1s", nil, &c)
	return c, status == http.StatusOK, err
}
