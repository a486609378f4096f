package embedded

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHistoryIsBounded(t *testing.T) {
	var h history
	visit := func(id string) { h.arrived(id); h.departed(Connection{Client: id, Accepted: true}) }
	for i := range 700 {
		visit(fmt.Sprint("device", i))
		visit(fmt.Sprint("device", i))
	}
	for i := range 5000 {
		visit(fmt.Sprint("once", i))
		h.turnedAway(Connection{Client: fmt.Sprint("stranger", i)}, "192.168.1.40")
	}
	for i := range 700 {
		if len(h.of(fmt.Sprint("device", i))) != 2 {
			t.Fatalf("device %d, which came twice, was pushed out by those that came once", i)
		}
	}
	if len(h.of("once0")) != 0 || len(h.of("once4999")) != 1 || len(h.of("stranger4999")) != 1 {
		t.Error("of the newcomers not the last ones are kept")
	}
	for i := range 5000 {
		visit(fmt.Sprint("more", i))
		visit(fmt.Sprint("more", i))
	}
	if len(h.clients) > pastClients || h.regulars.Len()+h.newcomers.Len() != len(h.clients) {
		t.Errorf("%d clients are remembered (%d regulars, %d newcomers), want %d at most", len(h.clients), h.regulars.Len(), h.newcomers.Len(), pastClients)
	}
}

func TestThoseThatAreHereAreForgottenLast(t *testing.T) {
	var h history
	for range 2 {
		h.arrived("here")
		h.departed(Connection{Client: "here"})
	}
	h.arrived("here")
	for i := range 3000 {
		for range 2 {
			id := fmt.Sprint("other", i)
			h.arrived(id)
			h.departed(Connection{Client: id})
		}
	}
	if len(h.of("here")) != 2 {
		t.Error("a client that is connected was forgotten before others that are not")
	}
}

func TestTheListOfRefusalsIsBounded(t *testing.T) {
	var r refusals
	now := time.Now()
	for i := range 3000 {
		host := fmt.Sprint("host", i)
		for j := range 3 {
			r.add(refusalKey{Connecting, host, fmt.Sprint(j), "", wrongPassword}, host, now)
		}
	}
	all := r.all()
	if len(all) != refusalPlaces || len(r.known) != refusalPlaces || all[0].Address != "host2999" {
		t.Errorf("%d refusals are listed (%d known), the last from %s", len(all), len(r.known), all[0].Address)
	}
	total := 0
	for _, n := range r.shares {
		total += n
	}
	if total != refusalPlaces {
		t.Errorf("the shares add up to %d, want %d", total, refusalPlaces)
	}
}

func TestTheMemoryOfGuessesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g guesses
		g.failed("first", time.Now())
		for i := range 5000 {
			time.Sleep(time.Millisecond)
			g.failed(fmt.Sprint("host", i), time.Now())
			if i%100 == 0 {
				g.failed("busy", time.Now())
			}
		}
		if len(g.from) > guessSources {
			t.Errorf("%d addresses are remembered, want %d at most", len(g.from), guessSources)
		}
		if got := g.failed("first", time.Now()); got != guessStep {
			t.Errorf("the address that was quiet for the longest time is still remembered: %v", got)
		}
		if got := g.failed("busy", time.Now()); got != guessLongest {
			t.Errorf("the address that goes on guessing was forgotten: %v", got)
		}
	})
}

func TestClipping(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		strings.Repeat("x", 256): strings.Repeat("x", 256),
		strings.Repeat("x", 257): strings.Repeat("x", 253) + "…",
		strings.Repeat("ä", 200): strings.Repeat("ä", 126) + "…",
	} {
		if got := clip(in); got != want {
			t.Errorf("%d bytes become %q, want %q", len(in), got, want)
		}
	}
}

func TestTheMemoryOfLogLinesIsBounded(t *testing.T) {
	var s sampler
	let := 0
	for i := range 3 * sampleKeys {
		if s.allow(fmt.Sprint("line ", i)) {
			let++
		}
	}
	if len(s.last) != sampleKeys || let != sampleKeys {
		t.Errorf("%d lines are remembered and %d were let through, want %d of both", len(s.last), let, sampleKeys)
	}
}
