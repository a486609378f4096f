package outage_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"home.arpa/homehub/internal/outage"
)

const (
	one = "load/one" // a topic of a publisher with QoS 1
	two = "load/two" // with QoS 2
)

// history is a ledger in which sub1 reads with QoS 1, sub2 with QoS 2, and ann and bob share with QoS 2.
type history struct{ *outage.Ledger }

func newHistory() history {
	l := outage.NewLedger()
	l.Publishes(one, 1, false)
	l.Publishes(two, 2, false)
	l.Publishes("keep", 1, true)
	l.Subscribes("sub1", 1, "", one, two)
	l.Subscribes("sub2", 2, "", one, two)
	l.Subscribes("ann", 2, "pair", one, two)
	l.Subscribes("bob", 2, "pair", one, two)
	return history{l}
}

// taken sends the next message and has it acknowledged.
func (h history) taken(topic string) uint64 {
	n := h.Sent(topic, false)
	h.Acked(topic, n)
	return n
}

// got is a message that a subscriber takes and acknowledges.
func (h history) got(client, topic string, number uint64, qos byte) {
	const id = 9
	h.Received(client, topic, number, qos, id, false)
	if qos == 2 {
		h.Released(client, id)
	}
	h.Settled(client, id)
}

// arrive lets a message come to everybody.
func (h history) arrive(topic string, number uint64) {
	qos := byte(1)
	if topic == two {
		qos = 2
	}
	h.got("sub1", topic, number, 1)
	h.got("sub2", topic, number, qos)
	h.got("ann", topic, number, qos)
}

// fine is n messages to each topic, of which nothing is to be said.
func (h history) fine(n int) {
	for range n {
		for _, topic := range []string{one, two} {
			h.arrive(topic, h.taken(topic))
		}
	}
}

func TestTheLedgerFindsEveryViolation(t *testing.T) {
	tests := []struct {
		name  string
		live  func(h history)
		stage outage.Stage
		want  outage.Verdict // without what is counted of what went well
		fault string         // part of the first fault
	}{
		{name: "everything as it should be", live: func(h history) { h.fine(3) }},
		{name: "a message that was never acknowledged may be lost", live: func(h history) { h.Sent(one, false) }},
		{name: "a message that was refused may be lost", live: func(h history) { h.Refused(one, h.Sent(one, false)) }, want: outage.Verdict{Refused: 1}},
		{
			name:  "an acknowledged message does not come to a subscriber",
			live:  func(h history) { n := h.taken(one); h.got("sub1", one, n, 1); h.got("bob", one, n, 1) },
			want:  outage.Verdict{Lost: 1},
			fault: "sub2 did not get message 1 of load/one",
		},
		{
			name: "a message in the middle does not come to a shared subscription",
			live: func(h history) {
				h.fine(1)
				n := h.taken(two)
				h.got("sub1", two, n, 1)
				h.got("sub2", two, n, 2)
				h.fine(1)
			},
			want:  outage.Verdict{Lost: 1},
			fault: "the group pair did not get message 2 of load/two",
		},
		{
			name: "a message that is acknowledged after others have come is not forgotten",
			live: func(h history) { n := h.Sent(one, false); h.fine(2); h.Judge(outage.Midway); h.Acked(one, n) },
			want: outage.Verdict{Lost: 3},
		},
		{
			name: "a message comes after a later one",
			live: func(h history) {
				h.taken(one)
				h.taken(one)
				h.arrive(one, 2)
				h.arrive(one, 1)
			},
			want:  outage.Verdict{Reordered: 2}, // among the members of a group there is no order
			fault: "sub1 got message 1 of load/one after message 2",
		},
		{
			name: "a redelivery of QoS 1 may repeat what has come",
			live: func(h history) {
				h.fine(3)
				h.got("sub1", one, 2, 1)
				h.got("sub1", one, 3, 1)
			},
			want: outage.Verdict{DuplicatedQoS1: 2},
		},
		{
			name:  "a message comes twice with QoS 2",
			live:  func(h history) { h.fine(2); h.got("sub2", two, 1, 2) },
			want:  outage.Verdict{DuplicatedQoS2: 1},
			fault: "sub2 got message 1 of load/two twice",
		},
		{
			name:  "a message comes to two members of a group with QoS 2",
			live:  func(h history) { h.fine(1); h.got("bob", two, 1, 2) },
			want:  outage.Verdict{DuplicatedQoS2: 1},
			fault: "bob got message 1",
		},
		{
			name: "a message of a QoS 1 publisher may come twice to a QoS 2 subscriber",
			live: func(h history) { h.fine(1); h.got("sub2", one, 1, 1) },
			want: outage.Verdict{DuplicatedQoS1: 1},
		},
		{
			name: "a message with too low a QoS",
			live: func(h history) {
				h.fine(1)
				h.Received("sub2", two, h.taken(two), 1, 1, false)
				h.got("sub1", two, 2, 1)
				h.got("bob", two, 2, 2)
			},
			want:  outage.Verdict{Strange: 1},
			fault: "with QoS 1 instead of 2",
		},
		{
			name:  "a message that nobody has sent",
			live:  func(h history) { h.got("sub1", one, 1, 1) },
			want:  outage.Verdict{Strange: 1},
			fault: "which nobody sent to it",
		},
		{name: "a session that is gone", live: func(h history) { h.SessionLost("sub1") }, want: outage.Verdict{SessionsLost: 1}, fault: "sub1"},
		{name: "something else", live: func(h history) { h.Strange("sub1", "oops") }, want: outage.Verdict{Strange: 1}, fault: "sub1: oops"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHistory()
			test.live(h)
			check(t, h.Judge(test.stage), test.want, test.fault)
		})
	}
}

