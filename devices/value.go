package devices

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Value is one value of a property. Values are comparable with ==; the zero Value is no value at all. A number is never
// NaN nor infinite.
type Value struct {
	kind Datatype
	num  float64 // bool: 0 or 1; int; float; the hue of a color
	sat  float64 // the saturation of a color
	text string
}

// ErrValue is wrapped by what refuses a value: wrong type, out of range, not a choice.
var ErrValue = errors.New("invalid value")

// BoolValue returns a bool.
func BoolValue(b bool) Value {
	if b {
		return Value{kind: Bool, num: 1}
	}
	return Value{kind: Bool}
}

// IntValue returns an int. Beyond ±2⁵³ neighbouring numbers become the same value.
func IntValue(i int64) Value { return Value{kind: Int, num: float64(i)} }

// FloatValue returns a float. NaN and infinity are refused with ErrValue.
func FloatValue(f float64) (Value, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Value{}, fmt.Errorf("%w: %v is not a number that can be worked with", ErrValue, f)
	}
	return Value{kind: Float, num: f + 0}, nil // + 0 makes -0 into 0, which would print differently
}

// EnumValue returns a choice.
func EnumValue(s string) Value { return Value{kind: Enum, text: s} }

// TextValue returns a text.
func TextValue(s string) Value { return Value{kind: String, text: s} }

// ColorValue returns a color: hue in degrees, 0 ≤ hue ≤ 360, and saturation in percent, 0-100, both rounded to a tenth.
// Anything else is refused with ErrValue. 360 becomes 0.
func ColorValue(hue, saturation float64) (Value, error) {
	if !(hue >= 0 && hue <= 360 && saturation >= 0 && saturation <= 100) {
		return Value{}, fmt.Errorf("%w: color %v,%v is not a hue of 0-360 and a saturation of 0-100", ErrValue, hue, saturation)
	}
	hue, saturation = math.Round(hue*10)/10, math.Round(saturation*10)/10
	if hue == 360 {
		hue = 0
	}
	return Value{kind: Color, num: hue, sat: saturation}, nil
}

// JSONValue returns a JSON text, compacted by the caller if that matters. What is not valid JSON is refused.
func JSONValue(s string) (Value, error) {
	if !json.Valid([]byte(s)) {
		return Value{}, fmt.Errorf("%w: not JSON", ErrValue)
	}
	return Value{kind: JSON, text: s}, nil
}

// Datatype is the value's type, empty for the zero Value.
func (v Value) Datatype() Datatype { return v.kind }

// IsZero says whether there is no value.
func (v Value) IsZero() bool { return v.kind == "" }

// Bool is the value of a bool; false for any other type.
func (v Value) Bool() bool { return v.kind == Bool && v.num != 0 }

// Float is the value of an int or float; 0 for any other type.
func (v Value) Float() float64 {
	if v.kind == Int || v.kind == Float {
		return v.num
	}
	return 0
}

// Text is the value of an enum, text or json; empty for any other type.
func (v Value) Text() string { return v.text }

// Color is the hue (0 ≤ h < 360) and the saturation (0-100) of a color; 0, 0 for any other type.
func (v Value) Color() (hue, saturation float64) {
	if v.kind != Color {
		return 0, 0
	}
	return v.num, v.sat
}

// String is how people and MQTT payloads spell the value: true, 21.5, heat, 120,100 (hue,saturation).
func (v Value) String() string {
	switch v.kind {
	case Bool:
		return strconv.FormatBool(v.num != 0)
	case Int, Float:
		return FormatNumber(v.num)
	case Color:
		return FormatNumber(v.num) + "," + FormatNumber(v.sat)
	default:
		return v.text
	}
}

// MarshalJSON writes a bool, number, string, {"hue":…,"saturation":…}, the JSON itself, or null for no value.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case "":
		return []byte("null"), nil
	case Bool:
		return strconv.AppendBool(nil, v.num != 0), nil
	case Int, Float:
		return []byte(FormatNumber(v.num)), nil
	case Color:
		return fmt.Appendf(nil, `{"hue":%s,"saturation":%s}`, FormatNumber(v.num), FormatNumber(v.sat)), nil
	case JSON:
		return []byte(v.text), nil
	default:
		return json.Marshal(v.text)
	}
}

