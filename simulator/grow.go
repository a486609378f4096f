package simulator

import (
	"fmt"
	"slices"
	"strings"
)

// steady are the devices that every house of every size keeps: the documentation, the demo and many tests name them.
var steady = []string{"living-room-lamp", "motion-hall", "hall-lamp"}

// Resize returns the house with n devices. A smaller house keeps the living room lamp and the pair in the hall where it has
// them (so it may keep up to three), and else the first devices of the list. A larger one gets more floors, each with the
// rooms, people and devices of the first, numbered; on each further floor a device speaks the next of the languages that the
// house speaks. n is 1 to MaxDevices.
func (h House) Resize(n int) (House, error) {
	if n < 1 || n > MaxDevices {
		return House{}, fmt.Errorf("a house has 1 to %d devices, not %d", MaxDevices, n)
	}
	out := House{Name: h.Name, Zigbee2MQTT: h.Zigbee2MQTT, Rooms: slices.Clone(h.Rooms), People: slices.Clone(h.People)}
	if n <= len(h.Devices) {
		kept := 0
		for _, d := range h.Devices {
			if slices.Contains(steady, d.ID()) {
				kept++
			}
		}
		others := max(0, n-kept)
		for _, d := range h.Devices {
			switch {
			case slices.Contains(steady, d.ID()):
			case others > 0:
				others--
			default:
				continue
			}
			out.Devices = append(out.Devices, d)
		}
		return out, nil
	}
	out.Devices = slices.Clone(h.Devices)
	floors := 0
	for _, r := range h.Rooms {
		floors = max(floors, r.Floor+1)
	}
	for number := 2; len(out.Devices) < n; number++ {
		lift := (number - 1) * floors
		for _, r := range h.Rooms {
			r.Name, r.Floor = numbered(r.Name, number), r.Floor+lift
			out.Rooms = append(out.Rooms, r)
		}
		for _, p := range h.People {
			p.Name, p.Floor = numbered(p.Name, number), p.Floor+lift
			out.People = append(out.People, p)
		}
		for _, d := range h.Devices {
			if len(out.Devices) < n {
				out.Devices = append(out.Devices, d.again(number, h.spoken()))
			}
		}
	}
	return out, out.Check()
}

// MaxDevices is the size of the largest house.
const MaxDevices = 5000

func numbered(name string, number int) string { return fmt.Sprintf("%s %d", name, number) }

// spoken are the languages of the house's devices, in the order of the table.
func (h House) spoken() (list []*language) {
	for i := range languages {
		l := &languages[i]
		if slices.ContainsFunc(h.Devices, func(d DeviceSpec) bool { return d.Speaks == l.name }) {
			list = append(list, l)
		}
	}
	return list
}

// again is the device on another floor, where it speaks another of the house's languages: on the second floor the next one
// in which its kind exists, and so on in turn. Its name begins with its room: "Office 2 lamp", "Hall 2 motion".
func (d DeviceSpec) again(number int, spoken []*language) DeviceSpec {
	room := numbered(d.Room, number)
	rest := strings.Join(strings.Fields(strings.Replace(strings.ToLower(d.Name), strings.ToLower(d.Room), " ", 1)), " ")
	if rest == "" {
		rest = d.Kind
	}
	d.Name, d.Room = room+" "+rest, room
	if d.Tasmota != nil {
		own := *d.Tasmota
		own.Topic = "" // no two devices have the same
		d.Tasmota = &own
	}
	if d.Shelly != nil {
		own := *d.Shelly
		own.Prefix, own.ID = "", ""
		d.Shelly = &own
	}
	var fit []*language
	own := 0
	for _, l := range spoken {
		if l.name == d.Speaks {
			own = len(fit)
		}
		if l.can(d.Kind) {
			fit = append(fit, l)
		}
	}
	if d.Topic != "" {
		d.Topic = numbered(d.Topic, number)
	}
	if l := fit[(own+number-1)%len(fit)]; l.name != d.Speaks {
		d.Speaks, d.Form, d.Style, d.Short, d.Retain = l.name, "", "", false, false
		d.Tasmota, d.Shelly, d.Sleeps, d.Outlets, d.Topic, d.OwnWords, d.Volatile = nil, nil, 0, 0, "", false, false
		if l.grown != nil {
			l.grown(&d)
		}
	}
	return d
}