// inflight is a history in which sub1 has got messages 1 to 3 under the packet identifiers 1 to 3, and has not acknowledged them.
func inflight() history {
	h := newHistory()
	for id := range uint16(3) {
		n := h.taken(one)
		h.Received("sub1", one, n, 1, id+1, false)
		h.got("sub2", one, n, 1)
		h.got("ann", one, n, 1)
	}
	h.fine(1) // what was sent after them is acknowledged, so that the broker must remember them
	return h
}

func TestTheLedgerFollowsWhatIsInFlight(t *testing.T) {
	again := func(h history, number uint64, id uint16, dup bool) { h.Received("sub1", one, number, 1, id, dup) }
	tests := []struct {
		name  string
		live  func(h history)
		want  outage.Verdict
		fault string
	}{
		{
			name: "all come again, marked and in order",
			live: func(h history) { again(h, 1, 1, true); again(h, 2, 2, true); again(h, 3, 3, true) },
			want: outage.Verdict{DuplicatedQoS1: 3},
		},
		{
			name:  "one is not marked",
			live:  func(h history) { again(h, 1, 1, true); again(h, 2, 2, false); again(h, 3, 3, true) },
			want:  outage.Verdict{DuplicatedQoS1: 3, Unmarked: 1},
			fault: "sub1 got message 2 of load/one again, not marked",
		},
		{
			name:  "they come in another order",
			live:  func(h history) { again(h, 2, 2, true); again(h, 1, 1, true); again(h, 3, 3, true) },
			want:  outage.Verdict{DuplicatedQoS1: 3, Reordered: 1},
			fault: "sub1 got message 1 of load/one again after one that had been sent later",
		},
		{
			name:  "one does not come again",
			live:  func(h history) { again(h, 1, 1, true); again(h, 3, 3, true) },
			want:  outage.Verdict{DuplicatedQoS1: 2, Forgotten: 1},
			fault: "sub1 did not get message 2 of load/one again",
		},
		{
			name:  "one comes under another identifier",
			live:  func(h history) { again(h, 1, 1, true); again(h, 2, 7, true); again(h, 3, 3, true) },
			want:  outage.Verdict{DuplicatedQoS1: 3, Forgotten: 1},
			fault: "sub1 did not get message 2 of load/one again",
		},
		{
			name: "what is acknowledged now need not come again after the next outage",
			live: func(h history) {
				for id := range uint16(3) {
					again(h, uint64(id)+1, id+1, true)
					h.Settled("sub1", id+1)
				}
				h.Outage()
				h.Connected("sub1")
			},
			want: outage.Verdict{DuplicatedQoS1: 3},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := inflight()
			h.Outage()
			h.Connected("sub1")
			test.live(h)
			check(t, h.Judge(outage.Midway), test.want, test.fault)
		})
	}
	t.Run("what came just before the outage may be forgotten", func(t *testing.T) {
		h := newHistory()
		n := h.Sent(one, false)
		h.Received("sub1", one, n, 1, 1, false)
		h.Acked(one, n)
		h.Outage()
		h.Connected("sub1")
		h.Received("sub1", one, n, 1, 5, false)
		h.got("sub2", one, n, 1)
		h.got("ann", one, n, 1)
		check(t, h.Judge(outage.Midway), outage.Verdict{DuplicatedQoS1: 1}, "")
	})
	t.Run("whoever leaves a living broker finds everything again", func(t *testing.T) {
		h := newHistory()
		h.fine(1)
		h.Received("sub1", one, h.Sent(one, false), 1, 1, false)
		h.Left("sub1")
		h.Connected("sub1")
		check(t, h.Judge(outage.Midway), outage.Verdict{Forgotten: 1}, "sub1 did not get message 2")
	})
}

