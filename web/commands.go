package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// CommandRequest is the body of POST /devices/{id}/commands.
type CommandRequest struct {
	Component string `json:"component"`
	Property  string `json:"property"`
	// Value is a JSON value of the property's type, or a string that spells it: true, 40, "heat", "on",
	// {"hue":120,"saturation":80}, "#ff8800".
	Value json.RawMessage `json:"value"`
	// Patience is how long to wait for the device's confirmation, such as "30s": 1s to 24h. Empty means the usual time
	// of such a property.
	Patience string `json:"patience,omitempty"`
}

// maxWait bounds ?wait=.
const maxWait = 5 * time.Minute

func (s *Server) sendCommand(w http.ResponseWriter, r *http.Request) {
	wait, ok := durationParam(w, "wait", r.URL.Query().Get("wait"), maxWait)
	if !ok {
		return
	}
	view, err := s.hub.Device(r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var in CommandRequest
	if !body(w, r, &in) {
		return
	}
	patience, ok := durationParam(w, "patience", in.Patience, 24*time.Hour)
	if !ok {
		return
	}
	if in.Patience != "" && patience < time.Second {
		problem(w, http.StatusBadRequest, "patience is at least 1s")
		return
	}
	ref := devices.Ref{Component: in.Component, Property: in.Property}
	p := view.Property(ref)
	if p == nil {
		problem(w, http.StatusNotFound, fmt.Sprintf("%s has no property %.140s; it has %s", view.ID, ref, settable(view)))
		return
	}
	if len(in.Value) == 0 || string(in.Value) == "null" {
		problem(w, http.StatusBadRequest, "there is no value; give \"value\"")
		return
	}
	value, err := p.ParseJSON(in.Value)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	cmd, err := s.hub.Send(r.Context(), hub.Request{
		Path: devices.Path{Device: view.ID, Ref: ref}, Value: value, Origin: origin(r), Patience: patience,
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if wait > 0 && cmd.Pending() {
		if cmd, err = s.await(w, r, cmd.ID, wait); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	w.Header().Set("Location", "/api/v1/commands/"+cmd.ID)
	status := http.StatusAccepted
	if !cmd.Pending() {
		status = http.StatusOK
	}
	reply(w, status, cmd)
}

func (s *Server) getCommand(w http.ResponseWriter, r *http.Request) {
	wait, ok := durationParam(w, "wait", r.URL.Query().Get("wait"), maxWait)
	if !ok {
		return
	}
	var cmd devices.Command
	var err error
	if wait > 0 {
		cmd, err = s.await(w, r, r.PathValue("id"), wait)
	} else {
		cmd, err = s.hub.Command(r.Context(), r.PathValue("id"))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, cmd)
}

func (s *Server) listCommands(w http.ResponseWriter, r *http.Request) {
	limit, ok := limitParam(w, r, 20, 200)
	if !ok {
		return
	}
	view, err := s.hub.Device(r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	all, err := s.hub.Commands(r.Context(), view.ID, limit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, list(all))
}

// await returns a command when it has ended, or as it is after the wait or when the server stops.
func (s *Server) await(w http.ResponseWriter, r *http.Request, id string, wait time.Duration) (devices.Command, error) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(wait + writeTimeout))
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	defer s.endWith(cancel)()
	cmd, err := s.hub.Wait(ctx, id)
	if err != nil && ctx.Err() != nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		err = nil // it is what it is
		if cmd.ID == "" {
			return s.hub.Command(r.Context(), id)
		}
	}
	return cmd, err
}

// endWith calls cancel when the server stops, until the function that it returns is called.
func (s *Server) endWith(cancel func()) (release func()) {
	released, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-s.stopping:
			cancel()
		case <-released:
		}
	}()
	return func() { close(released); <-ended }
}

// origin says of a request who wanted the command: browsers send Sec-Fetch-Site, and only the hub's own pages get here.
func origin(r *http.Request) string {
	if r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		return "dashboard"
	}
	if c := callerOf(r); c.By == "token" && c.Name != "" {
		return "api " + c.Name
	}
	return "api"
}

// settable names what can be set of a device, for an error's text.
func settable(v hub.View) string {
	var refs []string
	for _, c := range v.Components {
		for _, p := range c.Properties {
			if p.Settable {
				refs = append(refs, c.ID+"/"+p.ID)
			}
		}
	}
	if len(refs) == 0 {
		return "none that can be set"
	}
	if len(refs) > 20 {
		refs = append(refs[:20], "…")
	}
	return strings.Join(refs, ", ")
}
