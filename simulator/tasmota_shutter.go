package simulator

import (
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator/physics"
)

// tasmotaShutter is a roller shutter: the first relay opens, the second closes. It tells where it is once a second while it moves.
type tasmotaShutter struct {
	voice                 *tasmotaVoice
	cover, position, halt *physics.Property
	relays                []*physics.Property
	said                  int // the direction that was said last
	at                    float64
}

func newTasmotaShutter(v *tasmotaVoice) *tasmotaShutter {
	s := &tasmotaShutter{
		voice: v, cover: v.device.find("cover", "state"), position: v.device.find("cover", "position"), halt: v.device.find("cover", "stop"),
	}
	for i, moving := range []string{physics.CoverOpening, physics.CoverClosing} {
		s.relays = append(s.relays, &physics.Property{
			ID: "relay-" + strconv.Itoa(i+1), Type: physics.Bool,
			Read: func() physics.Value { return s.cover.Read() == moving },
		})
	}
	s.at = s.position.Read().(float64)
	return s
}

func (s *tasmotaShutter) direction() int {
	switch s.cover.Read() {
	case physics.CoverOpening:
		return 1
	case physics.CoverClosing:
		return -1
	}
	return 0
}

// state adds where the shutter is.
func (s *tasmotaShutter) state(o *ordered) {
	o.with("Shutter1", members("Position", s.position.Read(), "Direction", s.direction(), "Target", s.position.Goal(), "Tilt", 0))
}

// news tells the shutter's movement.
func (s *tasmotaShutter) news() []broker.Message {
	at, direction := s.position.Read().(float64), s.direction()
	if at == s.at && direction == s.said {
		return nil
	}
	var out []broker.Message
	if direction != s.said {
		for i, p := range s.relays {
			if p.Read() != s.voice.said[p] {
				out = append(out, s.voice.power(i)...)
			}
		}
	}
	s.at, s.said = at, direction
	if direction == 0 {
		out = append(out, broker.Message{Topic: s.voice.stat + "SHUTTER1", Payload: []byte(strconv.Itoa(int(at)))})
	}
	o := new(ordered)
	s.state(o)
	return append(out, s.voice.result("SHUTTER", o))
}

// relay takes an order to one of the relays: on moves the shutter, off stops it. Without a state it is a question.
func (s *tasmotaShutter) relay(i int, text string, to *bool) {
	switch {
	case text == "" || to == nil:
	case !*to:
		s.halt.Write(true)
	case i == 0:
		s.position.Write(100.0)
	default:
		s.position.Write(0.0)
	}
}

func (s *tasmotaShutter) move(name string, to float64) []broker.Message {
	s.position.Write(to)
	return append(s.news(), s.voice.answer(name, int(to))...)
}

func (s *tasmotaShutter) open(tasmotaOrder) []broker.Message { return s.move("ShutterOpen1", 100) }

func (s *tasmotaShutter) close(tasmotaOrder) []broker.Message { return s.move("ShutterClose1", 0) }

func (s *tasmotaShutter) stop(tasmotaOrder) []broker.Message {
	s.halt.Write(true)
	return append(s.news(), s.voice.answer("ShutterStop1", "Done")...)
}

// place moves to a position, or does what a word says. Without a position it is a question.
func (s *tasmotaShutter) place(o tasmotaOrder) []broker.Message {
	switch strings.ToLower(o.text) {
	case "open", "up", "stopopen":
		return s.open(o)
	case "close", "down", "stopclose":
		return s.close(o)
	case "stop":
		return s.stop(o)
	}
	name := "ShutterPosition1"
	if n, ok := o.number(); ok {
		return s.move(name, float64(min(max(n, 0), 100)))
	}
	return s.voice.answer(name, s.position.Read())
}