func TestTheLedgerFollowsQoS2Flows(t *testing.T) {
	tests := []struct {
		name  string
		live  func(h history, n uint64)
		want  outage.Verdict
		fault string
	}{
		{"PUBLISH comes again", func(h history, n uint64) { h.Repeated("sub2", two, n, 4, true) }, outage.Verdict{}, ""},
		{"PUBREL comes", func(h history, _ uint64) { h.Released("sub2", 4) }, outage.Verdict{}, ""},
		{"nothing comes", func(history, uint64) {}, outage.Verdict{Forgotten: 1}, "sub2 did not get message 1"},
		{"PUBLISH comes unmarked", func(h history, n uint64) { h.Repeated("sub2", two, n, 4, false) }, outage.Verdict{Unmarked: 1}, "not marked"},
		{
			"another message comes under the identifier",
			func(h history, n uint64) { h.Repeated("sub2", one, h.Sent(one, false), 4, true); h.Released("sub2", 4) },
			outage.Verdict{Strange: 1},
			"which belongs to another one",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHistory()
			n := h.taken(two)
			h.got("sub1", two, n, 1)
			h.got("ann", two, n, 2)
			h.Received("sub2", two, n, 2, 4, false)
			h.Outage()
			h.Connected("sub2")
			test.live(h, n)
			check(t, h.Judge(outage.Midway), test.want, test.fault)
		})
	}
	t.Run("PUBREL was heard, and PUBLISH comes again", func(t *testing.T) {
		h := newHistory()
		n := h.taken(two)
		h.got("sub1", two, n, 1)
		h.got("ann", two, n, 2)
		h.Received("sub2", two, n, 2, 4, false)
		h.Released("sub2", 4)
		h.Outage()
		h.Connected("sub2")
		h.Received("sub2", two, n, 2, 4, true)
		check(t, h.Judge(outage.Midway), outage.Verdict{DuplicatedQoS2: 1, Forgotten: 1}, "twice with QoS 2")
	})
	t.Run("PUBREL was heard, and does not come again", func(t *testing.T) {
		h := newHistory()
		n := h.taken(two)
		h.got("sub1", two, n, 1)
		h.got("ann", two, n, 2)
		h.Received("sub2", two, n, 2, 4, false)
		h.Released("sub2", 4)
		h.Outage()
		h.Connected("sub2")
		check(t, h.Judge(outage.Midway), outage.Verdict{Forgotten: 1}, "sub2 did not get message 1")
	})
}

func TestTheLedgerLooksAtRetainedMessages(t *testing.T) {
	tests := []struct {
		name  string
		live  func(h history)
		sees  uint64 // 0: nothing
		wrong int
	}{
		{"the last acknowledged one", func(h history) { h.taken("keep"); h.taken("keep") }, 2, 0},
		{"a later one that was not acknowledged", func(h history) { h.taken("keep"); h.Sent("keep", false) }, 2, 0},
		{"an older one", func(h history) { h.taken("keep"); h.taken("keep") }, 1, 1},
		{"none at all", func(h history) { h.taken("keep") }, 0, 1},
		{"none, and none was acknowledged", func(h history) { h.Sent("keep", false) }, 0, 0},
		{"none, as it was taken away", func(h history) { h.taken("keep"); h.Acked("keep", h.Sent("keep", true)) }, 0, 0},
		{"none, as it may have been taken away", func(h history) { h.taken("keep"); h.Sent("keep", true) }, 0, 0},
		{"one that was not taken away for sure", func(h history) { h.taken("keep"); h.Sent("keep", true) }, 1, 0},
		{"one that was taken away", func(h history) { h.taken("keep"); h.Acked("keep", h.Sent("keep", true)) }, 1, 1},
		{"one that nobody has sent", func(h history) { h.taken("keep") }, 7, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHistory()
			test.live(h)
			look := h.Look()
			if test.sees > 0 {
				look.Saw("keep", test.sees)
			}
			if done, want := look.Awaits() == 0, test.sees > 0 && test.sees < 7 || test.wrong == 0; done != want {
				t.Errorf("the look is done: %v, want %v", done, want)
			}
			look.End()
			v := h.Judge(outage.Midway)
			if test.sees == 7 {
				test.wrong++ // and the right one is not there
			}
			if v.RetainedWrong != test.wrong {
				t.Errorf("found %d wrong, want %d:\n%s", v.RetainedWrong, test.wrong, v)
			}
			if v.RetainedSeen != 1 {
				t.Errorf("looked at %d topics, want 1", v.RetainedSeen)
			}
		})
	}
}

