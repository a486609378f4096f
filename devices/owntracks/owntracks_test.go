package owntracks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/devices/owntracks"
)

var newConvention = house.Maker(owntracks.New)

func newHouse(t testing.TB) *house.House { return house.New(t, newConvention(t)) }

const location = `owntracks/jane/phone {"_type":"location","acc":12,"alt":154,"batt":53,"bs":2,"conn":"w","inregions":["Work","Home"],"lat":48.85,"lon":2.29,"tid":"j1","tst":1706856298,"vel":5}`

var people = []string{
	"=" + location,
	`owntracks/jane/phone/event {"_type":"transition","event":"leave","desc":"Home","lat":48.9,"lon":2.3,"acc":20,"tst":1706856299}`,
	`owntracks/jane/phone/info {"_type":"card","name":"Jane","face":"aGVsbG8=","tid":"j1"}`,
	`owntracks/jane/phone/status {"_type":"status","iOS":{"deviceModel":"iPhone","version":"18.0.3"}}`,
	`owntracks/jane/phone/step {"_type":"steps","steps":1200}`,
}

func TestConformance(t *testing.T) {
	house.Contract(t, newConvention, house.Messages(people...))
}

func TestAPhoneIsUnderstood(t *testing.T) {
	h := newHouse(t)
	h.Hear(people...)
	house.Golden(t, "phone.txt", h.Outline())
	if got := h.Tell("jane/phone", "report-location/press", "true"); got != `owntracks/jane/phone/cmd {"_type":"cmd","action":"reportLocation"}` {
		t.Errorf("it is told %s", got)
	}
}

func TestPlaceAndPresence(t *testing.T) {
	h := newHouse(t)
	const place = "jane/phone/tracker/place"
	event := func(event, region string) string {
		return fmt.Sprintf(`owntracks/jane/phone/event {"_type":"transition","event":"%s","desc":"%s"}`, event, region)
	}
	for _, c := range []struct{ line, place string }{
		{`owntracks/jane/phone {"_type":"location","lat":1,"lon":2}`, ""},
		{location, "home"},
		{event("leave", "Home"), "Work"},
		{event("leave", "Work"), "not_home"},
		{`owntracks/jane/phone {"_type":"location","lat":1,"lon":2}`, "not_home"},
		{event("enter", "zuhause"), "home"},
		{`owntracks/jane/phone {"_type":"location","lat":1,"lon":2,"inregions":[]}`, "not_home"},
		{event("enter", "Home"), "home"},
		{`owntracks/jane/phone {"_type":"location","lat":1,"lon":2}`, "not_home"}, // apps leave empty lists out
	} {
		h.Hear(c.line)
		if got := h.Values[place].String(); got != c.place {
			t.Errorf("after %s it is at %q, want %q", c.line, got, c.place)
		}
	}
	if r := h.Reach["jane/phone"]; r.Presence != devices.Online {
		t.Errorf("it is %+v", r)
	}
	h.Hear(`!owntracks/jane/phone {"_type":"lwt","tst":1}`)
	if r := h.Reach["jane/phone"]; r.Presence != devices.Offline {
		t.Errorf("after its will it is %+v", r)
	}
}

func TestFaultsSayWhatWasExpectedAndGot(t *testing.T) {
	h := newHouse(t)
	encrypted := `owntracks/joe/phone {"_type":"encrypted","data":"abc"}`
	h.Hear(encrypted, encrypted, location, `owntracks/jane/phone {"_type":"location","lat":"north","lon":200,"batt":[]}`, "owntracks/jane/phone {",
		`owntracks/jane/phone/event {"_type":"transition","event":"stay"}`, `owntracks/jane/phone/waypoints {`)
	want := []string{
		`: owntracks/joe/phone: expected a location that can be read, got an encrypted one: take the encryption key out of the app's settings`,
		`jane/phone: owntracks/jane/phone: expected a number of ° at lat, got "north"`,
		`jane/phone: owntracks/jane/phone: expected a number of ° at lon, got 200`,
		`jane/phone: owntracks/jane/phone: expected a number at batt, got []`,
		`jane/phone: owntracks/jane/phone: expected a JSON object with _type, got "{"`,
		`jane/phone: owntracks/jane/phone/event: expected enter or leave at event, got "stay"`,
	}
	if !slices.Equal(h.Faults, want) {
		t.Errorf("the faults are\n%s", strings.Join(h.Faults, "\n"))
	}
}

func TestPhonesAreBounded(t *testing.T) {
	h := newHouse(t)
	for i := range 1000 {
		h.Hear(fmt.Sprintf(`owntracks/u/%d {"_type":"location","lat":1,"lon":2}`, i))
	}
	if len(h.Devices) != 200 {
		t.Errorf("%d phones", len(h.Devices))
	}
}

func TestRecordedMessages(t *testing.T) {
	house.Recalls(t, newConvention(t), "others.tsv")
}

func FuzzConvention(f *testing.F) {
	house.Fuzz(f, newConvention, people, []string{location, `owntracks/a/b/status {"_type":"kept","name":"x","batt":1}`, `owntracks/a/b {"_type":"encrypted"}`})
}

// BenchmarkState is a phone's location.
func BenchmarkState(b *testing.B) {
	h := newHouse(b)
	h.Hear(people...)
	house.Bench(b, h.C, house.Message(location), 9)
}
