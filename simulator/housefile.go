package simulator

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed house.yaml
var defaultHouse []byte

// DefaultHouse is the house that is built in.
func DefaultHouse() House {
	h, err := ParseHouse("house.yaml", defaultHouse)
	if err != nil {
		panic(err) // it is part of the program, and a test reads it
	}
	return h
}

// LoadHouse reads a house file.
func LoadHouse(path string) (House, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return House{}, fmt.Errorf("reading the house file: %w", err)
	}
	return ParseHouse(path, data)
}

// ParseHouse reads the text of a house file; name is for errors only. Unknown keys, wrong types and impossible houses are
// errors which name the file and the lines.
func ParseHouse(name string, text []byte) (House, error) {
	var h House
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&h); err != nil {
		if errors.Is(err, io.EOF) {
			return House{}, fmt.Errorf("reading the house file %s: it is empty", name)
		}
		return House{}, fmt.Errorf("reading the house file %s: %w", name, plain(err))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return House{}, fmt.Errorf("reading the house file %s: it holds more than one document", name)
	}
	h.place(text)
	if err := h.Check(); err != nil {
		return House{}, fmt.Errorf("reading the house file %s: %w", name, err)
	}
	return h, nil
}

// plain takes the names of Go types out of the decoder's words.
func plain(err error) error {
	var types *yaml.TypeError
	if !errors.As(err, &types) {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	words := strings.NewReplacer(
		"not found in type simulator.House", "is not known at the top of a house file",
		"not found in type simulator.ZigbeeSpec", "is not known in zigbee2mqtt",
		"into simulator.ZigbeeSpec", "as the settings of a bridge",
		"not found in type simulator.RoomSpec", "is not known in a room",
		"not found in type simulator.PersonSpec", "is not known in a person",
		"not found in type simulator.DeviceSpec", "is not known in a device",
		"not found in type simulator.TasmotaSpec", "is not known under tasmota",
		"not found in type simulator.ShellySpec", "is not known under shelly",
		"cannot unmarshal !!str", "cannot take the text", "cannot unmarshal !!int", "cannot take the number",
		"cannot unmarshal !!float", "cannot take the number", "cannot unmarshal !!bool", "cannot take",
		"cannot unmarshal !!map", "cannot take a map", "cannot unmarshal !!seq", "cannot take a list",
		"into int", "as a whole number", "into float64", "as a number", "into bool", "as true or false",
		"into string", "as a text", "into time.Duration", "as a duration such as 20s", "into []string", "as a list of texts",
		"into []int", "as a list of numbers", "into simulator.TasmotaSpec", "as settings", "into simulator.ShellySpec", "as settings",
		"into simulator.RoomSpec", "as a room", "into simulator.PersonSpec", "as a person",
		"into simulator.DeviceSpec", "as a device", "into simulator.House", "as a house",
		"into []simulator.RoomSpec", "as a list of rooms", "into []simulator.PersonSpec", "as a list of people",
		"into []simulator.DeviceSpec", "as a list of devices", "into physics.Use", "as a text", "into physics.Role", "as a text",
	)
	var all []string
	for _, e := range types.Errors {
		all = append(all, words.Replace(e))
	}
	return errors.New(strings.Join(all, "; "))
}

// place notes the lines of rooms, people and devices, which the decoder does not tell.
func (h *House) place(text []byte) {
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) != nil || len(doc.Content) != 1 {
		return
	}
	top := doc.Content[0].Content
	for i := 0; i+1 < len(top); i += 2 {
		for j, item := range top[i+1].Content {
			switch key := top[i].Value; {
			case key == "rooms" && j < len(h.Rooms):
				h.Rooms[j].line = item.Line
			case key == "people" && j < len(h.People):
				h.People[j].line = item.Line
			case key == "devices" && j < len(h.Devices):
				h.Devices[j].line = item.Line
			}
		}
	}
}

// faults gathers what is wrong with a house.
type faults []string

func (f *faults) add(line int, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if line > 0 {
		text = fmt.Sprintf("line %d: %s", line, text)
	}
	*f = append(*f, text)
}

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return errors.New(strings.Join(f, "; "))
}
