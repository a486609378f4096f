package hub

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// followed is a follow; one from the configuration cannot be removed.
type followed struct {
	Follow
	fixed bool
}

// String is from -> to.
func (f Follow) String() string { return f.From.String() + " -> " + f.To.String() }

// Follows is part of API. The list is sorted.
func (h *Hub) Follows() []Follow {
	h.mu.RLock()
	defer h.mu.RUnlock()
	list := make([]Follow, len(h.follows))
	for i, f := range h.follows {
		list[i] = f.Follow
	}
	slices.SortFunc(list, func(a, b Follow) int { return strings.Compare(a.String(), b.String()) })
	return list
}

// Follow is part of API. A follow that exists already is no error.
func (h *Hub) Follow(ctx context.Context, f Follow) error {
	var refused error
	kept := make(chan error, 1)
	err := h.ask(ctx, func(time.Time) {
		if h.hasFollow(f) {
			kept <- nil
			return
		}
		if refused = h.checkFollow(f); refused == nil {
			h.addFollow(f, func(err error) { kept <- err })
		}
	})
	if err == nil {
		err = refused
	}
	if err == nil {
		err = h.untilKept(ctx, kept)
	}
	if err != nil {
		return fmt.Errorf("making %s follow %s: %w", f.To, f.From, err)
	}
	return nil
}

// Unfollow is part of API: ErrNotFound for an unknown follow, ErrConflict for one from the configuration.
func (h *Hub) Unfollow(ctx context.Context, f Follow) error {
	var refused error
	kept := make(chan error, 1)
	err := h.ask(ctx, func(time.Time) {
		i := slices.IndexFunc(h.follows, func(g followed) bool { return g.Follow == f })
		switch {
		case i < 0:
			refused = fmt.Errorf("%w: %s does not follow %s", ErrNotFound, f.To, f.From)
		case h.follows[i].fixed:
			refused = fmt.Errorf("%w: this link is in the configuration, and can be taken back only there", ErrConflict)
		default:
			h.dropFollow(f, func(err error) { kept <- err })
		}
	})
	if err == nil {
		err = refused
	}
	if err == nil {
		err = h.untilKept(ctx, kept)
	}
	if err != nil {
		return fmt.Errorf("making %s follow %s no more: %w", f.To, f.From, err)
	}
	return nil
}

func (h *Hub) hasFollow(f Follow) bool {
	return slices.ContainsFunc(h.follows, func(g followed) bool { return g.Follow == f })
}

// addFollow and dropFollow change the list, and the store's. kept, which may be nil, is that of recorder.follow.
func (h *Hub) addFollow(f Follow, kept func(error)) {
	h.follows = append(h.follows, followed{Follow: f})
	h.recorder.follow(f, true, kept)
}

func (h *Hub) dropFollow(f Follow, kept func(error)) {
	h.follows = slices.DeleteFunc(h.follows, func(g followed) bool { return g.Follow == f && !g.fixed })
	h.recorder.follow(f, false, kept)
}

// unlink drops all follows from and to a device that people removed, but for those from the configuration: another device may get
// its ID, and has not been asked.
func (h *Hub) unlink(id string) {
	for _, f := range slices.Clone(h.follows) {
		if (f.From.Device == id || f.To.Device == id) && !f.fixed {
			h.log.Info("a link went with its device", keyDevice, id, "link", f.String())
			h.dropFollow(f.Follow, nil)
		}
	}
}

// relink has the follows of a property be those of another, which it has turned out to be. One that is there already, or would
// lead back to itself, is dropped.
func (h *Hub) relink(was, is devices.Path) {
	for _, old := range slices.Clone(h.follows) {
		f := old.Follow
		if f.From == was {
			f.From = is
		}
		if f.To == was {
			f.To = is
		}
		if f == old.Follow || old.fixed {
			continue
		}
		h.dropFollow(old.Follow, nil)
		if !h.hasFollow(f) && h.wayBack(f.To, f.From) == nil {
			h.addFollow(f, nil)
		}
	}
}

