// Package app builds the hub from its parts and holds it up: it knows the start order and the stop order, and nothing of
// what the parts do. The programs under cmd call it; nobody else does.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"home.arpa/homehub/broker/embedded"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/internal/access"
	"home.arpa/homehub/internal/certificate"
	"home.arpa/homehub/internal/config"
	"home.arpa/homehub/internal/credential"
	"home.arpa/homehub/store/sqlite"
	"home.arpa/homehub/web"
)

// brokerStop is how long the broker may take to stop: a second for its clients' last words, and the disk's time. hubStop is the hub's: the
// store may take five seconds of it, and what is to be published half a second.
const (
	brokerStop = 10 * time.Second
	hubStop    = 8 * time.Second
)

// Domain is the Homie domain under which the hub publishes every device.
const Domain = "hub"

// Options are what Serve and Demo need beyond the configuration.
type Options struct {
	// Version of the program, for people.
	Version string
	// Out gets what was started and where it is. Nil: nothing is printed.
	Out io.Writer
	// Log takes the log; nil discards it.
	Log *slog.Logger
	// Level is that of Log, for a running hub to change. Nil: it stays as it is.
	Level *slog.LevelVar
	// Source is where the configuration came from, to be read again while the hub runs. Nil: it is not, but users, rules and
	// certificates are.
	Source *config.Input
	// Hangup makes the hub look at all of that at once, whether or not the files seem to have changed. Nil: nobody does.
	Hangup <-chan os.Signal
}

// Users are the MQTT users in a data folder. They can be changed beside a running hub.
func Users(dataDir string) *credential.File {
	return credential.Open(filepath.Join(dataDir, "users.json"))
}

// Tokens are the tokens for the pages and the API in a data folder. They can be changed beside a running hub.
func Tokens(dataDir string) *credential.File {
	return credential.Open(filepath.Join(dataDir, "tokens.json"))
}

// Certificates is the folder, in a data folder, of the certificates that the hub made itself.
func Certificates(dataDir string) string { return filepath.Join(dataDir, "certificates") }

// gcPercent is how much the heap may grow between two garbage collections, in percent of what is in use. The hub's live heap is small
// (some ten megabytes), and twice Go's usual 100 spares a busy hub a good part of its collections. GOGC in the environment
// has the last word.
const gcPercent = 200

// Serve runs the hub until ctx ends.
func Serve(ctx context.Context, cfg config.Config, o Options) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	h, err := build(ctx, cfg, o, nil)
	if err != nil {
		return err
	}
	defer h.close()
	r, err := newReloader(h, o)
	if err != nil {
		return err
	}
	parts := append(h.parts, part{name: "watching the configuration", run: r.run})
	return hold(ctx, h.log, parts, func() { h.announce(o.Out) })
}

// house is everything that a running hub consists of.
type house struct {
	log     *slog.Logger
	version string
	cfg     config.Config
	zone    *time.Location
	store   *sqlite.Store
	hub     *hub.Hub
	parts   []part

	broker          *embedded.Broker    // nil: the broker is elsewhere
	users           *credential.File    // nil then, too
	rules           *access.Rules       // in force; nil then, too
	mqttTLS, webTLS *certificate.Source // nil without TLS

	mqtt, web []string // addresses, best first
	unused    []io.Closer
}

// close gives back what was opened and is not closed by a part.
func (h *house) close() {
	for _, c := range h.unused {
		_ = c.Close() // a listener that its part has closed already
	}
	if err := h.store.Close(); err != nil {
		h.log.Error("closing the store", "error", err)
	}
}

