package devices

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// refresh notes that a property that expires was reported.
func (t *Twin) refresh(now time.Time, ref Ref) {
	if t.fresh == nil {
		t.fresh, t.expired = map[Ref]time.Time{}, map[Ref]bool{}
	}
	t.fresh[ref] = now
	delete(t.expired, ref)
}

// arm notes when a bool that is true for a while becomes false. One that was replayed is over at once, since nobody knows when it began.
func (t *Twin) arm(now time.Time, ref Ref, p *Property, v Value, replayed bool) {
	if v != BoolValue(true) {
		delete(t.offAt, ref)
		return
	}
	if t.offAt == nil {
		t.offAt = map[Ref]time.Time{}
	}
	t.offAt[ref] = now.Add(time.Duration(p.OffAfter * float64(time.Second)))
	if replayed {
		t.offAt[ref] = now
	}
}

// expireOffs makes false what was true for its time.
func (t *Twin) expireOffs(now time.Time) []Event {
	var events []Event
	for ref, at := range t.offAt {
		if now.Before(at) {
			continue
		}
		delete(t.offAt, ref)
		if s := t.states[ref]; s != nil && s.reading.Value == BoolValue(true) {
			s.reading = Reading{Value: BoolValue(false), Heard: now}
			events = append(events, Reported{Device: t.device.ID, Ref: ref, Reading: s.reading})
		}
	}
	slices.SortFunc(events, func(a, b Event) int {
		return strings.Compare(a.(Reported).Ref.String(), b.(Reported).Ref.String())
	})
	return events
}

// Timed says whether Expire will have something to do some time.
func (t *Twin) Timed() bool { return len(t.orders) > 0 || len(t.offAt) > 0 }

// Overdue looks which properties were promised and have not come, and names the one that has been overdue for longest, with the
// time that was promised; ok is false when there is none.
func (t *Twin) Overdue(now time.Time) (ref Ref, promised time.Duration, ok bool) {
	var oldest time.Time
	for r, at := range t.fresh {
		p := t.device.Property(r)
		if p == nil || p.Expires <= 0 {
			delete(t.fresh, r)
			delete(t.expired, r)
			continue
		}
		limit := time.Duration(p.Expires * float64(time.Second))
		if now.Sub(at) <= limit {
			continue
		}
		t.expired[r] = true
		if !ok || at.Before(oldest) || at.Equal(oldest) && r.String() < ref.String() {
			ref, promised, oldest, ok = r, limit, at, true
		}
	}
	return ref, promised, ok
}

// Expired are the properties whose last reading says nothing any more, as Overdue found them, sorted.
func (t *Twin) Expired() []Ref {
	refs := slices.Collect(maps.Keys(t.expired))
	slices.SortFunc(refs, func(a, b Ref) int { return strings.Compare(a.String(), b.String()) })
	return refs
}