// checkFollow says why a follow cannot be. A device that is not known yet may come.
func (h *Hub) checkFollow(f Follow) error {
	if len(h.follows) >= maxFollows {
		return fmt.Errorf("%w: there are %d links already, and each report looks through them", ErrConflict, len(h.follows))
	}
	if loop := h.wayBack(f.To, f.From); loop != nil {
		return fmt.Errorf("%w: it would follow itself, by way of %s", ErrConflict, strings.Join(loop, ", "))
	}
	var from, to *devices.Property
	var err error
	if h.byID[f.From.Device] != nil {
		if _, from, err = h.property(f.From); err != nil {
			return err
		}
	}
	if h.byID[f.To.Device] != nil {
		if _, to, err = h.property(f.To); err != nil {
			return err
		}
		if !to.Settable {
			return fmt.Errorf("%w: %s cannot be set, only read", devices.ErrValue, f.To)
		}
	}
	if from != nil && to != nil && !fits(from.Datatype, to.Datatype) {
		return fmt.Errorf("%w: a %s cannot follow a %s", devices.ErrValue, to.Datatype, from.Datatype)
	}
	return nil
}

// wayBack finds a chain of follows from one property to another; nil if there is none.
func (h *Hub) wayBack(from, to devices.Path) []string {
	if from == to {
		return []string{to.String()}
	}
	cameFrom := map[devices.Path]devices.Path{from: {}}
	for queue := []devices.Path{from}; len(queue) > 0; queue = queue[1:] {
		for _, f := range h.follows {
			if _, seen := cameFrom[f.To]; seen || f.From != queue[0] {
				continue
			}
			cameFrom[f.To] = f.From
			if f.To == to {
				chain := []string{to.String()}
				for p := to; p != from; {
					p = cameFrom[p]
					chain = append([]string{p.String()}, chain...)
				}
				return chain
			}
			queue = append(queue, f.To)
		}
	}
	return nil
}

// lead has everything that follows a property want its new value. A newer value supersedes the command for the older.
func (h *Hub) lead(now time.Time, from devices.Path, v devices.Value) {
	for _, f := range h.follows {
		if f.From != from {
			continue
		}
		e, p, err := h.property(f.To)
		if err == nil {
			var wanted devices.Value
			if wanted, err = convert(*p, v); err == nil {
				_, err = h.place(now, e, Request{Path: f.To, Value: wanted, Origin: "link " + from.String()}, nil)
			}
		}
		if err != nil {
			h.fault(now, e, broker.Message{}, "", fmt.Sprintf("%s cannot follow %s: %s", f.To, from, plain(err)))
		}
	}
}

// fits says whether a property of one type may follow one of another.
func fits(from, to devices.Datatype) bool {
	number := func(t devices.Datatype) bool { return t == devices.Int || t == devices.Float }
	text := func(t devices.Datatype) bool { return t == devices.Enum || t == devices.String }
	return from == to || number(from) && number(to) || text(from) && text(to)
}

// convert makes a value that the property may be told of a value of another: a number stays the number, rounded for an int,
// and must be in range; a text must be one of the choices.
func convert(p devices.Property, v devices.Value) (devices.Value, error) {
	if !fits(v.Datatype(), p.Datatype) {
		return v, fmt.Errorf("%w: a %s cannot follow a %s", devices.ErrValue, p.Datatype, v.Datatype())
	}
	if v.Datatype() != p.Datatype {
		switch p.Datatype {
		case devices.Int:
			v = devices.IntValue(int64(math.Round(v.Float())))
		case devices.Float:
			var err error
			if v, err = devices.FloatValue(v.Float()); err != nil {
				return v, err
			}
		case devices.Enum:
			v = devices.EnumValue(v.Text())
		default:
			v = devices.TextValue(v.Text())
		}
	}
	return v, p.Check(v)
}
