package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
)

// shellyError is an error as the firmware answers it.
type shellyError struct {
	code int
	text string
}

func (e shellyError) Error() string { return fmt.Sprintf("%s (%d)", e.text, e.code) }

// The firmware's errors.
const (
	shellyInvalid      = -103
	shellyNotFound     = -105
	shellyPrecondition = -109
	shellyNoHandler    = 404
)

// shellyParams are the parameters of a call.
type shellyParams map[string]any

// number is a parameter that is a number within limits; set says whether it is there.
func (p shellyParams) number(name string, low, high float64) (f float64, set bool, err error) {
	raw, set := p[name]
	if !set {
		return 0, false, nil
	}
	f, ok := raw.(float64)
	if !ok || f < low || f > high {
		return 0, true, shellyError{shellyInvalid, fmt.Sprintf("Argument '%s', value %s is invalid!", name, marshal(raw))}
	}
	return f, true, nil
}

// truth is a parameter that is true or false.
func (p shellyParams) truth(name string) (b, set bool, err error) {
	raw, set := p[name]
	if !set {
		return false, false, nil
	}
	b, ok := raw.(bool)
	if !ok {
		return false, true, shellyError{shellyInvalid, fmt.Sprintf("Argument '%s', value %s is not a boolean!", name, marshal(raw))}
	}
	return b, true, nil
}

func missing(name string) error {
	return shellyError{shellyInvalid, "Missing required argument '" + name + "'!"}
}

// maxRequest is the longest request that is read.
const maxRequest = 16 << 10

// hear takes a call, or a plain command.
func (v *shellyVoice) hear(m broker.Message) heard {
	rest, ok := strings.CutPrefix(m.Topic, v.prefix+"/")
	switch {
	case len(m.Payload) > maxRequest:
		return heard{refused: "it is too long"}
	case m.Topic == "shellies/command":
		return v.command(string(m.Payload))
	case !ok:
		return heard{refused: "it is nothing for the device"}
	case rest == "rpc":
		return v.call(m.Payload)
	case rest == "command":
		return v.command(string(m.Payload))
	}
	key := strings.TrimPrefix(rest, "command/")
	for _, p := range v.parts {
		if word, more, _ := strings.Cut(string(m.Payload), ","); p.key() == key && p.plain != nil && p.plain(word, more) {
			v.source = "MQTT"
			return heard{touched: p.touched}
		}
	}
	return heard{refused: "it is no command"}
}

// command takes what is said to the device as a whole.
func (v *shellyVoice) command(word string) heard {
	switch word {
	case "announce":
		info := v.info().String()
		return heard{said: []broker.Message{{Topic: "shellies/announce", Payload: []byte(info)}, v.say("announce", info)}}
	case "status_update":
		return heard{said: v.statusTopics()}
	}
	return heard{refused: "it is no command"}
}

// call answers a remote procedure call. What is no call is passed over, as the firmware does.
func (v *shellyVoice) call(payload []byte) heard {
	var request struct {
		ID     json.RawMessage `json:"id"`
		Src    string          `json:"src"`
		Method string          `json:"method"`
		Params shellyParams    `json:"params"`
	}
	if json.Unmarshal(payload, &request) != nil || len(request.ID) == 0 || request.Method == "" || broker.ValidTopic(request.Src+"/rpc") != nil {
		return heard{refused: "it is no call"}
	}
	v.source = "rpc"
	result, part, err := v.do(request.Method, request.Params)
	answer := members("id", request.ID, "src", v.id, "dst", request.Src)
	var failed shellyError
	switch {
	case errors.As(err, &failed):
		answer.with("error", members("code", failed.code, "message", failed.text))
	default:
		answer.with("result", result)
	}
	out := heard{said: []broker.Message{{Topic: request.Src + "/rpc", Payload: []byte(answer.String())}}, restart: v.restarting}
	if part != nil && err == nil {
		out.touched = part.touched
	}
	return out
}

