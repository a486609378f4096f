package homie

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"home.arpa/homehub/devices"
)

// Homie's data types, as they stand in a description.
const (
	typeInteger  = "integer"
	typeFloat    = "float"
	typeBoolean  = "boolean"
	typeString   = "string"
	typeEnum     = "enum"
	typeColor    = "color"
	typeDatetime = "datetime"
	typeDuration = "duration"
	typeJSON     = "json"
)

// emptyText is how Homie spells a text of length zero, since an empty MQTT payload deletes a topic.
const emptyText = "\x00"

// readInteger reads a whole number of 64 bits: digits and a leading minus, nothing else.
func readInteger(s string) (int64, error) {
	if strings.HasPrefix(s, "+") {
		return 0, fmt.Errorf("%.40q is not an integer", s)
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%.40q is not an integer", s)
	}
	return n, nil
}

// readFloat reads digits, one point, a minus and an exponent; no plus, space, underscore, hexadecimal, NaN or infinity.
func readFloat(s string) (float64, error) {
	strange := strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789.-eE", r) })
	f, err := strconv.ParseFloat(s, 64)
	if strange || err != nil {
		return 0, fmt.Errorf("%.40q is not a float", s)
	}
	return f, nil
}

// writeFloat spells a float without a plus sign, which Homie does not allow.
func writeFloat(f float64) string { return strings.ReplaceAll(devices.FormatNumber(f), "+", "") }

func readBool(s string) (bool, error) {
	switch s {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%.40q is neither true nor false", s)
}

// readDuration reads PTxHxMxS as seconds. Each part may be missing, but not all; the seconds may have a fraction.
func readDuration(s string) (float64, error) {
	bad := fmt.Errorf("%.40q is not a duration such as PT1H30M or PT5S", s)
	rest, ok := strings.CutPrefix(s, "PT")
	if !ok || rest == "" {
		return 0, bad
	}
	total := 0.0
	for _, part := range []struct {
		unit    string
		seconds float64
	}{{"H", 3600}, {"M", 60}, {"S", 1}} {
		number, after, found := strings.Cut(rest, part.unit)
		if !found {
			continue
		}
		if number == "" || strings.Trim(number, "0123456789.") != "" || part.unit != "S" && strings.Contains(number, ".") {
			return 0, bad
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return 0, bad
		}
		total, rest = total+n*part.seconds, after
	}
	if rest != "" || math.IsInf(total, 0) {
		return 0, bad
	}
	return total, nil
}

// writeDuration spells seconds, rounded to a thousandth, as PTxHxMxS.
func writeDuration(seconds float64) (string, error) {
	if seconds < 0 || seconds > 1e12 {
		return "", fmt.Errorf("%w: a duration of %v s cannot be told", devices.ErrValue, seconds)
	}
	thousandths := int64(math.Round(seconds * 1000))
	hours, thousandths := thousandths/3_600_000, thousandths%3_600_000
	minutes, thousandths := thousandths/60_000, thousandths%60_000
	var b strings.Builder
	b.WriteString("PT")
	if hours > 0 {
		fmt.Fprintf(&b, "%dH", hours)
	}
	if minutes > 0 {
		fmt.Fprintf(&b, "%dM", minutes)
	}
	if thousandths > 0 || hours+minutes == 0 {
		b.WriteString(writeFloat(float64(thousandths)/1000) + "S")
	}
	return b.String(), nil
}

// datetimes are the forms of ISO 8601 that devices use. Fractions of a second are accepted by time.Parse after any of them.
var datetimes = []string{
	time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04:05",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02", "20060102T150405Z0700", "20060102T150405", "20060102",
}

func checkDatetime(s string) error {
	for _, layout := range datetimes {
		if _, err := time.Parse(layout, s); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%.40q is not a date and time such as 2026-01-31T18:30:00Z", s)
}

// checkJSON accepts what Homie does: one array or object.
func checkJSON(s string) error {
	if t := strings.TrimLeft(s, " \t\r\n"); t == "" || t[0] != '{' && t[0] != '[' || !json.Valid([]byte(s)) {
		return errors.New("it is not a JSON array or object")
	}
	return nil
}

// text turns a payload into the text that it stands for.
func text(payload []byte) string {
	if string(payload) == emptyText {
		return ""
	}
	return string(payload)
}

// payload is the reverse of text.
func payload(s string) []byte {
	if s == "" {
		return []byte(emptyText)
	}
	return []byte(s)
}

// validID says whether s is a topic level that Homie allows, of a length that the model takes.
func validID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
