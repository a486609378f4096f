package embedded

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A copy has all that its model has, whatever the size, and does not change with it; one that was made of a used piece neither.
func TestACopyIsWhole(t *testing.T) {
	for _, size := range []int{0, 1, 31, 32, 33, 64, 65, 128, 256, 257, 504, 505, 1016, 1017, 5000} {
		for _, props := range []int{0, 7} {
			for _, copied := range []func(*message) *message{(*message).own, (*message).borrow, (*message).borrow} {
				t.Run(fmt.Sprint(size, " and ", props), func(t *testing.T) {
					payload, properties := bytes.Repeat([]byte{1}, size), bytes.Repeat([]byte{2}, props)
					m := &message{topic: "t", payload: payload, props: properties, client: "c", qos: 1}
					c := copied(m)
					for i := range payload {
						payload[i] = 9
					}
					for i := range properties {
						properties[i] = 9
					}
					if diff := cmp.Diff(string(bytes.Repeat([]byte{1}, size)), string(c.payload)); diff != "" {
						t.Error("payload", diff)
					}
					if diff := cmp.Diff(string(bytes.Repeat([]byte{2}, props)), string(c.props)); diff != "" {
						t.Error("properties", diff)
					}
					if c.topic != "t" || c.client != "c" || c.qos != 1 || c.size() != m.size() {
						t.Errorf("got %+v, want %+v", c, m)
					}
					c.yield()
				})
			}
		}
	}
}
