package devices_test

import (
	"testing"
	"time"

	"home.arpa/homehub/devices"
)

func TestCadence(t *testing.T) {
	pauses := func(n int, pause func(i int) time.Duration) *devices.Cadence {
		var c devices.Cadence
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for i := range n {
			c.Heard(now)
			c.Heard(now.Add(time.Second)) // a second message of the same report
			now = now.Add(pause(i))
		}
		return &c
	}
	every := func(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }
	for name, test := range map[string]struct {
		c    *devices.Cadence
		want time.Duration
	}{
		"nothing is known of one that has not spoken":           {&devices.Cadence{}, 0},
		"nor of one that has spoken a few times":                {pauses(12, every(time.Minute)), 0},
		"a regular one is missed after three pauses":            {pauses(13, every(10*time.Minute)), 30 * time.Minute},
		"but nobody is missed after seconds":                    {pauses(30, every(5*time.Second)), time.Minute},
		"a little unrest is regular":                            {pauses(30, func(i int) time.Duration { return time.Duration(8+i%4) * time.Minute }), 30 * time.Minute},
		"one that speaks when it pleases is watched first":      {pauses(40, func(i int) time.Duration { return time.Duration(1+i%9*9) * time.Minute }), 0},
		"and then missed after twice its longest silence":       {pauses(100, func(i int) time.Duration { return time.Duration(1+i%9*9) * time.Minute }), 146 * time.Minute},
		"and after an hour at least, if it speaks now and then": {pauses(4000, func(i int) time.Duration { return time.Duration(10+i%9*30) * time.Second }), time.Hour},
		"what was long ago does not count for a regular one":    {pauses(60, func(i int) time.Duration { return time.Duration(1+max(0, 30-i)) * time.Minute }), 3 * time.Minute},
		"one whose night is long is not missed in it": {pauses(200, func(i int) time.Duration {
			if i%20 == 19 {
				return 9 * time.Hour
			}
			return time.Duration(5+i%7*5) * time.Minute
		}), 18 * time.Hour},
	} {
		if got := test.c.Limit(); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestCadenceDoesNotCountTheTimeAway(t *testing.T) {
	var c devices.Cadence
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 40 {
		c.Heard(now)
		now = now.Add(time.Minute)
		if i == 30 {
			c.Paused()
			now = now.Add(10 * time.Hour)
		}
	}
	if got := c.Limit(); got != 3*time.Minute {
		t.Errorf("the limit is %s", got)
	}
}
