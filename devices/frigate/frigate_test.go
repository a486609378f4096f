package frigate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/frigate"
	"home.arpa/homehub/devices/internal/house"
)

var newConvention = house.Maker(frigate.New)

func newHouse(t testing.TB) *house.House { return house.New(t, newConvention(t)) }

const (
	stats  = `frigate/stats {"cameras":{"front_door":{"camera_fps":5.1,"detection_fps":1.2,"pid":7}},"detectors":{"coral":{"inference_speed":9}},"detection_fps":1.2,"service":{"uptime":120,"version":"0.15.0"}}`
	review = `frigate/reviews {"type":"new","after":{"id":"1","camera":"front_door","severity":"alert","data":{"objects":["person"],"zones":["driveway"]}}}`
)

var cameras = []string{
	"=frigate/available online", "=frigate/front_door/detect/state ON", "=frigate/front_door/recordings/state OFF", "=frigate/front_door/motion/state ON",
	"=frigate/front_door/motion_threshold/state 30", "=frigate/front_door/birdseye_mode/state CONTINUOUS", "=frigate/front_door/zone/driveway/state ON",
	"=frigate/profile/state none", "frigate/driveway/person 1", "frigate/driveway/person/active 1", "frigate/front_door/person 2", "frigate/front_door/all 2", "frigate/front_door/person/active 1",
	"frigate/front_door/motion ON", "frigate/front_door/review_status ALERT", "frigate/front_door/status/detect online", "frigate/front_door/audio/bark OFF",
	"frigate/front_door/audio/dBFS -40.5", stats, review,
	`frigate/events {"type":"new","before":{},"after":{"id":"2","camera":"front_door","label":"person","sub_label":null,"score":0.8,"entered_zones":["yard"],"thumbnail":null}}`,
}

func TestConformance(t *testing.T) {
	house.Contract(t, newConvention, house.Messages(cameras...))
}

func TestCamerasAreUnderstood(t *testing.T) {
	h := newHouse(t)
	h.Hear(cameras...)
	house.Golden(t, "cameras.txt", h.Outline())
	for _, c := range []struct{ key, path, text, want string }{
		{"frigate/front_door", "detect/on", "false", "frigate/front_door/detect/set OFF"},
		{"frigate/front_door", "motion-detection/on", "true", "frigate/front_door/motion/set ON"},
		{"frigate/front_door", "motion-threshold/value", "40", "frigate/front_door/motion_threshold/set 40"},
		{"frigate/front_door", "birdseye-mode/option", "MOTION", "frigate/front_door/birdseye_mode/set MOTION"},
		{"frigate/front_door", "zone-driveway/on", "false", "frigate/front_door/zone/driveway/set OFF"},
		{"frigate", "restart/press", "true", "frigate/restart restart"},
	} {
		if got := h.Tell(c.key, c.path, c.text); got != c.want {
			t.Errorf("%s %s = %s publishes %s", c.key, c.path, c.text, got)
		}
	}
}

func TestPicturesAreNeitherWantedNorRead(t *testing.T) {
	h := newHouse(t)
	h.Hear(cameras...)
	for _, topic := range []string{"frigate/front_door/person/snapshot", "frigate/front_door/person/thumbnail"} {
		for _, f := range h.C.Filters() {
			if broker.Match(f.Filter, topic) {
				t.Errorf("%s is subscribed by %s", topic, f.Filter)
			}
		}
		if p := h.C.Parse(broker.Message{Topic: topic, Payload: []byte("\xff\xd8\xff")}); p.Content != nil {
			t.Errorf("%s is read", topic)
		}
	}
}

func TestPresence(t *testing.T) {
	h := newHouse(t)
	h.Hear(cameras...)
	for _, c := range []struct {
		line, key string
		want      devices.Presence
	}{
		{"frigate/front_door/status/detect offline", "frigate/front_door", devices.Offline},
		{"frigate/front_door/status/detect online", "frigate/front_door", devices.Online},
		{"frigate/available stopped", "frigate", devices.Offline},
		{"frigate/available online", "frigate", devices.Online},
		{"!frigate/available offline", "frigate", devices.Offline},
	} {
		h.Hear(c.line)
		if got := h.Reach[c.key].Presence; got != c.want {
			t.Errorf("after %s it is %s", c.line, got)
		}
	}
}

