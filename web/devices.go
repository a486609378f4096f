package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// View is a device as the API spells it.
type View struct {
	hub.View
	// Telling are the properties that people look at daily, the most telling first, as component/property: see
	// [devices.Device.Telling].
	Telling []string `json:"telling"`
}

func viewed(v hub.View) View { return View{View: v, Telling: telling(v.Device)} }

func telling(d devices.Device) []string {
	refs := d.Telling()
	names := make([]string, len(refs))
	for i, ref := range refs {
		names[i] = ref.String()
	}
	return names
}

func (s *Server) listDevices(w http.ResponseWriter, r *http.Request) {
	// The number is taken before the devices: what happens in between comes twice, never not at all.
	o := s.hub.Overview()
	views := s.hub.Devices()
	if query := r.URL.Query(); query.Has("room") {
		views = slices.DeleteFunc(views, func(v hub.View) bool { return !strings.EqualFold(v.Room, query.Get("room")) })
	}
	all := make([]View, len(views))
	for i, v := range views {
		all[i] = viewed(v)
	}
	w.Header().Set("Last-Event-ID", eventID(o.Epoch, o.LastEvent))
	reply(w, http.StatusOK, all)
}

func (s *Server) getDevice(w http.ResponseWriter, r *http.Request) {
	view, err := s.hub.Device(r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, viewed(view))
}

func (s *Server) editDevice(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Name *string `json:"name"`
		Room *string `json:"room"`
	}
	if !body(w, r, &in) {
		return
	}
	if in.Name == nil && in.Room == nil {
		problem(w, http.StatusBadRequest, "nothing to change: give a name or a room")
		return
	}
	view, err := s.hub.Edit(r.Context(), r.PathValue("id"), in.Name, in.Room)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, viewed(view))
}

func (s *Server) removeDevice(w http.ResponseWriter, r *http.Request) {
	clearing := false
	switch what := r.URL.Query().Get("retained"); what {
	case "", "keep":
	case "clear":
		clearing = true
	default:
		problem(w, http.StatusBadRequest, fmt.Sprintf("retained is keep or clear, not %.40q", what))
		return
	}
	cleared, err := s.hub.Remove(r.Context(), r.PathValue("id"), clearing)
	switch {
	case err != nil:
		s.fail(w, r, err)
	case clearing:
		reply(w, http.StatusOK, list(cleared))
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// leftovers lists what the broker retains in a device's own topics.
func (s *Server) leftovers(w http.ResponseWriter, r *http.Request) {
	found, err := s.hub.Leftovers(r.Context(), r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, list(found))
}

func (s *Server) history(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	view, err := s.hub.Device(r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	component, property, ok := strings.Cut(query.Get("property"), "/")
	if !ok || component == "" || property == "" {
		problem(w, http.StatusBadRequest, fmt.Sprintf("which property? want ?property=component/property, such as light/brightness, not %.80q", query.Get("property")))
		return
	}
	path := devices.Path{Device: view.ID, Ref: devices.Ref{Component: component, Property: property}}
	if view.Property(path.Ref) == nil {
		problem(w, http.StatusNotFound, fmt.Sprintf("%s has no property %s", view.ID, path.Ref))
		return
	}
	to, ok := timeParam(w, r, "to", time.Now())
	if !ok {
		return
	}
	from, ok := timeParam(w, r, "from", to.Add(-24*time.Hour))
	if !ok {
		return
	}
	limit, ok := limitParam(w, r, 1000, 10_000)
	if !ok {
		return
	}
	readings, err := s.hub.History(r.Context(), path, from, to, limit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, list(readings))
}

// list makes an empty list of none, which JSON spells [] and not null.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// limitParam reads ?limit=, or answers why it cannot and returns false.
func limitParam(w http.ResponseWriter, r *http.Request, usual, highest int) (int, bool) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return usual, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > highest {
		problem(w, http.StatusBadRequest, fmt.Sprintf("limit is a number from 1 to %d, not %.40q", highest, text))
		return 0, false
	}
	return n, true
}

// timeParam reads a time in RFC 3339, or answers why it cannot and returns false.
func timeParam(w http.ResponseWriter, r *http.Request, name string, usual time.Time) (time.Time, bool) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return usual, true
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		problem(w, http.StatusBadRequest, fmt.Sprintf("%s is a time such as 2026-01-31T18:30:00Z, not %.40q", name, text))
		return time.Time{}, false
	}
	return at, true
}

// durationParam reads a duration of 0 to highest, or answers why it cannot and returns false.
func durationParam(w http.ResponseWriter, name, text string, highest time.Duration) (time.Duration, bool) {
	if text == "" {
		return 0, true
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > highest {
		problem(w, http.StatusBadRequest, fmt.Sprintf("%s is a duration such as 10s, at most %s, not %.40q", name, highest, text))
		return 0, false
	}
	return d, true
}
