package config

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
)

// Changed are the names of the keys that differ, in the order of configs/hub.yaml. Those that a running hub can take over are live, the
// others wait for a restart.
func Changed(before, after Config) (live, restart []string) {
	x, y := before.values(), after.values()
	for _, k := range keys {
		switch {
		case reflect.DeepEqual(x[k.name], y[k.name]):
		case k.live:
			live = append(live, k.name)
		default:
			restart = append(restart, k.name)
		}
	}
	// Turning TLS on or off changes what is listened on.
	for _, cert := range []string{"mqtt.tls.cert", "web.tls.cert"} {
		if i := slices.Index(live, cert); i >= 0 && (x[cert] == "") != (y[cert] == "") {
			live = slices.Delete(live, i, i+1)
			restart = append(restart, cert)
		}
	}
	return live, restart
}

// values are the settings by key.
func (c Config) values() map[string]any {
	all := map[string]any{}
	var walk func(v reflect.Value, prefix string)
	walk = func(v reflect.Value, prefix string) {
		for field, value := range v.Fields() {
			name := prefix + field.Tag.Get("mapstructure")
			if field.Type.Kind() == reflect.Struct {
				walk(value, name+".")
			} else {
				all[name] = value.Interface()
			}
		}
	}
	walk(reflect.ValueOf(c), "")
	return all
}

// together checks what keys want of each other. from says by what a key was set.
func (c Config) together(from map[string]string) error {
	var problems []error
	values := c.values()
	for _, rule := range []struct{ key, wants string }{
		{"mqtt.tls.cert", "mqtt.tls.key"},
		{"mqtt.tls.key", "mqtt.tls.cert"},
		{"mqtt.tls.client_ca", "mqtt.tls.cert"},
		{"mqtt.tls.client_crl", "mqtt.tls.client_ca"},
		{"web.tls.cert", "web.tls.key"},
		{"web.tls.key", "web.tls.cert"},
	} {
		if values[rule.key] != "" && values[rule.wants] == "" {
			problems = append(problems, fmt.Errorf("%s: is of no use without %s", from[rule.key], rule.wants))
		}
	}
	for _, word := range []string{Auto, All, None} {
		if slices.Contains(c.HomeAssistant.Export, word) && len(c.HomeAssistant.Export) > 1 {
			problems = append(problems, fmt.Errorf("%s: %s stands alone", from["homeassistant.export"], word))
		}
	}
	if c.MQTT.TLS.ClientAuth == "required" && c.MQTT.TLS.ClientCA == "" {
		problems = append(problems, fmt.Errorf("%s: cannot be required without mqtt.tls.client_ca", from["mqtt.tls.client_auth"]))
	}
	return errors.Join(append(problems, c.apart(from)...)...)
}

// apart says which of the ports that the hub listens on are one and the same.
func (c Config) apart(from map[string]string) (problems []error) {
	all := []struct{ key, address string }{{"mqtt.listen", c.MQTT.Listen}, {"mqtt.tls.listen", c.MQTT.TLS.Listen}, {"web.listen", c.Web.Listen}}
	if c.MQTT.TLS.Cert == "" {
		all[1].address = None
	}
	if c.External.URL != "" { // then there is no broker inside
		all[0].address, all[1].address = None, None
	}
	for i, a := range all {
		for _, b := range all[:i] {
			if !clash(a.address, b.address) {
				continue
			}
			set, other := a, b
			if from[a.key] == "" { // it has its default
				set, other = b, a
			}
			problems = append(problems, fmt.Errorf("%s: takes the port of %s, which is %s", from[set.key], other.key, other.address))
		}
	}
	return problems
}

// clash says whether two addresses cannot be listened on at once: they have the same port, and the same host, or one of them is all
// interfaces. Port 0 is another one each time.
func clash(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	covers := func(host, other string) bool {
		return host == "" || host == "::" || host == "0.0.0.0" && !strings.Contains(other, ":")
	}
	return hostA == hostB || covers(hostA, hostB) || covers(hostB, hostA)
}
