// Package web is the hub's face on HTTP: the API, the event stream, the metrics and the dashboard. Package app builds a
// Server over a hub.API and gives it a listener; browsers, the programs' commands and Prometheus are the callers.
//
// It keeps no state of the house of its own and decides nothing about devices: every answer is asked of the hub at that
// moment. It never touches the store or a broker; what it shows of the broker comes through the small interface Broker.
// The MQTT handler that it mounts at /mqtt is somebody else's, which checks the Origin by its own rules: web only checks the Host before it.
//
// # Who may do what
//
// Every request must name the hub by a name that the hub knows (421 otherwise: a web page elsewhere may have pointed its
// own name at this machine), and whatever changes something must come from the hub's own pages or from no page at all
// (403). Then one of these is needed for everything but /healthz, /readyz, the login page and its files:
//
//   - a bearer token: Authorization: Bearer …, checked by Options.Authenticate;
//   - a session: the cookie that POST /api/v1/session gives for a token;
//   - trust in this machine, where Options.OpenLoopback allows it: see Loopback.
//
// # The API
//
// All paths begin with /api/v1. Times are RFC 3339, errors are application/problem+json (type, title, status, detail),
// request bodies are application/json with no unknown fields. Lists are never null.
//
//	GET    /devices?room=NAME                  []View; the header Last-Event-ID is where a stream goes on
//	GET    /devices/{id}                       View
//	PATCH  /devices/{id}                       {"name"?, "room"?} → View
//	DELETE /devices/{id}?retained=keep         204; its history and its links go, and it comes back when it announces itself again. With retained=clear, what the broker retains in
//	                                           its name is cleared, too: 200 []hub.Leftover
//	GET    /devices/{id}/retained              []hub.Leftover, what the broker retains in the device's own topics
//	POST   /devices/{id}/commands?wait=10s     CommandRequest → 202 (200: it has ended), Location, devices.Command
//	GET    /devices/{id}/commands?limit=20     []devices.Command, newest first
//	GET    /devices/{id}/history?property=light/brightness&from=&to=&limit=1000
//	                                           []devices.Reading, oldest first; the last 24 h by default
//	GET    /commands/{id}?wait=10s             devices.Command; with wait, when it has ended or the time is over
//	GET    /links                              []Link
//	POST   /links                              Link → 201 Link: whatever from reports is wanted of to
//	DELETE /links?from=&to=                    204; the body may be a Link instead
//	GET    /faults                             []Fault: what was not understood, newest first, of known devices and of none
//	GET    /refusals                           []Refusal: what the broker did not let its clients do, the last first
//	GET    /status                             Status
//	GET    /session                            {"name", "by"}: who the caller is, and whether by token, session or loopback
//	POST   /session                            {"token"} → 204 and a cookie
//	DELETE /session                            204: signed out
//	GET    /events?device=ID&after=ID          server-sent events, see below
//
// # The event stream
//
// Each event has an id, <epoch>-<number>. A client that comes back with the header Last-Event-ID, or with ?after=, gets
// what it missed. When that cannot be, or when it names no id, the first event is
//
//	reset     {"reason"}        load /devices anew; everything after this event will follow
//
// and then, each with "at" (when it happened) and "device" (its id):
//
//	joined    {"description"}   a device is there for the first time; the description is a devices.Device,
//	                            with telling as in View
//	changed   {"description"}   its description changed
//	reported  {"component", "property", "value", "heard", "device_time"?, "momentary"?}
//	presence  {"presence", "since", "why"?}
//	command   {"command"}       a devices.Command was made or moved
//	left      {}                it was removed
//
// A comment every 15 s shows that the line is alive; an id may come without an event. Readers that do not read are cut
// off.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"home.arpa/homehub/hub"
)

// Options are what a Server may be told beyond its hub. The zero value serves nobody but the health checks and the login
// page: there is no token that it would take.
type Options struct {
	// Logger takes the log; nil discards it.
	Logger *slog.Logger
	// MQTT is mounted at /mqtt, behind the check of the Host only: MQTT has its own logins, and its own list of the pages that may use it, so
	// that it has to check the Origin. Nil: no such path.
	MQTT http.Handler
	// Broker tells about the broker in this process; nil when the broker is elsewhere.
	Broker Broker
	// Authenticate says whose token it is. It is called for every request with a token or a session, from several
	// goroutines at once. Nil takes no token.
	Authenticate func(token string) (name string, ok bool)
	// OpenLoopback lets programs and browsers on this machine in without a login, by the rules of Loopback. False:
	// they need a token like everybody else.
	OpenLoopback bool
	// Hosts are names of this machine (without port) in addition to localhost, its host name, that with .local, and
	// homehub.local. IP addresses need not be named.
	Hosts []string
	// Version is the program's version; empty means "dev".
	Version string
	// Demo says that the house is simulated; the pages say so, too.
	Demo bool
	// Ready says why the program is not ready, or nil; nil is always ready.
	Ready func() error
	// MQTTAddresses and WebAddresses are where others in the house reach the hub, such as mqtt://192.168.1.5:1883, the
	// best first. They are only shown.
	MQTTAddresses []string
	WebAddresses  []string
	// DataDir is where the data is; it is only shown. Empty: not shown.
	DataDir string
	// DataFlag is what "hub user add" and its like beside the hub must be told to find that folder, such as " --data-dir /srv/hub";
	// empty: nothing.
	DataFlag string
	// TimeZone is the house's zone, in which the pages show times; nil means time.Local.
	TimeZone *time.Location
}

