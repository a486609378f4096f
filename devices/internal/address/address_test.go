package address_test

import (
	"testing"

	"home.arpa/homehub/devices/internal/address"
)

func TestMAC(t *testing.T) {
	for in, want := range map[string]string{
		"A4C138D5D498": "a4:c1:38:d5:d4:98", "a4:c1:38:D5:d4:98": "a4:c1:38:d5:d4:98", "A4-C1-38-D5-D4-98": "a4:c1:38:d5:d4:98",
		"000000000000": "", "ff:ff:ff:ff:ff:ff": "", "A4C138D5D49": "", "A4C138D5D4981": "", "a4 c138d5d498": "", ":A4C138D5D498": "", "": "",
	} {
		if got := address.MAC(in); got != want {
			t.Errorf("MAC(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRandom(t *testing.T) {
	for in, want := range map[string]bool{"c4:00:00:00:00:01": false, "58:78:20:76:bc:24": true, "bf:00:00:00:00:01": true, "": false} {
		if got := address.Random(in); got != want {
			t.Errorf("Random(%q) = %v, want %v", in, got, want)
		}
	}
}
