// Package app builds the hub from its parts and holds it up: it knows the start order and the stop order, and nothing of
// what the parts do. The programs under cmd call it; nobody else does.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"home.arpa/homehub/broker/embedded"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/internal/config"
	"home.arpa/homehub/internal/credential"
	"home.arpa/homehub/store/sqlite"
	"home.arpa/homehub/web"
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
}

// Users are the MQTT users in a data folder. They can be changed beside a running hub.
func Users(dataDir string) *credential.File {
	return credential.Open(filepath.Join(dataDir, "users.json"))
}

// Tokens are the tokens for the pages and the API in a data folder. They can be changed beside a running hub.
func Tokens(dataDir string) *credential.File {
	return credential.Open(filepath.Join(dataDir, "tokens.json"))
}

// Serve runs the hub until ctx ends.
func Serve(ctx context.Context, cfg config.Config, o Options) error {
	h, err := build(ctx, cfg, o, nil)
	if err != nil {
		return err
	}
	defer h.close()
	return hold(ctx, h.log, h.parts, func() { h.announce(o.Out) })
}

// house is everything that a running hub consists of.
type house struct {
	log   *slog.Logger
	cfg   config.Config
	zone  *time.Location
	store *sqlite.Store
	hub   *hub.Hub
	parts []part

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
	h := &house{log: o.Log, cfg: cfg}
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
		DataDir: cfg.DataDir, TimeZone: h.zone, Ready: h.ready,
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

// credentials opens users or tokens. A damaged file is an error at the start, when somebody looks; later it lets nobody in.
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
	users, err := h.credentials(Users)
	if err != nil {
		return nil, nil, err
	}
	anonymous, err := embedded.ParseAnonymousPolicy(h.cfg.MQTT.Anonymous)
	if err != nil {
		return nil, nil, err
	}
	b, err := embedded.New(embedded.Options{
		Snapshot: filepath.Join(h.cfg.DataDir, "broker.snapshot"), Anonymous: anonymous, Authenticate: users.Verify,
		Access: ownTopics{}, Origins: h.cfg.MQTT.AllowedOrigins, Logger: log,
		MaxPacketSize: h.cfg.MQTT.MaxPacketSize, MaxQueued: h.cfg.MQTT.MaxQueuedMessages,
	})
	if err != nil {
		return nil, nil, err
	}
	addr, err := b.Listen(h.cfg.MQTT.Listen)
	if err != nil {
		return nil, nil, listenError("MQTT", h.cfg.MQTT.Listen, config.FlagName("mqtt.listen"), err)
	}
	h.mqtt = reachable("mqtt", addr, "")
	log.Info("listening for MQTT", "address", addr.String())
	server.MQTT, server.Broker, server.MQTTAddresses = b.WebSocket(), brokerView{b}, h.mqtt
	return b.Link(), &part{name: "the broker", run: b.Run}, nil
}

// ownTopics keeps the hub's own topics the hub's: others may only publish wishes there.
type ownTopics struct{}

func (o ownTopics) Permit(_, _ string) embedded.Permit { return o }

func (ownTopics) MayReceive(string) bool   { return true }
func (ownTopics) MaySubscribe(string) bool { return true }

func (ownTopics) MayPublish(topic string) bool {
	if topic[0] == '$' {
		return false
	}
	rest, own := strings.CutPrefix(topic, Domain+"/5/")
	return !own || strings.HasSuffix(rest, "/set")
}

// openHub builds the hub over its link.
func (h *house) openHub(link hub.Link, demo *Demo) error {
	discovery, err := homeassistant.New(homeassistant.Options{Prefix: h.cfg.HomeAssistant.Prefix})
	if err != nil {
		return err
	}
	options := hub.Options{
		Logger: h.log.With("component", "hub"), Exporter: homie.NewExporter(Domain), Keep: h.cfg.History.Keep,
	}
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
	h.hub, err = hub.New(link, h.store, []hub.Convention{discovery, homie.New()}, options)
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
	h.web = reachable("http", l.Addr(), "/")
	server.WebAddresses = h.web
	h.log.Info("listening for HTTP", "component", "web", "address", l.Addr().String())
	s, err := web.New(h.hub, server)
	if err != nil {
		return err
	}
	h.parts = append(h.parts, part{name: "the hub", run: h.hub.Run, ready: h.hub.Started()})
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

// announce prints where the hub is.
func (h *house) announce(out io.Writer) {
	if out == nil {
		return
	}
	w := &printer{w: out}
	w.line("Homehub is running.")
	w.line("")
	if h.cfg.External.URL != "" {
		w.line("  Broker  %s", h.mqtt[0])
	} else {
		w.list("  MQTT    ", h.mqtt)
		w.line("          %s", logins[h.cfg.MQTT.Anonymous])
	}
	w.list("  Pages   ", h.web)
	if h.cfg.Web.Anonymous == "loopback" {
		w.line("          from another machine log in with a token: hub token add NAME")
	} else {
		w.line("          log in with a token: hub token add NAME")
	}
	w.line("  Data    %s", h.cfg.DataDir)
	w.line("")
	w.line("Ctrl-C stops it.")
}

// logins say who needs one, by the policy in the configuration.
var logins = map[string]string{
	"loopback": "clients of this machine need no login; for the others: hub user add NAME --generate",
	"never":    "every client needs a login: hub user add NAME --generate",
	"always":   "no client needs a login: everybody who reaches this port may read and steer the house",
}

// printer writes lines; what cannot be written is nobody's trouble.
type printer struct{ w io.Writer }

func (p *printer) line(format string, args ...any) {
	_, _ = fmt.Fprintf(p.w, format+"\n", args...)
}

// list writes one line for each item, the label before the first.
func (p *printer) list(label string, items []string) {
	for i, item := range items {
		if i > 0 {
			label = strings.Repeat(" ", len(label))
		}
		p.line("%s%s", label, item)
	}
}

// brokerView shows the embedded broker to the pages.
type brokerView struct{ b *embedded.Broker }

func (v brokerView) Clients() []web.Client {
	var out []web.Client
	for _, c := range v.b.Clients() {
		out = append(out, web.Client{ID: c.ID, User: c.User, Address: c.Address, Since: c.Since})
	}
	return out
}

func (v brokerView) Counters() web.Counters {
	s := v.b.Stats()
	return web.Counters{
		MessagesReceived: s.MessagesReceived, MessagesSent: s.MessagesSent, MessagesDropped: s.MessagesDropped,
		BytesReceived: s.BytesReceived, BytesSent: s.BytesSent,
		Sessions: s.Sessions, Subscriptions: s.Subscriptions, Retained: s.Retained,
	}
}
