package app

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"

	"home.arpa/homehub/broker/remote"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/internal/config"
)

// external makes the link to another broker.
func external(cfg config.Config, log *slog.Logger) (hub.Link, error) {
	e, will := cfg.External, homie.NewExporter(Domain).Will()
	o := remote.Options{
		URL: e.URL, User: e.User, PasswordFile: e.PasswordFile, CAFile: e.CA, ClientID: clientID(cfg.DataDir), Will: &will, Logger: log,
	}
	l, err := remote.New(o)
	if err != nil {
		return nil, err // never the interface around a nil
	}
	return l, nil
}

// clientID is the same in every life of this hub, and another for another machine or data folder, so that two hubs at one
// broker do not throw each other out.
func clientID(dataDir string) string {
	host, _ := os.Hostname() // none: the folder has to do
	sum := sha256.Sum256([]byte(host + "\x00" + dataDir))
	return fmt.Sprintf("homehub-%x", sum[:4])
}
