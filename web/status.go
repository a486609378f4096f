package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"home.arpa/homehub/hub"
)

// Status is what GET /status says.
type Status struct {
	Version       string       `json:"version"`
	Demo          bool         `json:"demo"`
	Now           time.Time    `json:"now"`
	TimeZone      string       `json:"time_zone"`
	Overview      hub.Overview `json:"overview"`
	MQTTAddresses []string     `json:"mqtt_addresses"`
	WebAddresses  []string     `json:"web_addresses"`
	DataDir       string       `json:"data_dir,omitempty"`
	// Broker is null when the broker is not in this process.
	Broker *BrokerStatus `json:"broker"`
}

// BrokerStatus is what Status tells of the broker in this process. Clients are sorted by ID.
type BrokerStatus struct {
	Clients  []Client `json:"clients"`
	Counters Counters `json:"counters"`
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	st := Status{
		Version: s.o.Version, Demo: s.o.Demo, Now: time.Now().UTC(), TimeZone: s.o.TimeZone.String(),
		Overview: s.hub.Overview(), MQTTAddresses: list(s.o.MQTTAddresses), WebAddresses: list(s.o.WebAddresses),
		DataDir: s.o.DataDir,
	}
	if s.o.Broker != nil {
		clients := slices.Clone(s.o.Broker.Clients())
		slices.SortFunc(clients, func(a, b Client) int { return strings.Compare(a.ID, b.ID) })
		st.Broker = &BrokerStatus{Clients: list(clients), Counters: s.o.Broker.Counters()}
	}
	reply(w, http.StatusOK, st)
}

// listRefusals has nothing to say of a broker elsewhere.
func (s *Server) listRefusals(w http.ResponseWriter, _ *http.Request) {
	var all []Refusal
	if s.o.Broker != nil {
		all = s.o.Broker.Refusals()
	}
	reply(w, http.StatusOK, list(all))
}

// healthz says that the program answers at all.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz says whether the program does its work.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := s.o.Ready(); err != nil {
		problem(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ready"})
}
