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

func TestWhoWasTurnedAwayIsListed(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		all  []refusal
		want string
	}{
		"nobody": {nil, "nobody was turned away\n"},
		"a login, a message, and more than are listed": {
			[]refusal{
				{Act: "connect", Reason: "wrong user name or password", Address: "192.168.1.8", Client: "plug", User: "sam", Count: 12, Last: now.Add(-time.Minute)},
				{Act: "publish", Reason: "it may not publish there", Address: "192.168.1.9", Client: "cam", Topic: "a/set", Count: 1, Last: now.Add(-2 * time.Minute)},
				{Act: "connect", Reason: "TLS: no handshake", Address: "192.168.1.7", Others: true, Count: 40, Last: now.Add(-3 * time.Minute)},
			},
			`
CLIENT     USER  ADDRESS      TIMES  LAST       WHY
plug       sam   192.168.1.8  12     1 min ago  wrong user name or password
cam        -     192.168.1.9  1      2 min ago  it may not publish there: a/set
(several)  -     192.168.1.7  40     3 min ago  TLS: no handshake
`[1:],
		},
	} {
		var out bytes.Buffer
		if err := (&client{out: &out}).printRefusals(c.all, now); err != nil || out.String() != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, &out, c.want)
		}
	}
}
