package devices

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Encode returns the value as text from which DecodeValue, given the same Datatype, makes an equal value. It is for
// stores: unlike String, whose spelling is for people and devices and may change, it promises that nothing is lost.
func (v Value) Encode() string { return v.String() } // which loses nothing so far; the tests of DecodeValue hold it to that

// DecodeValue reads back what Encode wrote for a value of the datatype; the empty datatype with an empty text is the zero
// Value. What Encode cannot have written is refused with an error that wraps ErrValue: what people and devices write is
// for Property.ParseText.
func DecodeValue(t Datatype, text string) (Value, error) {
	switch t {
	case Bool:
		switch text {
		case "true":
			return BoolValue(true), nil
		case "false":
			return BoolValue(false), nil
		}
	case Int, Float:
		f, err := strconv.ParseFloat(text, 64)
		if err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) && (t == Float || f == math.Trunc(f)) {
			return Value{kind: t, num: f + 0}, nil
		}
	case Color:
		hue, saturation, ok := strings.Cut(text, ",")
		h, err1 := strconv.ParseFloat(hue, 64)
		s, err2 := strconv.ParseFloat(saturation, 64)
		if ok && err1 == nil && err2 == nil {
			return ColorValue(h, s)
		}
	case Enum:
		return EnumValue(text), nil
	case String:
		return TextValue(text), nil
	case JSON:
		return JSONValue(text)
	case "":
		if text == "" {
			return Value{}, nil
		}
	}
	return Value{}, fmt.Errorf("%w: %.40q is not the text of a kept value of type %q", ErrValue, text, t)
}
