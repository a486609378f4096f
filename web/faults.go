package web

import (
	"net/http"
	"slices"

	"home.arpa/homehub/hub"
)

// Fault is a message that could not be understood, and the device that it came from.
type Fault struct {
	// Device is the device's ID, empty where no known device is meant: nobody would find that beside a device.
	Device string `json:"device,omitempty"`
	hub.FaultNote
}

func (s *Server) listFaults(w http.ResponseWriter, _ *http.Request) {
	all := []Fault{}
	for _, note := range s.hub.Overview().Unclaimed {
		all = append(all, Fault{FaultNote: note})
	}
	for _, v := range s.hub.Devices() {
		for _, note := range v.LastFaults {
			all = append(all, Fault{v.ID, note})
		}
	}
	slices.SortStableFunc(all, func(a, b Fault) int { return b.At.Compare(a.At) })
	reply(w, http.StatusOK, all)
}