// Broker is what the pages and the metrics tell of the broker in this process.
type Broker interface {
	// Clients are the clients that are connected now, in any order.
	Clients() []Client
	// Counters are the broker's numbers.
	Counters() Counters
	// Refusals is what it did not let clients do of late, the last first.
	Refusals() []Refusal
}

// Client is a client of the broker.
type Client struct {
	ID      string `json:"id"`
	User    string `json:"user,omitempty"`
	Address string `json:"address"`
	// Transport is "tcp", "tls", "websocket" or "local", Version that of MQTT: "3.1", "3.1.1" or "5".
	Transport string `json:"transport,omitempty"`
	Version   string `json:"version,omitempty"`
	// Since is when it connected.
	Since time.Time `json:"since,omitzero"`
	// KeepAlive is how long it may be silent, in seconds, SessionExpiry how long its session outlives the connection; 0 of the one means for
	// ever, of the other not at all, and a negative SessionExpiry for ever.
	KeepAlive     int   `json:"keep_alive"`
	SessionExpiry int64 `json:"session_expiry"`
	// CleanStart says that it asked for a new session.
	CleanStart    bool `json:"clean_start"`
	Subscriptions int  `json:"subscriptions"`
	// Queued messages wait for it, Dropped ones found no room since its session began.
	Queued  int    `json:"queued"`
	Dropped uint64 `json:"dropped"`
	// Messages and bytes of this connection, and how many there were each second of the last half to whole minute.
	MessagesReceived uint64  `json:"messages_received"`
	MessagesSent     uint64  `json:"messages_sent"`
	BytesReceived    uint64  `json:"bytes_received"`
	BytesSent        uint64  `json:"bytes_sent"`
	ReceivedRate     float64 `json:"received_rate"`
	SentRate         float64 `json:"sent_rate"`
}

