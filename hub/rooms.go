package hub

import (
	"maps"
	"slices"
	"strings"

	"home.arpa/homehub/devices"
)

// commonRooms are names that rooms often have, in English and German, as they are shown.
var commonRooms = []string{
	"Attic", "Balcony", "Basement", "Bathroom", "Bedroom", "Cellar", "Children's room", "Conservatory", "Corridor",
	"Dining room", "Driveway", "Entrance", "Garage", "Garden", "Guest bathroom", "Guest room", "Guest toilet", "Hall",
	"Hallway", "Kids room", "Kitchen", "Landing", "Laundry", "Laundry room", "Living room", "Loft", "Lounge",
	"Master bedroom", "Nursery", "Office", "Pantry", "Patio", "Playroom", "Porch", "Shed", "Staircase", "Storage room",
	"Study", "Terrace", "Toilet", "Utility room", "Walk-in closet", "Winter garden", "Workshop", "Yard",

	"Abstellraum", "Ankleide", "Arbeitszimmer", "Bad", "Badezimmer", "Balkon", "Büro", "Dachboden", "Diele", "Einfahrt",
	"Eingang", "Elternschlafzimmer", "Essbereich", "Esszimmer", "Flur", "Gang", "Garten", "Gartenhaus", "Gästebad",
	"Gäste-WC", "Gästezimmer", "Hauswirtschaftsraum", "Heizungsraum", "Hobbyraum", "Hof", "Kammer", "Keller",
	"Kinderzimmer", "Küche", "Schlafzimmer", "Schuppen", "Speisekammer", "Spielzimmer", "Stube", "Terrasse",
	"Treppenhaus", "Vorratsraum", "Vorzimmer", "Waschküche", "WC", "Werkstatt", "Wintergarten", "Wohnzimmer",
}

func (e *entry) room() string {
	d := e.twin.Device()
	return d.Room
}

// guessRoom finds the room with whose name a device's name begins: whole words, the longest name first, rooms that the house
// is known to have before common ones. It is empty when there is none. A number behind it belongs to the room when more
// follows: "Bedroom 2 lamp" is in the second bedroom, "Bedroom lamp 2" and "Bedroom 2" are second in theirs.
func (h *Hub) guessRoom(name string) string {
	slug := devices.Slug(name) + "-"
	best, length := "", 0
	try := func(room string) {
		if s := devices.Slug(room); len(s) > length && strings.HasPrefix(slug, s+"-") {
			best, length = room, len(s)
		}
	}
	for _, room := range h.rooms {
		try(room)
	}
	known := map[string]string{} // the rooms, with the first of the devices in each
	for id, e := range h.byID {
		if room := e.room(); room != "" && (known[room] == "" || id < known[room]) {
			known[room] = id
		}
	}
	for _, room := range slices.SortedFunc(maps.Keys(known), func(a, b string) int { return strings.Compare(known[a], known[b]) }) {
		try(room) // in this order, so that of two spellings always the same wins
	}
	for _, room := range commonRooms {
		try(room)
	}
	if best == "" {
		return ""
	}
	number, more, _ := strings.Cut(slug[length+1:], "-")
	if more != "" && number != "" && len(number) <= 2 && strings.Trim(number, "0123456789") == "" {
		return best + " " + number
	}
	return best
}
