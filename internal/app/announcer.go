package app

import (
	"home.arpa/homehub/devices/homeassistant/announce"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/internal/config"
)

// announcer makes devices known to Home Assistant as the configuration wants it. It is there, too, when nothing is to be announced: then it
// has the hub take back what was announced before.
func announcer(cfg config.Config) (hub.Announcer, error) {
	o := announce.Options{Prefix: cfg.HomeAssistant.Prefix, Domain: Domain}
	for _, family := range cfg.HomeAssistant.Export {
		switch {
		case family == config.All, family == config.Auto && cfg.External.URL == "":
			o.All = true
		case family == config.Auto, family == config.None:
		default:
			o.Families = append(o.Families, family)
		}
	}
	a, err := announce.New(o)
	if err != nil {
		return nil, err // never the interface around a nil
	}
	return a, nil
}