func TestTheLedgerFollowsWills(t *testing.T) {
	tests := []struct {
		name  string
		live  func(h history)
		stage outage.Stage
		want  outage.Verdict
		fault string
	}{
		{"of a client that died and is published", func(h history) { h.Gone("c", true); h.Published("c") }, outage.AfterGrace, outage.Verdict{}, ""},
		{"of a client that died still has time", func(h history) { h.Gone("c", true) }, outage.Midway, outage.Verdict{WillsOwed: 1}, ""},
		{"of a client that died and is not published", func(h history) { h.Gone("c", true) }, outage.AfterDelays, outage.Verdict{WillsMissing: 1}, "the will of c was not published"},
		{"of a client that died in the outage still has time", func(h history) { h.Outage(); h.Gone("c", false) }, outage.AfterDelays, outage.Verdict{WillsOwed: 1}, ""},
		{"of a client that died in the outage", func(h history) { h.Outage(); h.Gone("c", false) }, outage.AfterGrace, outage.Verdict{WillsMissing: 1}, "the will of c was not published"},
		{"of a client that died in the outage is published", func(h history) { h.Outage(); h.Gone("c", false); h.Published("c") }, outage.AfterGrace, outage.Verdict{}, ""},
		{"comes twice", func(h history) { h.Gone("c", true); h.Published("c"); h.Published("c") }, outage.AfterGrace, outage.Verdict{WillsSpurious: 1}, "twice"},
		{"of a client that came back", func(h history) { h.Outage(); h.Will("c", true); h.Published("c") }, outage.AfterGrace, outage.Verdict{WillsSpurious: 1}, "came back in time"},
		{"of a client that is still away, but will come back", func(h history) { h.Outage(); h.Published("c") }, outage.AfterGrace, outage.Verdict{WillsSpurious: 1}, "came back in time"},
		{"of a client that has said goodbye", func(h history) { h.Goodbye("c"); h.Published("c") }, outage.AfterGrace, outage.Verdict{WillsSpurious: 1}, "said goodbye"},
		{"of a client that said goodbye long before the outage", func(h history) { h.Goodbye("c"); h.taken(two); h.Outage(); h.Published("c") }, outage.AfterGrace, outage.Verdict{WillsSpurious: 1}, "said goodbye"},
		{"of a client that said goodbye just before the outage", func(h history) { h.Goodbye("c"); h.Outage(); h.Published("c") }, outage.AfterGrace, outage.Verdict{}, ""},
		{"of a client whose session does not last, just before the outage", func(h history) { h.Will("d", false); h.Outage(); h.Gone("d", false) }, outage.AfterGrace, outage.Verdict{}, ""},
		{"of a client whose session does not last", func(h history) { h.Will("d", false); h.taken(two); h.Outage(); h.Gone("d", false) }, outage.AfterGrace, outage.Verdict{WillsMissing: 1}, "the will of d"},
		{"of nobody", func(h history) { h.Published("x") }, outage.AfterGrace, outage.Verdict{Strange: 1}, "whom nobody knows"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHistory()
			h.Will("c", true)
			test.live(h)
			v := h.Judge(test.stage)
			v.Lost, v.Faults = 0, without(v.Faults, "did not get message") // nobody listens to the message in between
			check(t, v, test.want, test.fault)
		})
	}
}

func without(faults []string, part string) (rest []string) {
	for _, f := range faults {
		if !strings.Contains(f, part) {
			rest = append(rest, f)
		}
	}
	return rest
}

func check(t *testing.T, got, want outage.Verdict, fault string) {
	t.Helper()
	ignored := cmpopts.IgnoreFields(outage.Verdict{}, "Sent", "Acknowledged", "Received", "RetainedSeen", "WillsPublished", "Faults", "Back")
	if diff := cmp.Diff(want, got, ignored); diff != "" {
		t.Errorf("the verdict (-want +got):\n%s", diff)
	}
	if len(got.Faults) != got.Violations() {
		t.Errorf("%d violations, %d descriptions", got.Violations(), len(got.Faults))
	}
	if fault != "" && (len(got.Faults) == 0 || !strings.Contains(strings.Join(got.Faults, "\n"), fault)) {
		t.Errorf("the faults %q do not say %q", got.Faults, fault)
	}
	if want.Violations() > 0 && fault == "" && len(got.Faults) == 0 {
		t.Error("nothing describes the violation")
	}
}
