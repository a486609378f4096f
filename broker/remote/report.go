package remote

import (
	"errors"
	"io"
	"syscall"
	"time"

	"home.arpa/homehub/broker"
)

// reporter tells the handler and the log what became of the connection. Attempts that fail for the same reason again and
// again are told to the handler once, and logged once in five minutes.
type reporter struct {
	link    *Link
	handler broker.Handler
	isUp    bool
	last    string
	logged  time.Time
}

func (r *reporter) up() {
	r.isUp, r.last = true, ""
	r.link.options.Logger.Info("connected to the broker", "url", r.link.name(), "client", r.link.options.ClientID)
	r.handler.HandleLink(true, "connected to "+r.link.name())
}

// down tells that the connection was lost, or could not be made.
func (r *reporter) down(wasUp bool, err error) {
	said := plain(err)
	detail := "no connection to " + r.link.name() + ": " + said
	if wasUp {
		detail = "lost the connection to " + r.link.name() + ": " + said
	}
	news := wasUp || detail != r.last
	if now := time.Now(); news || now.Sub(r.logged) >= 5*time.Minute {
		r.logged = now
		r.link.options.Logger.Warn("no connection to the broker", "url", r.link.name(), "client", r.link.options.ClientID,
			"lost", wasUp, "error", said)
	}
	r.isUp, r.last = false, detail
	if news {
		r.handler.HandleLink(false, detail)
	}
}

func (r *reporter) closed() {
	if r.isUp {
		r.isUp = false
		r.handler.HandleLink(false, "closed the connection to "+r.link.name())
	}
}

// plain puts an error into words for people.
func plain(err error) string {
	switch {
	case err == nil:
		return "it ended"
	case errors.Is(err, errSilent):
		return errSilent.Error()
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrClosedPipe):
		return "the broker hung up"
	}
	return err.Error()
}
