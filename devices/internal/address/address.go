// Package address spells the hardware addresses of devices in one way, so that the hub finds what two conventions say of one
// thing.
package address

import "strings"

// MAC spells a MAC or Bluetooth address of six bytes, however it is written, in lower case with colons between the bytes. It is
// empty for anything else, and for addresses that are nobody's (all zeros or ones).
func MAC(s string) string {
	if len(s) < 12 || len(s) > 17 {
		return ""
	}
	out := make([]byte, 0, 17)
	digits := 0
	zero, ones := true, true
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'F':
			c += 'a' - 'A'
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f':
		case (c == ':' || c == '-' || c == '.') && digits > 0:
			continue
		default:
			return ""
		}
		if digits == 12 {
			return ""
		}
		if digits > 0 && digits%2 == 0 {
			out = append(out, ':')
		}
		out = append(out, c)
		digits++
		zero, ones = zero && c == '0', ones && c == 'f'
	}
	if digits != 12 || zero || ones {
		return ""
	}
	return string(out)
}

// Random says of a Bluetooth address as MAC spells it, which is known to be a random one, whether it changes by itself: only
// those whose two highest bits are set stay (Bluetooth Core Specification, volume 6, part B, 1.3.2).
func Random(mac string) bool {
	return mac != "" && !strings.ContainsRune("cdef", rune(mac[0]))
}
