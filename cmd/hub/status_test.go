package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestTheStatusAccountsForEveryDevice(t *testing.T) {
	var s status
	s.Overview.Online, s.Overview.Offline, s.Overview.Asleep, s.Overview.Late, s.Overview.Starting = 6, 5, 4, 3, 2
	const heard = "6 online, 5 offline, 4 asleep, 2 starting, 3 late (silent for longer than they usually are)"
	for unheard, want := range map[int]string{1: "  Devices   21: " + heard + ", 1 not heard yet\n", 0: "  Devices   20: " + heard + "\n"} {
		s.Overview.Devices = 20 + unheard
		var out bytes.Buffer
		(&client{out: &out}).printStatus(s, time.Time{})
		if !strings.Contains(out.String(), want) {
			t.Errorf("with %d of which nothing was heard it says\n%s", unheard, &out)
		}
	}
}
