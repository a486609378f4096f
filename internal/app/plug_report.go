package app

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"home.arpa/homehub/devices"
)

// begin says what is going to happen.
func (p *printer) begin(devices, rounds int) {
	p.line("The hub runs, a simulated house of %d devices is connected, and witnesses write down every message.", devices)
	p.line("Now it is killed under load, without a warning, %s, and started again.", times(rounds))
	p.line("")
}

// round says what happened when the plug was pulled once.
func (p *printer) round(number, devices int, r PlugRound) {
	p.line("%d. Killed after %s acknowledged messages; the first one after the start %s, the whole house back after %s.",
		number, thousands(r.Acknowledged), seconds(r.Back), seconds(r.All))
	for _, c := range r.Commands {
		p.line("   A command %s: %s", c.When, c.outcome())
	}
}

// outcome is what became of a command, for people.
func (c PlugCommand) outcome() string {
	switch {
	case c.Status == "":
		return "LOST, the hub does not know it any more"
	case c.Lost():
		return "LOST, it is still " + string(c.Status)
	case c.Status == devices.Confirmed && c.After > 0:
		return c.Device + " confirmed it " + seconds(c.After) + " after the start"
	case c.Status == devices.Confirmed:
		return c.Device + " had confirmed it"
	}
	return fmt.Sprintf("%s: %s, %s", c.Device, c.Status, c.Reason)
}

// verdict says what was found in all rounds.
func (p *printer) verdict(r Pulled) {
	v := r.Verdict
	var slowest time.Duration
	commands, lost := 0, 0
	for _, round := range r.Rounds {
		slowest = max(slowest, round.Back)
		for _, c := range round.Commands {
			commands++
			if c.Lost() {
				lost++
			}
		}
	}
	p.line("")
	row := func(label string, count int, format string, args ...any) {
		p.line("  %-13s%8s  %s", label, thousands(count), fmt.Sprintf(format, args...))
	}
	row("acknowledged", v.Acknowledged, "messages with QoS 1 and 2, received %s times", thousands(v.Received))
	row("lost", v.Lost, "acknowledged, and did not reach a subscriber")
	row("reordered", v.Reordered, "came after a later one of the same topic")
	row("duplicated", v.DuplicatedQoS2, "with QoS 2; %s with QoS 1, where that may happen", thousands(v.DuplicatedQoS1))
	row("in flight", v.Unmarked+v.Forgotten+v.Stale, "not sent again as they must be, or sent again long after they were acknowledged")
	row("sessions", v.SessionsLost, "forgotten")
	row("retained", v.RetainedWrong, "wrong of %s", thousands(v.RetainedSeen))
	row("wills", v.WillsMissing+v.WillsSpurious, "missing or wrongly published; %s as they should be", thousands(v.WillsPublished))
	if v.Strange > 0 {
		row("strange", v.Strange, "answers that the standard does not allow")
	}
	row("commands", lost, "lost of %d", commands)
	p.line("  %-13s%8s  at most, until the first message was acknowledged (goal: under 1 s)", "back after", seconds(slowest))
	p.line("")
	if r.Kept() {
		p.line("Nothing was lost.")
		return
	}
	p.line("Promises were broken:")
	for i, fault := range v.Faults {
		if i == 10 {
			p.line("  …")
			break
		}
		p.line("  %s", fault)
	}
}

// times is how often, in words.
func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return strconv.Itoa(n) + " times"
}

// seconds is a time as people read it.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s" }

// thousands is a number with a comma before every three digits.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
