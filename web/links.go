package web

import (
	"net/http"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// Link says that one property follows another: whatever From reports is wanted of To. Both are device/component/property.
type Link struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func (s *Server) listLinks(w http.ResponseWriter, _ *http.Request) {
	links := []Link{}
	for _, f := range s.hub.Follows() {
		links = append(links, Link{f.From.String(), f.To.String()})
	}
	reply(w, http.StatusOK, links)
}

func (s *Server) addLink(w http.ResponseWriter, r *http.Request) {
	var link Link
	if !body(w, r, &link) {
		return
	}
	f, ok := parseLink(w, link)
	if !ok {
		return
	}
	if err := s.hub.Follow(r.Context(), f); err != nil {
		s.fail(w, r, err)
		return
	}
	reply(w, http.StatusCreated, link)
}

func (s *Server) removeLink(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	link := Link{query.Get("from"), query.Get("to")}
	if !query.Has("from") && !query.Has("to") && !body(w, r, &link) {
		return
	}
	f, ok := parseLink(w, link)
	if !ok {
		return
	}
	if err := s.hub.Unfollow(r.Context(), f); err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func parseLink(w http.ResponseWriter, link Link) (hub.Follow, bool) {
	from, err := devices.ParsePath(link.From)
	if err != nil {
		problem(w, http.StatusBadRequest, "from: "+err.Error())
		return hub.Follow{}, false
	}
	to, err := devices.ParsePath(link.To)
	if err != nil {
		problem(w, http.StatusBadRequest, "to: "+err.Error())
		return hub.Follow{}, false
	}
	return hub.Follow{From: from, To: to}, true
}
