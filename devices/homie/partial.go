package homie

import (
	"cmp"
	"fmt"
	"slices"

	"home.arpa/homehub/hub"
)

// What a device of the older versions may say until it is announced, and all of those that are not whole together. What is too much is
// dropped: first the device that has been incomplete for longest.
const (
	maxAttribute   = 8 << 10
	maxTree        = 512 << 10
	maxPartial     = 500
	maxPartialSize = 16 << 20
)

// partial are the devices that are not announced, the oldest first.
type partial struct {
	trees []*tree
	size  int
}

func (p *partial) add(t *tree) { p.trees = append(p.trees, t) }

func (p *partial) remove(t *tree) {
	if i := slices.Index(p.trees, t); i >= 0 {
		p.trees = slices.Delete(p.trees, i, i+1)
		p.size -= t.size
	}
}

// thin drops the device if it is too large, and the oldest of those that are not whole as long as they are too many.
func (c *Convention) thin(t *tree) hub.Update {
	var u hub.Update
	drop := func(t *tree) {
		u = join(u, c.fell(t))
		u.Faults = append(u.Faults, hub.Fault{
			Topic: t.base(), Reason: fmt.Sprintf("the device was left out: it did not describe itself wholly, %s is missing", cmp.Or(t.lacks(), "$state")),
		})
	}
	if t.announced == nil && t.size > maxTree {
		drop(t)
	}
	for len(c.partial.trees) > maxPartial || c.partial.size > maxPartialSize {
		drop(c.partial.trees[0])
	}
	return u
}
