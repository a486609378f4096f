package house

import (
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/conventiontest"
)

// Contract expects that a convention, which can be told something, keeps the contract of conventions in a house.
func Contract[C hub.Convention](t *testing.T, newConvention func(testing.TB) C, messages []broker.Message) {
	t.Helper()
	conventiontest.Run(t, conventiontest.Setup{New: func() hub.Convention { return newConvention(t) }, House: messages})
}

// Told expects that a convention makes of house.tsv, one message after the other, what house.golden says that was checked by eye.
func Told(t *testing.T, c hub.Convention) {
	t.Helper()
	Golden(t, "house.golden", Story(c, File(t, "house.tsv")))
}

// Recalls expects that a convention makes of a recorded file, taken together, what recorded.txt says that was checked by eye.
func Recalls(t *testing.T, c hub.Convention, recorded string) {
	t.Helper()
	h := New(t, c)
	for _, m := range Recorded(t, recorded) {
		h.Take(m)
	}
	Golden(t, "recorded.txt", h.Outline())
}

// LeavesOthersAlone expects that a convention takes nothing of all recorded messages but those of the named file.
func LeavesOthersAlone(t *testing.T, c hub.Convention, own string) {
	t.Helper()
	h := New(t, c)
	for _, m := range Others(t, own) {
		h.Take(m)
	}
	if out := h.Outline(); out != "" {
		t.Error(out)
	}
}
