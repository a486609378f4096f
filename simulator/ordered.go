package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
)

// ordered is a JSON object whose members keep the order in which they were added, as firmware writes them.
type ordered struct{ b bytes.Buffer }

// with adds members: keys and values in turn. A value is whatever marshal takes, another *ordered, or literal JSON.
func (o *ordered) with(pairs ...any) *ordered {
	for i := 0; i+1 < len(pairs); i += 2 {
		if o.b.Len() > 0 {
			o.b.WriteByte(',')
		}
		fmt.Fprintf(&o.b, "%s:", marshal(pairs[i]))
		switch v := pairs[i+1].(type) {
		case *ordered:
			o.b.WriteString(v.String())
		case literal:
			o.b.WriteString(string(v))
		default:
			o.b.Write(marshal(v))
		}
	}
	return o
}

// inner are the members without the braces.
func (o *ordered) inner() string { return o.b.String() }

// String is the object's JSON.
func (o *ordered) String() string { return "{" + o.b.String() + "}" }

// MarshalJSON makes it a value within others.
func (o *ordered) MarshalJSON() ([]byte, error) { return []byte(o.String()), nil }

// members is an object with members, as ordered.with takes them.
func members(pairs ...any) *ordered { return new(ordered).with(pairs...) }

// literal is JSON as it stands.
type literal string

// number1 and number2 are numbers with one and two decimals.
func number1(f float64) literal { return literal(fixed(f, 1)) }
func number2(f float64) literal { return literal(fixed(f, 2)) }

// MarshalJSON makes it a value within others.
func (l literal) MarshalJSON() ([]byte, error) { return []byte(l), nil }

var (
	_ json.Marshaler = (*ordered)(nil)
	_ json.Marshaler = literal("")
)

// hardware is the network address of a device, 12 digits in capitals, made of its id. Its first half is one that the maker of
// the boards owns.
func hardware(maker, id string) string {
	f := fnv.New32a()
	_, _ = f.Write([]byte(maker + " " + id)) // never fails
	return fmt.Sprintf("%s%06X", maker, f.Sum32()&0xffffff)
}
