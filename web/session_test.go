package web

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var begun = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

func TestSessionsAreBoundedAndEnd(t *testing.T) {
	var s sessions
	first := s.begin("t", begun)
	second := s.begin("t", begun.Add(time.Second))
	if _, ok := s.token(first, begun.Add(time.Hour)); !ok {
		t.Fatal("a new session is not known")
	}
	for i := range maxSessions - 1 {
		s.begin("t", begun.Add(2*time.Hour+time.Duration(i)*time.Second))
	}
	if len(s.byID) != maxSessions {
		t.Errorf("there are %d sessions, want %d", len(s.byID), maxSessions)
	}
	if _, ok := s.token(second, begun.Add(3*time.Hour)); ok {
		t.Error("the session that was used longest ago did not end")
	}
	if _, ok := s.token(first, begun.Add(3*time.Hour)); !ok {
		t.Error("a session that was used later ended instead")
	}
	if _, ok := s.token(first, begun.Add(sessionLife)); ok {
		t.Error("a session outlived its life")
	}
	for key := range s.byID {
		if strings.Contains(string(key[:]), first) {
			t.Error("ids are kept in the clear")
		}
	}
}

func TestTriesAreBoundedAndForgotten(t *testing.T) {
	var tr tries
	addr := netip.MustParseAddr("192.168.1.66")
	for i := range maxTries {
		if wait := tr.wait(addr, begun); wait != 0 {
			t.Fatalf("after %d tries: wait %s", i, wait)
		}
		tr.failed(addr, begun)
	}
	if wait := tr.wait(addr, begun.Add(20*time.Second)); wait != 40*time.Second {
		t.Errorf("wait %s, want 40s", wait)
	}
	if wait := tr.wait(addr, begun.Add(time.Minute)); wait != 0 {
		t.Errorf("after the window: wait %s", wait)
	}
	if n := tr.failed(addr, begun.Add(time.Minute)); n != 1 {
		t.Errorf("a new window begins with %d", n)
	}
	a, b := netip.MustParseAddr("2001:db8:1:2::5"), netip.MustParseAddr("2001:db8:1:2:ffff::6")
	for range maxTries {
		tr.failed(a, begun)
	}
	if tr.wait(b, begun) == 0 {
		t.Error("a neighbour in the same /64 may go on")
	}
	for i := range 3 * maxTryAddress {
		tr.failed(netip.MustParseAddr(fmt.Sprintf("10.0.%d.%d", i/256, i%256)), begun.Add(time.Hour))
	}
	if len(tr.byAddress) > maxTryAddress {
		t.Errorf("%d addresses are kept", len(tr.byAddress))
	}
}

func FuzzEventID(f *testing.F) {
	for _, seed := range []string{"e1-5", "", "-", "-5", "a-b-18446744073709551615", "a-18446744073709551616", "x-007"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		epoch, n, ok := parseEventID(id)
		if !ok {
			return
		}
		if epoch == "" {
			t.Errorf("%q has no epoch", id)
		}
		if e, m, ok := parseEventID(eventID(epoch, n)); !ok || e != epoch || m != n {
			t.Errorf("%q is read as %q %d, which comes back as %q %d", id, epoch, n, e, m)
		}
	})
}

func FuzzHostname(f *testing.F) {
	s := &Server{hosts: map[string]bool{"localhost": true}}
	for _, seed := range []string{"localhost:1888", "[::1]:80", "[::1", "a:b:c", "127.0.0.1", "[fe80::1%25eth0]", ".", ":"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !s.hostKnown(host) {
			return
		}
		name := hostname(host)
		if _, err := netip.ParseAddr(name); err != nil && name != "localhost" && !strings.HasSuffix(name, ".localhost") {
			t.Errorf("%q passes as %q", host, name)
		}
	})
}
