package shelly

import (
	"encoding/json"
	"strings"
	"sync"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices/internal/jsontext"
)

// frameKind says what sort of message a frame is.
type frameKind byte

const (
	kindNone         frameKind = iota
	kindOnline                 // <prefix>/online
	kindNotification           // <prefix>/events/rpc
	kindStatus                 // <prefix>/status/<component>
	kindAnswer                 // <source>/rpc
	kindAnnounce               // <prefix>/announce
)

// frame is what can be seen of a message without knowing any device.
type frame struct {
	kind      frameKind
	classic   bool             // it may be one of the first generation
	prefix    string           // empty for an answer to somebody else
	component string           // of a status topic
	doc       jsontext.Value   // missing when it is not JSON
	bad       error            // why the payload is not JSON
	room      *jsontext.Buffer // memory to read into
}

// spare are the memory of messages that were applied.
var spare = sync.Pool{New: func() any { return &frame{room: &jsontext.Buffer{}} }}

// newFrame is an empty frame.
func newFrame(kind frameKind, prefix string) *frame {
	f := spare.Get().(*frame)
	*f = frame{kind: kind, prefix: prefix, room: f.room}
	return f
}

// parse reads the payload's JSON.
func (f *frame) parse(payload []byte) *frame {
	f.doc, f.bad = f.room.ReadUpTo(payload, jsontext.MaxSize)
	return f
}

// done gives the memory of a message back, unless there is more of it than others need.
func (f *frame) done() {
	f.doc = jsontext.Value{}
	if f.room.Reset() <= 512 {
		spare.Put(f)
	}
}

// Numbers of requests. Devices send them back with their answers.
const (
	askInfo = 1 << iota
	askConfig
	askStatus
	askComponents
	askAll       = askInfo | askConfig | askStatus | askComponents
	firstCommand = 1000
)

// read looks at a message; nil means that it does not concern Shellys.
func (c *Convention) read(m broker.Message) *frame {
	if len(m.Payload) == 0 || m.Topic == "" || m.Topic[0] == '$' {
		return nil
	}
	if rest, ok := strings.CutPrefix(m.Topic, c.source); ok && strings.HasPrefix(rest, "/") {
		prefix, ok := strings.CutSuffix(rest[1:], "/rpc")
		if rest != "/rpc" && !(ok && goodPrefix(prefix)) {
			return nil
		}
		if rest == "/rpc" {
			prefix = ""
		}
		return newFrame(kindAnswer, prefix).parse(m.Payload)
	}
	classic := strings.HasPrefix(m.Topic, classicPrefix)
	if prefix, ok := strings.CutSuffix(m.Topic, "/events/rpc"); ok {
		if !goodPrefix(prefix) {
			return nil
		}
		return newFrame(kindNotification, prefix).parse(m.Payload)
	}
	if strings.HasSuffix(m.Topic, "/rpc") {
		return readForeignAnswer(m)
	}
	if prefix, ok := strings.CutSuffix(m.Topic, "/announce"); ok && !classic {
		if !goodPrefix(prefix) || m.Payload[0] != '{' {
			return nil
		}
		return newFrame(kindAnnounce, prefix).parse(m.Payload)
	}
	if prefix, ok := strings.CutSuffix(m.Topic, "/online"); ok && goodPrefix(prefix) {
		if p := string(m.Payload); p == "true" || p == "false" {
			f := newFrame(kindOnline, prefix)
			f.classic = classic
			return f
		}
	}
	if slash := strings.LastIndexByte(m.Topic, '/'); slash > 0 && m.Payload[0] == '{' {
		component := m.Topic[slash+1:]
		if prefix, ok := strings.CutSuffix(m.Topic[:slash], "/status"); ok && isComponent(component) && goodPrefix(prefix) {
			f := newFrame(kindStatus, prefix)
			f.component = component
			return f.parse(m.Payload)
		}
	}
	if !classic {
		return nil
	}
	f := newFrame(kindNone, "")
	f.classic = true
	if m.Payload[0] == '{' {
		f.parse(m.Payload)
	}
	return f
}

// readForeignAnswer takes a device's answer to somebody else, on <whoever>/rpc, for what it says of the device.
func readForeignAnswer(m broker.Message) *frame {
	if m.Payload[0] != '{' {
		return nil
	}
	f := newFrame(kindAnswer, "").parse(m.Payload)
	v := f.doc
	if dst := v.Get("dst").Text(); v.Get("src").Text() == "" || dst == "" || m.Topic != dst+"/rpc" || v.Get("result").Kind() != jsontext.Object {
		f.done()
		return nil
	}
	return f
}

// goodPrefix says whether something may be asked under a prefix.
func goodPrefix(prefix string) bool {
	return prefix != "" && len(prefix) <= maxPrefix && broker.ValidTopic(prefix) == nil
}

// request is one call of a method. What answers go to names the prefix, so that nothing needs to be remembered.
func (c *Convention) request(prefix string, id int64, method string, params any) broker.Message {
	payload, err := json.Marshal(struct {
		ID     int64  `json:"id"`
		Src    string `json:"src"`
		Method string `json:"method"`
		Params any    `json:"params,omitempty"`
	}{id, c.source + "/" + prefix, method, params})
	if err != nil {
		payload = nil // our own parameters are numbers, texts and lists of them
	}
	return broker.Message{Topic: prefix + "/rpc", Payload: payload}
}

// questions are the requests that make a device say what it is and how it is.
func (c *Convention) questions(prefix string, what int) []broker.Message {
	var out []broker.Message
	for _, q := range []struct {
		what   int
		method string
	}{{askInfo, "Shelly.GetDeviceInfo"}, {askConfig, "Shelly.GetConfig"}, {askStatus, "Shelly.GetStatus"}} {
		if what&q.what != 0 {
			out = append(out, c.request(prefix, int64(q.what), q.method, nil))
		}
	}
	if what&askComponents != 0 {
		out = append(out, c.page(prefix, 0))
	}
	return out
}

// page asks for the components that were added to the device: its virtual ones, and Bluetooth devices. They come a few at a
// time.
func (c *Convention) page(prefix string, offset int) broker.Message {
	return c.request(prefix, askComponents, "Shelly.GetComponents", map[string]any{
		"offset": offset, "dynamic_only": true, "include": []string{"status", "config"},
	})
}