// FormatNumber spells a number for people, payloads and JSON: by the shortest digits that say it, and without an exponent, which few devices
// read in a whole number, up to ±2⁵³, to where all whole numbers are known. What is beyond that or nearer to 0 than 0.000001 has one.
func FormatNumber(f float64) string {
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a > 1<<53) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strconv.FormatFloat(f+0, 'f', -1, 64) // + 0 makes -0 into 0
}

// ParseText reads a value of this property as String spells it. The error wraps ErrValue and says what is allowed. It
// checks the type and an enum's choices, not the range: that is Check's, for commands; devices report what they like.
func (p Property) ParseText(s string) (Value, error) {
	switch p.Datatype {
	case Bool:
		switch strings.ToLower(strings.TrimSpace(s)) {
		case "true", "on", "1", "yes":
			return BoolValue(true), nil
		case "false", "off", "0", "no":
			return BoolValue(false), nil
		}
		return Value{}, fmt.Errorf("%w: %s takes true or false, not %.40q", ErrValue, p.ID, s)
	case Int, Float:
		for _, x := range p.Presets {
			if strings.EqualFold(x.Name, strings.TrimSpace(s)) {
				return p.number(x.Value)
			}
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil {
			return Value{}, fmt.Errorf("%w: %s takes a number, not %.40q", ErrValue, p.ID, s)
		}
		return p.number(f)
	case Enum:
		if len(p.Choices) > 0 && !slices.Contains(p.Choices, s) {
			for _, c := range p.Choices {
				if strings.EqualFold(c, strings.TrimSpace(s)) {
					return EnumValue(c), nil
				}
			}
			return Value{}, fmt.Errorf("%w: %s takes one of %s, not %.40q", ErrValue, p.ID, strings.Join(p.Choices, ", "), s)
		}
		return EnumValue(s), nil
	case Color:
		return parseColor(s)
	case JSON:
		return JSONValue(s)
	default:
		return TextValue(s), nil
	}
}

// ParseJSON reads a value of this property from JSON: what MarshalJSON writes, and, so that people can type it, any
// string that ParseText takes.
func (p Property) ParseJSON(data []byte) (Value, error) {
	if p.Datatype == JSON {
		return JSONValue(string(data))
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return Value{}, fmt.Errorf("%w: %w", ErrValue, err)
	}
	switch v := v.(type) {
	case bool:
		if p.Datatype == Bool {
			return BoolValue(v), nil
		}
	case float64:
		if p.Datatype == Int || p.Datatype == Float {
			return p.number(v)
		}
	case string:
		return p.ParseText(v)
	case map[string]any:
		h, okH := v["hue"].(float64)
		s, okS := v["saturation"].(float64)
		if p.Datatype == Color && okH && okS {
			return ColorValue(h, s)
		}
	}
	return Value{}, fmt.Errorf("%w: %s is a %s, not %.40s", ErrValue, p.ID, p.Datatype, data)
}

func (p Property) number(f float64) (Value, error) {
	if p.Datatype == Int {
		if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return Value{}, fmt.Errorf("%w: %s takes a whole number, not %v", ErrValue, p.ID, f)
		}
		return IntValue(int64(f)), nil
	}
	return FloatValue(f)
}

// parseColor reads hue,saturation and #rrggbb.
func parseColor(s string) (Value, error) {
	s = strings.TrimSpace(s)
	if hex, ok := strings.CutPrefix(s, "#"); ok && len(hex) == 6 {
		if n, err := strconv.ParseUint(hex, 16, 32); err == nil {
			h, sat, _ := RGBToHSV(float64(n>>16), float64(n>>8&255), float64(n&255))
			return ColorValue(h, sat)
		}
	}
	if a, b, ok := strings.Cut(s, ","); ok {
		h, err1 := strconv.ParseFloat(strings.TrimSpace(a), 64)
		sat, err2 := strconv.ParseFloat(strings.TrimSpace(b), 64)
		if err1 == nil && err2 == nil {
			return ColorValue(h, sat)
		}
	}
	return Value{}, fmt.Errorf("%w: a color is hue,saturation (0-360,0-100) or #rrggbb, not %.40q", ErrValue, s)
}