// do does what a method says.
func (v *shellyVoice) do(method string, params shellyParams) (result any, part *shellyPart, err error) {
	space, verb, _ := strings.Cut(method, ".")
	if strings.EqualFold(space, "shelly") {
		result, err = v.general(verb, params)
		return result, nil, err
	}
	known := false
	for _, p := range v.parts {
		if !strings.EqualFold(p.kind, space) {
			continue
		}
		do := p.method(verb)
		switch strings.ToLower(verb) {
		case "getstatus":
			do = func(shellyParams) (any, error) { return p.status(), nil }
		case "getconfig":
			do = func(shellyParams) (any, error) { return p.settings(), nil }
		}
		if do == nil {
			continue
		}
		known = true
		if p.id >= 0 {
			id, set, err := params.number("id", 0, 1e9)
			switch {
			case err != nil:
				return nil, nil, err
			case !set:
				return nil, nil, missing("id")
			case id != float64(p.id):
				continue
			}
		}
		result, err = do(params)
		return result, p, err
	}
	if known {
		return nil, nil, shellyError{shellyNotFound, fmt.Sprintf("Argument 'id', value %s not found!", marshal(params["id"]))}
	}
	return nil, nil, shellyError{shellyNoHandler, "No handler for " + method}
}

// method finds a method by its name, in any spelling of capitals.
func (p *shellyPart) method(verb string) func(p shellyParams) (any, error) {
	for name, do := range p.do {
		if strings.EqualFold(name, verb) {
			return do
		}
	}
	return nil
}

// settings are a component's configuration.
func (p *shellyPart) settings() *ordered { return p.numbered().with(p.config...) }

// general are the methods of the device as a whole.
func (v *shellyVoice) general(verb string, params shellyParams) (any, error) {
	switch strings.ToLower(verb) {
	case "getdeviceinfo":
		return v.info(), nil
	case "getconfig":
		o := new(ordered)
		for _, p := range v.parts {
			o.with(p.key(), p.settings())
		}
		return o, nil
	case "getstatus":
		return v.fullStatus(), nil
	case "getcomponents":
		return v.components(params)
	case "listmethods":
		return members("methods", v.methods()), nil
	case "reboot":
		v.restarting = true
		return nil, nil //nolint:nilnil // the answer to it is null
	}
	return nil, shellyError{shellyNoHandler, "No handler for Shelly." + verb}
}

func (v *shellyVoice) info() *ordered {
	return members(
		"name", v.name, "id", v.id, "mac", v.mac, "slot", 0, "model", v.model.model, "gen", 2, "fw_id", shellyBuild,
		"ver", shellyVersion, "app", v.model.app, "auth_en", false, "auth_domain", nil)
}

// componentsPerPage is how many components the device lists at once.
const componentsPerPage = 5

// components is one page of the list of components.
func (v *shellyVoice) components(params shellyParams) (any, error) {
	offset, _, err := params.number("offset", 0, 1000)
	if err != nil {
		return nil, err
	}
	dynamic, _, err := params.truth("dynamic_only")
	if err != nil {
		return nil, err
	}
	var list []any
	total := 0
	include, _ := params["include"].([]any)
	for _, p := range v.parts {
		if dynamic && p.id < 200 {
			continue
		}
		if total++; total <= int(offset) || len(list) >= componentsPerPage {
			continue
		}
		o := members("key", p.key())
		if slices.Contains(include, any("status")) {
			o.with("status", p.status())
		}
		if slices.Contains(include, any("config")) {
			o.with("config", p.settings())
		}
		list = append(list, o)
	}
	if list == nil {
		list = []any{}
	}
	return members("components", list, "cfg_rev", 10, "offset", int(offset), "total", total), nil
}

func (v *shellyVoice) methods() []string {
	list := []string{"Shelly.GetDeviceInfo", "Shelly.GetConfig", "Shelly.GetStatus", "Shelly.GetComponents", "Shelly.ListMethods", "Shelly.Reboot"}
	for _, p := range v.parts {
		space := strings.ToUpper(p.kind[:1]) + p.kind[1:]
		if slices.Contains([]string{"cct", "rgb", "rgbw", "rgbcct"}, p.kind) {
			space = strings.ToUpper(p.kind)
		}
		list = append(list, space+".GetStatus", space+".GetConfig")
		for verb := range p.do {
			list = append(list, space+"."+verb)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// wholeNumber reads a whole number of a plain command.
func wholeNumber(text string, low, high int) (float64, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	return float64(n), err == nil && n >= low && n <= high
}
