package simulator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/simulator"
)

// day is what each device says in some hours of model time, as topic and payload.
func day(t *testing.T, o simulator.Options, hours int) map[string][]string {
	t.Helper()
	said := map[string][]string{}
	synctest.Test(t, func(t *testing.T) {
		live(t, simulator.DefaultHouse(), o, func(s *simulator.Simulator, ts *tapes) {
			time.Sleep(time.Duration(float64(hours)*float64(time.Hour)/o.Speed) - time.Second)
			synctest.Wait()
			for id, tape := range ts.all {
				for _, m := range tape.taken() {
					said[id] = append(said[id], m.Topic+" "+string(m.Payload))
				}
			}
		})
	})
	return said
}

func TestTheSameSeedMakesTheSameDay(t *testing.T) {
	first := day(t, simulator.Options{Seed: 7, Speed: 20}, 2)
	second := day(t, simulator.Options{Seed: 7, Speed: 20}, 2)
	if len(first) != 41 {
		t.Fatalf("%d clients spoke, want 40 devices and a bridge", len(first))
	}
	if d := cmp.Diff(first, second); d != "" {
		t.Errorf("two days of one seed differ:\n%s", d)
	}
	other := day(t, simulator.Options{Seed: 8, Speed: 20}, 2)
	same := 0
	for id := range first {
		if cmp.Equal(first[id], other[id]) {
			same++
		}
	}
	if same > 2 { // a fan that nobody touches has nothing of its own to say
		t.Errorf("%d of %d devices say the same for two seeds", same, len(first))
	}
}

func TestTheHouseIsLivelyButCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live(t, simulator.DefaultHouse(), simulator.Options{Seed: 1}, func(_ *simulator.Simulator, ts *tapes) {
			for range 6 {
				time.Sleep(10 * time.Minute)
				n := 0
				for _, tape := range ts.all {
					said := tape.taken()
					n += len(said)
					if len(said) == 0 {
						t.Errorf("%s said nothing in ten minutes", tape.id)
					}
				}
				if rate := float64(n) / 600; rate < 2 || rate > 10 {
					t.Errorf("the house sends %.1f messages a second, want 2 to 10", rate)
				}
			}
		})
	})
}

func TestSpeedLetsModelTimeRun(t *testing.T) {
	for _, speed := range []float64{0.5, 1, 60, 1800} {
		synctest.Test(t, func(t *testing.T) {
			live(t, simulator.DefaultHouse(), simulator.Options{Seed: 1, Speed: speed}, func(s *simulator.Simulator, _ *tapes) {
				before := s.Now()
				time.Sleep(5 * time.Second)
				synctest.Wait()
				got, want := s.Now().Sub(before), time.Duration(5*speed*float64(time.Second))
				if diff := (got - want).Abs(); diff > want/100+time.Second {
					t.Errorf("at speed %v, 5 s made %s of model time, want %s", speed, got, want)
				}
			})
		})
	}
}

func TestASimulatorBeginsAtSevenOrWhenItIsTold(t *testing.T) {
	for _, c := range []struct {
		options simulator.Options
		want    time.Time
	}{
		{simulator.Options{Seed: 1}, time.Date(2026, time.November, 2, 7, 0, 0, 0, time.UTC)},
		{simulator.Options{Seed: 2}, time.Date(2026, time.November, 15, 7, 0, 0, 0, time.UTC)},
		{simulator.Options{Seed: 1, Start: time.Date(2027, time.June, 1, 12, 0, 0, 0, time.UTC)}, time.Date(2027, time.June, 1, 12, 0, 0, 0, time.UTC)},
	} {
		s, err := simulator.New(simulator.DefaultHouse(), c.options)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Now(); !got.Equal(c.want) {
			t.Errorf("seed %d begins at %s, want %s", c.options.Seed, got, c.want)
		}
	}
}
