package devices_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

func TestACadenceIsTakenUpAgain(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, pauses := range map[string][]time.Duration{
		"of a regular device":          {10 * time.Minute, 11 * time.Minute, 9 * time.Minute},
		"of one that speaks on a whim": {time.Minute, 5 * time.Hour, 20 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			var c devices.Cadence
			for i := range 100 {
				c.Heard(now)
				now = now.Add(pauses[i%len(pauses)])
			}
			r := c.Rhythm()
			if len(r.Pauses) != 24 {
				t.Errorf("%d pauses are kept", len(r.Pauses))
			}
			later := devices.NewCadence(now.Add(time.Hour), r)
			if got, want := later.Limit(), c.Limit(); got != want || want == 0 {
				t.Errorf("the limit is %v, was %v", got, want)
			}
			if d := cmp.Diff(r, later.Rhythm()); d != "" {
				t.Errorf("kept again (-first +second):\n%s", d)
			}
			later.Heard(now.Add(2 * time.Hour)) // the first sign ends no pause
			if d := cmp.Diff(r.Pauses, later.Rhythm().Pauses); d != "" {
				t.Errorf("after a sign:\n%s", d)
			}
			later.Heard(now.Add(2*time.Hour + 10*time.Minute))
			if p := later.Rhythm().Pauses; p[23] != 600 || p[0] != r.Pauses[1] {
				t.Errorf("after two signs the pauses are %v", p)
			}
		})
	}
}

func TestADamagedRhythmIsNone(t *testing.T) {
	good := make([]int, 30)
	for i := range good {
		good[i] = 600 + i
	}
	for name, r := range map[string]devices.Rhythm{
		"a pause of nothing":    {Pauses: append([]int{0}, good[:20]...), Longest: 700, Watched: 1000},
		"a pause of ages":       {Pauses: append([]int{1 << 40}, good[:20]...), Longest: 700, Watched: 1000},
		"watched in the future": {Pauses: good[:20], Longest: 700, Watched: -1},
		"longer than ever":      {Pauses: good[:20], Longest: 1 << 40, Watched: 1000},
	} {
		c := devices.NewCadence(time.Now(), r)
		if c.Limit() != 0 {
			t.Errorf("%s: the limit is %v", name, c.Limit())
		}
	}
	c := devices.NewCadence(time.Now(), devices.Rhythm{Pauses: good, Longest: 700, Watched: 1000})
	if got := c.Rhythm().Pauses; len(got) != 24 || got[23] != good[29] {
		t.Errorf("of too many pauses are left %v", got)
	}
}
