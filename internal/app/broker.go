package app

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"home.arpa/homehub/broker/embedded"
	"home.arpa/homehub/internal/certificate"
	"home.arpa/homehub/internal/config"
)

// brokerOptions are the embedded broker's by a configuration, at the start and when it is reloaded.
func (h *house) brokerOptions(cfg config.Config) (embedded.Options, error) {
	anonymous, err := embedded.ParseAnonymousPolicy(cfg.MQTT.Anonymous)
	if err != nil {
		return embedded.Options{}, err
	}
	rules, err := h.access()
	if err != nil {
		return embedded.Options{}, err
	}
	o := embedded.Options{
		Version: h.version,
		Folder:  filepath.Join(cfg.DataDir, "broker"), Anonymous: anonymous, Authenticate: h.users.Verify,
		Access: rules, Origins: cfg.MQTT.AllowedOrigins, Logger: h.log.With("component", "broker"),
		VerifyCertificate: h.verifyCertificate, DurabilityInterval: cfg.Durability.Interval,
	}
	if cfg.Durability.Mode == "relaxed" {
		o.Durability = embedded.Relaxed
	}
	l := cfg.MQTT.Limits
	o.MaxPacketSize, o.MaxConnectSize, o.ConnectTimeout = int(l.PacketSize), int(l.ConnectSize), l.ConnectTime
	o.MaxConnections, o.MaxConnectionsPerAddress = l.Connections, l.ConnectionsPerAddress
	o.MaxStrangers, o.MaxStrangersPerAddress = l.Strangers, l.StrangersPerAddress
	o.MaxTopicLevels, o.MaxTopicSize = l.TopicLevels, int(l.TopicSize)
	o.MaxSubscriptions, o.MaxFilters = l.Subscriptions, l.FiltersPerPacket
	o.MaxInflight, o.ReceiveMaximum = l.Inflight, l.ReceiveMaximum
	o.MaxQueued, o.MaxQueuedBytes, o.MaxQueuedInAll = l.QueuedMessages, int(l.QueuedSize), int(l.QueuedInAll)
	o.MaxSessions = l.Sessions
	o.MaxRetained, o.MaxRetainedBytes = l.RetainedMessages, int(l.RetainedSize)
	o.MaxKeepAlive, o.MaxSessionExpiry = l.KeepAlive, l.SessionExpiry
	return o, nil
}

// listenMQTT binds the embedded broker to its ports.
func (h *house) listenMQTT(log *slog.Logger) error {
	m := h.cfg.MQTT
	if m.Listen != config.None {
		addr, err := h.broker.Listen(m.Listen)
		if err != nil {
			return listenError("MQTT", m.Listen, config.FlagName("mqtt.listen"), err)
		}
		h.mqtt = reachable("mqtt", addr, "")
		log.Info("listening for MQTT", "address", addr.String())
	}
	if m.TLS.Cert == "" {
		return nil
	}
	var err error
	if h.mqttTLS, err = h.certificate(mqttFiles(h.cfg)); err != nil {
		return err
	}
	addr, err := h.broker.ListenTLS(m.TLS.Listen, h.mqttTLS.Config())
	if err != nil {
		return listenError("MQTT over TLS", m.TLS.Listen, "mqtt.tls.listen", err)
	}
	h.mqtt = append(h.mqtt, reachable("mqtts", addr, "")...)
	log.Info("listening for MQTT over TLS", "address", addr.String())
	return nil
}

// mqttFiles and webFiles are the files for TLS by a configuration.
func mqttFiles(cfg config.Config) certificate.Files {
	t := cfg.MQTT.TLS
	return certificate.Files{Cert: t.Cert, Key: t.Key, ClientCA: t.ClientCA, ClientCRL: t.ClientCRL, RequireClient: t.ClientAuth == "required"}
}

// The pages speak HTTP/1.1 alone, over which a WebSocket can be opened. They need no certificate of a client: a handshake takes any, and the broker
// looks at that of who connects to it.
func webFiles(cfg config.Config) certificate.Files {
	f := certificate.Files{Cert: cfg.Web.TLS.Cert, Key: cfg.Web.TLS.Key, Protocols: []string{"http/1.1"}}
	if cfg.External.URL == "" {
		f.ClientCA, f.AnyClient = cfg.MQTT.TLS.ClientCA, true
	}
	return f
}

// verifyCertificate believes the certificates over secure WebSocket that are believed over TLS.
func (h *house) verifyCertificate(shown []*x509.Certificate) ([][]*x509.Certificate, error) {
	if h.mqttTLS == nil {
		return nil, errors.New("client certificates count when mqtt.tls.cert and client_ca were there when the hub started")
	}
	return h.mqttTLS.Set().Verify(shown)
}

// certificate loads the files for the start.
func (h *house) certificate(f certificate.Files) (*certificate.Source, error) {
	set, err := certificate.Load(f)
	if err != nil {
		return nil, fmt.Errorf("preparing TLS: %w", err)
	}
	return certificate.NewSource(set), nil
}
