package zwavejs

import (
	"strconv"
	"strings"
)

// home is the home ID of the only gateway that is known; empty if there are several, or none has told.
func (c *Convention) home() string {
	if len(c.clients) == 1 {
		for _, k := range c.clients {
			return k.home
		}
	}
	return ""
}

// homeOf is a home ID; empty for anything else.
func homeOf(s string) string {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || digits == "" || len(digits) > 8 || strings.Trim(digits, "0123456789abcdef") != "" {
		return ""
	}
	return strings.Clone(s)
}

// address is what the whole world knows the node by; empty as long as its home is not known.
func (f facts) address() string {
	if f.home == "" || f.id == 0 {
		return ""
	}
	return f.home + "_node" + strconv.Itoa(f.id)
}