// Refusal is something that the broker did not let a client do, once or several times.
type Refusal struct {
	// Act is what was refused: "connect", "publish" or "subscribe". Reason says in words why, as a part of a sentence.
	Act    string `json:"act"`
	Reason string `json:"reason"`
	// Address is the IP address from which it was tried last, Client the client identifier if it was told, User the login name that was
	// claimed, Topic the topic or the filter of what was refused to a client that is connected.
	Address string `json:"address"`
	Client  string `json:"client,omitempty"`
	User    string `json:"user,omitempty"`
	Topic   string `json:"topic,omitempty"`
	// Others says that this stands for further ones of the same address or client, which were too many to be listed one by one.
	Others bool `json:"others,omitempty"`
	// Count is how often, First and Last when.
	Count uint64    `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

// Counters are the broker's numbers. Those in the first group only rise; the others are as of now.
type Counters struct {
	MessagesReceived uint64 `json:"messages_received"`
	MessagesSent     uint64 `json:"messages_sent"`
	MessagesDropped  uint64 `json:"messages_dropped"`
	BytesReceived    uint64 `json:"bytes_received"`
	BytesSent        uint64 `json:"bytes_sent"`
	// ReceivedByQoS and SentByQoS are the messages that went over the clients' connections. The hub's own are not among them.
	ReceivedByQoS [3]uint64 `json:"received_by_qos"`
	SentByQoS     [3]uint64 `json:"sent_by_qos"`
	// Dropped is MessagesDropped by reason, Refused what was refused by class: connections by why they were, and "publish" and "subscribe".
	Dropped map[string]uint64 `json:"dropped,omitempty"`
	Refused map[string]uint64 `json:"refused,omitempty"`
	// Connections that were accepted, Expired sessions whose client did not come back in time.
	Connections uint64 `json:"connections"`
	Expired     uint64 `json:"expired_sessions"`
	// JournalBytes were written to the journal, JournalSyncs times was it brought to the disk.
	JournalBytes uint64 `json:"journal_bytes"`
	JournalSyncs uint64 `json:"journal_syncs"`

	Connected     int `json:"connected"`
	Sessions      int `json:"sessions"`
	Subscriptions int `json:"subscriptions"`
	Retained      int `json:"retained"`
	RetainedBytes int `json:"retained_bytes"`
	Queued        int `json:"queued"`
	QueuedBytes   int `json:"queued_bytes"`
	// JournalErr is why the journal cannot be written, empty while it can.
	JournalErr string `json:"journal_error,omitempty"`
}

// Server serves a hub over HTTP.
type Server struct {
	hub      hub.API
	o        Options
	log      *slog.Logger
	hosts    map[string]bool
	pages    pages
	metrics  *metrics
	sessions sessions
	tries    tries
	handler  http.Handler

	// stopping is closed when Run's context ends: streams and waits end with it.
	stopping chan struct{}
	stop     func()
	// inflight is held for reading by every request but those of /mqtt; Run takes it to know that all have ended.
	inflight sync.RWMutex
	closed   bool // guarded by inflight
}

// New returns a server for a hub. It fails when Options.Hosts holds what is no host name.
func New(h hub.API, o Options) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Authenticate == nil {
		o.Authenticate = func(string) (string, bool) { return "", false }
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	if o.TimeZone == nil {
		o.TimeZone = time.Local
	}
	s := &Server{hub: h, o: o, log: o.Logger, stopping: make(chan struct{})}
	s.stop = sync.OnceFunc(func() { close(s.stopping) })
	var err error
	if s.hosts, err = knownHosts(o.Hosts); err != nil {
		return nil, err
	}
	if s.pages, err = loadPages(); err != nil {
		return nil, fmt.Errorf("loading the pages: %w", err)
	}
	s.metrics = newMetrics(s)
	s.handler = s.guard(s.routes())
	return s, nil
}

// Handler returns the handler of everything that the server serves.
func (s *Server) Handler() http.Handler { return s.handler }

// Times that bound what a client may take. What lasts longer than writeTimeout, a stream or a wait, moves its deadline.
const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	drainTimeout  = time.Second
)

// Run serves on ln until ctx ends, then ends the streams at once and gives the other requests a second to finish. It
// closes ln and returns when no request is left but those of /mqtt, which end with the broker. The error is why ln could
// not be served any longer; nil when ctx ended. It is called once.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: headerTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()

	var err error
	select {
	case err = <-served:
		s.stop()
		_ = srv.Close()
	case <-ctx.Done():
		s.stop()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		if srv.Shutdown(drain) != nil {
			_ = srv.Close() // ends the contexts of the requests that are left
		}
		cancel()
		err = <-served
	}
	s.inflight.Lock()
	s.closed = true
	s.inflight.Unlock()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving on %s: %w", ln.Addr(), err)
}

// routes is the table of all paths. The API's answers are JSON even where there is nothing.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	api := func(path string, by methods) { mux.Handle("/api/v1"+path, s.signedIn(by)) }
	api("/devices", methods{"GET": s.listDevices})
	api("/devices/{id}", methods{"GET": s.getDevice, "PATCH": s.editDevice, "DELETE": s.removeDevice})
	api("/devices/{id}/commands", methods{"GET": s.listCommands, "POST": s.sendCommand})
	api("/devices/{id}/history", methods{"GET": s.history})
	api("/devices/{id}/retained", methods{"GET": s.leftovers})
	api("/commands/{id}", methods{"GET": s.getCommand})
	api("/links", methods{"GET": s.listLinks, "POST": s.addLink, "DELETE": s.removeLink})
	api("/faults", methods{"GET": s.listFaults})
	api("/refusals", methods{"GET": s.listRefusals})
	api("/status", methods{"GET": s.status})
	api("/events", methods{"GET": s.events})
	mux.Handle("/api/v1/session", methods{
		"GET": s.signedIn(methods{"": s.getSession}).ServeHTTP, "POST": s.signIn, "DELETE": s.signOut,
	})
	mux.Handle("/api/", s.signedIn(methods{"": func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusNotFound, "there is nothing at "+r.URL.Path+" in this API")
	}}))

	mux.Handle("/healthz", methods{"GET": s.healthz})
	mux.Handle("/readyz", methods{"GET": s.readyz})
	mux.Handle("/metrics", s.signedIn(methods{"GET": s.metrics.handler.ServeHTTP}))

	mux.Handle("/{$}", methods{"GET": s.dashboard})
	mux.Handle("/login", methods{"GET": s.login})
	mux.Handle("/static/{file}", methods{"GET": s.pages.serve})
	mux.Handle("/", methods{"": s.notFound})
	return mux
}

// methods dispatches by method, and answers those that are missing with 405 and Allow. A GET is good for a HEAD; the
// empty method is good for all.
type methods map[string]http.HandlerFunc

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h := m[method]; h != nil {
		h(w, r)
		return
	}
	if h := m[""]; h != nil {
		h(w, r)
		return
	}
	var allowed []string
	for _, a := range []string{"GET", "HEAD", "POST", "PATCH", "DELETE"} {
		if m[a] != nil || a == "HEAD" && m["GET"] != nil {
			allowed = append(allowed, a)
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	problem(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s takes %s, not %.20q", r.URL.Path, strings.Join(allowed, ", "), r.Method))
}