func TestWhatCamerasSeeIsAskedFor(t *testing.T) {
	h := newHouse(t)
	h.Hear(cameras...)
	if g := h.C.Greet(); len(g) != 1 || g[0].Topic != "frigate/onConnect" {
		t.Errorf("it asks %v", g)
	}
	h.Hear(`frigate/camera_activity {"front_door":{"motion":false,"objects":[{"label":"person"}],"config":{}}}`)
	h.Want(map[string]string{"frigate/front_door/objects/person": "1", "frigate/front_door/objects/all": "1", "frigate/front_door/motion/motion": "false"})
}

func TestAnotherPrefixIsFoundByItsStatistics(t *testing.T) {
	h := newHouse(t)
	h.Hear("nvr/available online", strings.Replace(stats, "frigate/", "nvr/", 1), "nvr/front_door/person 0")
	h.Want(map[string]string{"nvr/front_door/objects/person": "0", "nvr/front_door/person/occupancy": "false"})
	if !slices.Contains(h.Wanted, "nvr/+/+/state") {
		t.Errorf("it wants %q", h.Wanted)
	}
}

func TestFaultsSayWhatWasExpectedAndGot(t *testing.T) {
	h := newHouse(t)
	h.Hear(cameras...)
	h.Hear("frigate/front_door/detect/state maybe", "frigate/front_door/person many", "frigate/available perhaps", "frigate/stats {", "frigate/events 7")
	want := []string{
		`frigate/front_door: frigate/front_door/detect/state: expected ON or OFF, got "maybe"`,
		`frigate/front_door: frigate/front_door/person: expected a number, got "many"`,
		`frigate/front_door: frigate/front_door/person: expected a number, got "many"`,
		`frigate: frigate/available: expected online, stopped or offline, got "perhaps"`,
		`frigate: frigate/stats: expected a JSON object, got "{"`,
		`frigate: frigate/events: expected a JSON object, got 7`,
	}
	if !slices.Equal(h.Faults, want) {
		t.Errorf("the faults are\n%s", strings.Join(h.Faults, "\n"))
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	h := newHouse(t)
	for i := range 1000 {
		h.Hear(fmt.Sprintf("frigate/c%d/detect/state ON", i), fmt.Sprintf("frigate/c0/o%d 1", i), fmt.Sprintf("frigate/z%d/person 1", i))
	}
	if len(h.Devices) != 101 || len(h.Devices["frigate/c0"].Device.Components) > 200 {
		t.Errorf("%d devices", len(h.Devices))
	}
}

func TestRecordedMessages(t *testing.T) {
	house.Recalls(t, newConvention(t), "others.tsv")
}

func FuzzConvention(f *testing.F) {
	house.Fuzz(f, newConvention, cameras, []string{`frigate/a/kept {"kept":["★/active","stats/★","status/★","audio/★","zone/★/state"]}`}, []string{stats, `frigate/a/kept {"kept":["motion","x","x/active","audio/ä"]}`, `frigate/camera_activity {"a":{"objects":[1,{}]}}`, review})
}

// BenchmarkState is the count of an object.
func BenchmarkState(b *testing.B) {
	h := newHouse(b)
	h.Hear(cameras...)
	house.Bench(b, h.C, house.Message("frigate/front_door/person 2"), 2)
}

// BenchmarkForeign is a message that concerns no camera.
func BenchmarkForeign(b *testing.B) {
	house.Bench(b, newConvention(b), house.Message(house.Foreign), 0)
}

func TestOtherFamiliesAreLeftAlone(t *testing.T) {
	house.LeavesOthersAlone(t, newConvention(t), "others.tsv")
}
