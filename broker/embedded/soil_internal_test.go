package embedded

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// A client may retain and clear with QoS 0 as fast as the network lets it, under a topic of its own each time. What is to be written of that when
// its time comes does not take all memory until then.
func TestWhatIsWrittenLaterIsBounded(t *testing.T) {
	long := strings.Repeat("x", 4000)
	for _, test := range []struct {
		name     string
		options  Options
		payloads []string // of the messages of each topic
		most     int      // bytes of topics
	}{
		{"what was there and is gone", Options{}, []string{"x", ""}, maxSoil + len(long)},
		{"clearing what is not there", Options{}, []string{""}, 0},
		{"what there is no room for", Options{MaxRetainedBytes: 1}, []string{"x"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.options.Folder = filepath.Join(t.TempDir(), "broker")
			b, err := New(test.options)
			if err != nil {
				t.Fatal(err)
			}
			var owed batch
			for i := range 2 * maxSoil / len(long) {
				for _, payload := range test.payloads {
					m := &message{topic: fmt.Sprint(i, long), payload: []byte(payload), retain: true}
					b.router.route(m, nil, nil, &owed, nil)
				}
			}
			bytes := 0
			for topic := range b.ledger.soiled() {
				bytes += len(topic)
			}
			if bytes > test.most {
				t.Errorf("topics of %d bytes wait in memory, want %d at most", bytes, test.most)
			}
		})
	}
}

// When no more may wait, the rest is written at once, and comes back.
func TestWhatCannotWaitIsWrittenAtOnce(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "broker")
	b, err := New(Options{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	var owed batch
	publish := func(topic, payload string) {
		b.router.route(&message{topic: topic, payload: []byte(payload), retain: true}, nil, nil, &owed, nil)
	}
	publish("first", "x")
	b.ledger.soilSize = maxSoil
	publish("kept", "x")
	publish("cleared", "x")
	publish("cleared", "")
	publish("first", "waits as before")
	again, err := New(Options{Folder: crashed(t, b, folder)})
	if err != nil {
		t.Fatal(err)
	}
	var topics []string
	again.router.retained.all(func(m *message) { topics = append(topics, m.topic) })
	if len(topics) != 1 || topics[0] != "kept" {
		t.Errorf("after a crash %q are retained, want what could not wait", topics)
	}
	if dirty := b.ledger.soiled(); len(dirty) != 1 {
		t.Errorf("%v wait, want the first", dirty)
	}
}
