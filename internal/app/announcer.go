package app

import (
	"fmt"
	"slices"
	"strings"

	"home.arpa/homehub/devices/homeassistant/announce"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/internal/config"
)

// announcer makes devices known to Home Assistant as the configuration wants it. It is there, too, when nothing is to be announced: then it
// has the hub take back what was announced before.
func announcer(cfg config.Config, conventions []hub.Convention) (hub.Announcer, error) {
	o := announce.Options{Prefix: cfg.HomeAssistant.Prefix, Domain: Domain}
	var known []string
	for _, c := range conventions {
		known = append(known, c.Name())
	}
	for _, family := range cfg.HomeAssistant.Export {
		switch {
		case family == config.All, family == config.Auto && cfg.External.URL == "":
			o.All = true
		case family == config.Auto, family == config.None:
		case !slices.Contains(known, family):
			return nil, fmt.Errorf("homeassistant.export: %q is none of the families of devices, which are %s", family, strings.Join(known, ", "))
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