// build makes everything up to the bound ports, so that an error surfaces before anything runs. demo is nil for a real
// house.
func build(ctx context.Context, cfg config.Config, o Options, demo *Demo) (_ *house, err error) {
	h := &house{log: o.Log, cfg: cfg, version: o.Version}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.zone, err = cfg.Location(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w; choose another one with --data-dir", err)
	}
	unlock, err := lockFolder(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	h.unused = append(h.unused, unlock)
	if h.store, err = sqlite.Open(ctx, filepath.Join(cfg.DataDir, "hub.db"), sqlite.Options{Logger: h.log.With("component", "store")}); err != nil {
		_ = unlock.Close()
		return nil, err
	}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	server := web.Options{
		Logger: h.log.With("component", "web"), OpenLoopback: demo != nil || cfg.Web.Anonymous == "loopback", Hosts: cfg.Web.Hosts, Version: o.Version, Demo: demo != nil,
		DataDir: cfg.DataDir, DataFlag: cfg.DataFlag(), TimeZone: h.zone, Ready: h.ready,
	}
	tokens, err := h.credentials(Tokens)
	if err != nil {
		return nil, err
	}
	server.Authenticate = tokens.VerifyAny

	link, runBroker, err := h.openBroker(&server)
	if err != nil {
		return nil, err
	}
	if err := h.openHub(link, demo); err != nil {
		return nil, err
	}
	if err := h.openWeb(server, runBroker); err != nil {
		return nil, err
	}
	return h, nil
}

// credentials opens users or tokens. A damaged file is an error at the start, when somebody looks; later what was
// read before it was damaged stays in force.
func (h *house) credentials(open func(dataDir string) *credential.File) (*credential.File, error) {
	f := open(h.cfg.DataDir)
	f.Logger = h.log.With("component", "access")
	if err := f.Check(); err != nil {
		return nil, fmt.Errorf("%w; move %s away to start without it", err, f.Path())
	}
	return f, nil
}

// openBroker makes the link: to the embedded broker, which it binds to its port, or to another one. run is the broker's part,
// nil when the broker is elsewhere.
func (h *house) openBroker(server *web.Options) (link hub.Link, run *part, err error) {
	log := h.log.With("component", "broker")
	if h.cfg.External.URL != "" {
		link, err := external(h.cfg, log)
		if err != nil {
			return nil, nil, err
		}
		h.mqtt = []string{h.cfg.External.Redacted()}
		server.MQTTAddresses = h.mqtt
		return link, nil, nil
	}
	if h.users, err = h.credentials(Users); err != nil {
		return nil, nil, err
	}
	o, err := h.brokerOptions(h.cfg)
	if err != nil {
		return nil, nil, err
	}
	b, err := embedded.New(o)
	if err != nil {
		return nil, nil, err
	}
	h.broker, h.rules = b, rulesOf(o)
	if err := h.listenMQTT(log); err != nil {
		return nil, nil, err
	}
	server.MQTT, server.Broker, server.MQTTAddresses = b.WebSocket(), brokerView{b}, h.mqtt
	return b.Link(), &part{name: "the broker", run: b.Run, patience: brokerStop}, nil
}

// AccessRules are the rules of access in a data folder: who may publish to, receive and subscribe to which topics of the embedded
// broker. Without a file everybody who may log in may do everything, except to publish to the hub's own topics.
func AccessRules(dataDir string) (*access.Rules, error) {
	return access.Load(filepath.Join(dataDir, "access.yaml"), Domain)
}

// ruled gives rules of access to the broker.
type ruled struct{ *access.Rules }

func (r ruled) Permit(client, user string) embedded.Permit { return r.Rules.Permit(client, user) }

// rulesOf are the rules in the broker's options.
func rulesOf(o embedded.Options) *access.Rules { return o.Access.(ruled).Rules }

// access reads the rules of access for the broker's options, at the start and when they are made again. It changes nothing: rules are in
// force when the broker has the options, and then they belong into h.rules.
func (h *house) access() (embedded.Access, error) {
	load := func() (*access.Rules, error) { return AccessRules(h.cfg.DataDir) }
	if h.rules != nil {
		load = h.rules.Reload
	}
	rules, err := load()
	if err != nil {
		return nil, err
	}
	return ruled{rules}, nil
}

// openHub builds the hub over its link.
func (h *house) openHub(link hub.Link, demo *Demo) error {
	all, err := Conventions(h.cfg)
	if err != nil {
		return err
	}
	options := hub.Options{
		Logger: h.log.With("component", "hub"), Exporter: homie.NewExporter(Domain), Keep: h.cfg.History.Keep,
	}
	announcer, err := announcer(h.cfg)
	if err != nil {
		return err
	}
	options.Announcers = []hub.Announcer{announcer}
	links := h.cfg.Links
	if demo != nil {
		links = append(links, demoLink)
	}
	for _, l := range links {
		f, err := follow(l)
		if err != nil {
			return err
		}
		options.Follows = append(options.Follows, f)
	}
	h.hub, err = hub.New(link, h.store, all, options)
	return err
}

func follow(l config.Link) (hub.Follow, error) {
	from, err1 := devices.ParsePath(l.From)
	to, err2 := devices.ParsePath(l.To)
	return hub.Follow{From: from, To: to}, errors.Join(err1, err2)
}

// openWeb binds the pages' port and puts the parts in their order. The broker lets clients in when the hub listens, and sends
// them away before the hub stops, so that the hub misses nothing of what the broker has acknowledged.
func (h *house) openWeb(server web.Options, broker *part) error {
	l, err := net.Listen("tcp", h.cfg.Web.Listen)
	if err != nil {
		return listenError("the pages", h.cfg.Web.Listen, config.FlagName("web.listen"), err)
	}
	h.unused = append(h.unused, l)
	scheme := "http"
	if h.cfg.Web.TLS.Cert != "" {
		if h.webTLS, err = h.certificate(webFiles(h.cfg)); err != nil {
			return err
		}
		l, scheme = tls.NewListener(l, h.webTLS.Config()), "https"
	}
	h.web = reachable(scheme, l.Addr(), "/")
	server.WebAddresses = h.web
	h.log.Info("listening for HTTP", "component", "web", "address", l.Addr().String(), "scheme", scheme)
	s, err := web.New(h.hub, server)
	if err != nil {
		return err
	}
	h.parts = append(h.parts, part{name: "the hub", run: h.hub.Run, ready: h.hub.Started(), patience: hubStop})
	if broker != nil {
		h.parts = append(h.parts, *broker)
	}
	h.parts = append(h.parts, part{name: "the pages", run: func(ctx context.Context) error { return s.Run(ctx, l) }})
	return nil
}

// ready says why the hub is not ready.
func (h *house) ready() error {
	if o := h.hub.Overview(); !o.LinkUp {
		return errors.New("no broker: " + o.LinkNote)
	}
	return nil
}