// Check says whether a value may be commanded: settable, of the property's type, in range, one of the choices. The error
// wraps ErrValue and says what would be allowed.
func (p Property) Check(v Value) error {
	switch {
	case !p.Settable:
		return fmt.Errorf("%w: %s cannot be set, only read", ErrValue, p.ID)
	case v.kind != p.Datatype:
		return fmt.Errorf("%w: %s is a %s, not a %s", ErrValue, p.ID, p.Datatype, v.kind)
	}
	switch p.Datatype {
	case Int, Float:
		preset := slices.ContainsFunc(p.Presets, func(x NamedValue) bool { return x.Value == v.num })
		if !preset && (p.Min != nil && v.num < *p.Min || p.Max != nil && v.num > *p.Max) {
			return fmt.Errorf("%w: %s takes %s, not %s", ErrValue, p.ID, p.Range(), v)
		}
	case Enum:
		allowed := p.Choices
		if len(p.Wanted) > 0 {
			allowed = p.Wanted
		}
		if len(allowed) > 0 && !slices.Contains(allowed, v.text) {
			return fmt.Errorf("%w: %s takes one of %s, not %q", ErrValue, p.ID, strings.Join(allowed, ", "), v.text)
		}
	}
	return nil
}

// Range spells what numbers the property takes, such as "0 to 100 %"; "any number" without bounds.
func (p Property) Range() string {
	unit := ""
	if p.Unit != "" {
		unit = " " + p.Unit
	}
	switch {
	case p.Min != nil && p.Max != nil:
		return FormatNumber(*p.Min) + " to " + FormatNumber(*p.Max) + unit
	case p.Min != nil:
		return "at least " + FormatNumber(*p.Min) + unit
	case p.Max != nil:
		return "at most " + FormatNumber(*p.Max) + unit
	}
	return "any number" + unit
}

// Same says whether a reported value means that the wanted one was reached: equal, or as near as the device's own scale
// and our conversions allow. For numbers that is half a step, at least 0.5 for percentages, a hundredth part for
// kelvin (colour temperature goes through mired), and a millionth part elsewhere; for colors 3 degrees and 3 percent.
func (p Property) Same(wanted, reported Value) bool {
	if wanted == reported {
		return true
	}
	if wanted.kind != reported.kind {
		return false
	}
	switch wanted.kind {
	case Int, Float:
		tolerance := p.Step / 2
		switch p.Unit {
		case "%":
			tolerance = max(tolerance, 0.5)
		case "K":
			tolerance = max(tolerance, wanted.num/100)
		}
		tolerance = max(tolerance, math.Abs(wanted.num)*1e-6, 1e-9)
		return math.Abs(wanted.num-reported.num) <= tolerance*1.0001
	case Color:
		hue := math.Abs(wanted.num - reported.num)
		hue = min(hue, 360-hue)
		if wanted.sat < 3 && reported.sat < 3 {
			hue = 0 // white has no hue
		}
		return hue <= 3 && math.Abs(wanted.sat-reported.sat) <= 3
	case Enum:
		return strings.EqualFold(wanted.text, reported.text)
	}
	return false
}

// RGBToHSV converts red, green and blue (0-255) to a hue (0 ≤ h < 360), a saturation and a brightness (0-100).
func RGBToHSV(r, g, b float64) (hue, saturation, value float64) {
	high, low := max(r, g, b), min(r, g, b)
	if high <= 0 {
		return 0, 0, 0
	}
	d := high - low
	switch {
	case d == 0:
		hue = 0
	case high == r:
		hue = math.Mod((g-b)/d+6, 6)
	case high == g:
		hue = (b-r)/d + 2
	default:
		hue = (r-g)/d + 4
	}
	return hue * 60, d / high * 100, high / 255 * 100
}

// HSVToRGB converts a hue (0-360), a saturation and a brightness (0-100) to red, green and blue, 0-255, not rounded.
func HSVToRGB(hue, saturation, value float64) (r, g, b float64) {
	s, v := saturation/100, value/100
	f := func(n float64) float64 {
		k := math.Mod(n+hue/60, 6)
		return 255 * (v - v*s*max(0, min(k, 4-k, 1)))
	}
	return f(5), f(3), f(1)
}

// Reading is a value reported once.
type Reading struct {
	Value Value `json:"value"`
	// At is the time that the device gave with it, zero if it gave none; Heard is when the hub heard it.
	At    time.Time `json:"at,omitzero"`
	Heard time.Time `json:"heard"`
}
