package app

import (
	"fmt"
	"io"
	"strings"
)

// announce prints where the hub is.
func (h *house) announce(out io.Writer) {
	if out == nil {
		return
	}
	w, flag := &printer{w: out}, h.cfg.DataFlag()
	w.line("Homehub is running.")
	w.line("")
	if h.cfg.External.URL != "" {
		w.line("  Broker  %s", h.mqtt[0])
	} else {
		w.list("  MQTT    ", h.mqtt)
		w.line("          %s", strings.ReplaceAll(logins[h.cfg.MQTT.Anonymous], "FLAG", flag))
	}
	w.list("  Pages   ", h.web)
	if h.cfg.Web.Anonymous == "loopback" {
		w.line("          from another machine log in with a token: hub token add NAME%s", flag)
	} else {
		w.line("          log in with a token: hub token add NAME%s", flag)
	}
	w.line("  Data    %s", h.cfg.DataDir)
	w.line("")
	w.line("Ctrl-C stops it.")
}

// logins say who needs one, by the policy in the configuration; FLAG is where config.DataFlag goes.
var logins = map[string]string{
	"loopback": "clients of this machine need no login; for the others: hub user add NAME --generateFLAG",
	"never":    "every client needs a login: hub user add NAME --generateFLAG",
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
