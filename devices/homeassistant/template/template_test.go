package template_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"home.arpa/homehub/devices/homeassistant/template"
)

// wrong stands for "rendering fails", absent for "rendering fails with ErrMissing".
const (
	wrong  = "\x00wrong"
	absent = "\x00absent"
)

var cases = []struct{ name, tpl, payload, want string }{
	{"the value", "{{ value }}", " ON ", "ON"},
	{"a path by names", "{{ value_json.a.b }}", `{"a":{"b":21.0}}`, "21.0"},
	{"a path by keys", "{{ value_json['a b'][\"c\"] }}", `{"a b":{"c":"x"}}`, "x"},
	{"a path by indexes", "{{ value_json.a.0.b[1] }},{{ value_json.a[-1] }}", `{"a":[{"b":[1,2]},3]}`, "2,3"},
	{"indexes of indexes", "{{ value_json.0.1 }}", `[[1,2]]`, "2"},
	{"a missing key is nothing", "{{ value_json.x }}", `{}`, ""},
	{"a key of what is missing fails", "{{ value_json.x.y }}", `{}`, absent},
	{"text that is not JSON has no value_json", "{{ value_json.x }}", `ON`, absent},
	{"Python's bools and None", "{{ value_json.a }} {{ value_json.b }} {{ value_json.c }}", `{"a":true,"b":false,"c":null}`, "True False None"},
	{"Python's floats", "{{ value_json }}", `[1.0, 1e20, 0.00001, 1e16, 123456789012345.5, -0.0]`, "[1.0, 1e+20, 1e-05, 1e+16, 123456789012345.5, -0.0]"},
	{"Python's containers", "{{ value_json }}", `{"a":[1,"x's",null],"b":{}}`, `{'a': [1, "x's", None], 'b': {}}`},
	{"is_defined lets through", "{{ value_json.x | is_defined }}", `{"x":1}`, "1"},
	{"is_defined fails", "{{ value_json.x | is_defined }}", `{}`, absent},
	{"default", "{{ value_json.x | default('none') }}{{ value_json.y | default }}{{ '' | default('e', true) }}", `{}`, "nonee"},
	{"int", "{{ value_json.x | int }} {{ '12.9' | int }} {{ 'ff' | int(base=16) }} {{ 'a' | int(7) }}", `{"x":"21"}`, "21 12 255 7"},
	{"int of a word fails", "{{ value | int }}", `ON`, wrong},
	{"float", "{{ value | float }} {{ float('x', 1.5) }}", `42`, "42.0 1.5"},
	{"float of what is missing fails", "{{ value_json.x | float }}", `{}`, absent},
	{"round to an int", "{{ value | round }} {{ 2.5 | round(0) }}", `21.7`, "22 2"},
	{"round to digits", "{{ value | float | round(1) }} {{ 2.675 | round(2) }}", `21.04`, "21.0 2.67"},
	{"round up and down", "{{ 1.21 | round(1, 'ceil') }} {{ 1.29 | round(1, 'floor') }}", ``, "1.3 1.2"},
	{"case", "{{ value | lower }}{{ value | upper }}{{ value | capitalize }}{{ true | lower }}", `aB`, "abABAbtrue"},
	{"replace", "{{ value | replace('a','b') }}{{ value.replace('a','c') }}", `aa`, "bbcc"},
	{"to_json", "{{ {'a': value, 'b': [1.0, none, true]} | to_json }}", `x"ü`, `{"a":"x\"ü","b":[1.0,null,true]}`},
	{"from_json", "{{ ('{\"a\": 3}' | from_json).a }}", ``, "3"},
	{"inline if", "{{ 'ON' if value_json.x > 0 else 'OFF' }}{{ 1 if false }}", `{"x":1}`, "ON"},
	{"if, elif, else", "{% if value == 'a' %}1{% elif value == 'b' %}2{% else %}3{% endif %}", "b", "2"},
	{"nested ifs", "{% if 1 %}{% if 0 %}a{% else %}b{% endif %}{% endif %}", "", "b"},
	{"set", "{% set x = 1 %}{% if value == 'a' %}{% set x = x + 1 %}{% endif %}{{ x }}", "a", "2"},
	{"set hides value only where it runs", "{% if value == 'a' %}{% set value = 'b' %}{% endif %}{{ value }}", "c", "c"},
	{"set of a block", "{% set x %}a{{ value }}{% endset %}{{ x }}{{ x }}", "1", "a1a1"},
	{"a chain of comparisons", "{{ 0 < value | int <= 9 }}{{ 0 < 5 < 3 }}", "9", "TrueFalse"},
	{"comparing a text with a number fails", "{{ value > 0 }}", "9", wrong},
	{"comparing with what is missing fails", "{{ value_json.x > 0 }}", "{}", absent},
	{"in", "{{ 'a' in value_json }}{{ 'b' not in value_json.a }}{{ 1 in (1, 2) }}{{ 'el' in 'hello' }}", `{"a":["b"]}`, "TrueFalseTrueTrue"},
	{"tests", "{{ value_json.a is defined and value_json.b is not defined and value_json.n is none }}", `{"a":1,"n":null}`, "True"},
	{"more tests", "{{ 4 is even }}{{ 4 is divisibleby 3 }}{{ 'abc' is search('b') }}{{ 3 is in [1,3] }}", ``, "TrueFalseTrueTrue"},
	{"arithmetic", "{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 3 ** 1 }} {{ 1 + 2 * 3 }} {{ 6 / 2 }}", ``, "3 -4 2 3.5 8 7 3.0"},
	{"an unary minus before a filter", "{{ -1.5 | abs }}", ``, "1.5"},
	{"division by zero fails", "{{ 1 / 0 }}", ``, wrong},
	{"what does not fit fails", "{{ 9223372036854775807 + 1 }}", ``, wrong},
	{"joining texts", "{{ 1 ~ 'a' ~ none ~ [1] }}", ``, "1aNone[1]"},
	{"a dict with numbers as keys", "{{ {0: 'off', 1: 'heat'}[value_json.m] | default('?') }}{{ {0:1}[5] | default('?') }}", `{"m":1}`, "heat?"},
	{"slices", "{{ value[1:3] }}{{ value[::-1] }}{{ [1,2,3][:-1] }}", `abcd`, "bcdcba[1, 2]"},
	{"characters from both ends", "{{ value[0] }}{{ value[-1] }}{{ value[-4] }}{{ value[3] }}{{ value[4] is defined }}{{ value[-5] is defined }}", `äbcü`, "äüäüFalseFalse"},
	{"split and join", "{{ value.split(',')[0:2] | join('-') }}", `1,2,3`, "1-2"},
	{"get", "{{ value_json.get('a') }}{{ value_json.get('b', 'x') }}", `{"a":1}`, "1x"},
	{"a key that is a method's name", "{{ value_json.update.a }}{{ value_json.count }}", `{"update":{"a":1},"count":2}`, "12"},
	{"strings", "{{ value.strip().upper().startswith('A') }}{{ '%03d|%.1f|%X' | format(7, 1.25, 255) }}", ` a `, "True007|1.2|FF"},
	{"regular expressions", `{{ value | regex_replace('(\d+)x', '<\\1>') }}{{ value | regex_findall_index('[0-9]+', 1) }}`, `12x 3`, "<12> 33"},
	{"trimming", "a  {%- if true -%}  b  {%- endif -%}  c {# gone #} d {{- ' e' -}} f", ``, "abc  d ef"},
	{"raw", "{% raw %}{{ x }}{% endraw %}{{ 1 }}", ``, "{{ x }}1"},
	{"JSON around a value", `{"a":{{ value_json.x }},"b":{"c":{{ 1 }}}}`, `{"x":5}`, `{"a":5,"b":{"c":1}}`},
	{"an expression that is a dict", `{{{"id":1,"p":{"v":value}}|tojson}}`, `x`, `{"id":1,"p":{"v":"x"}}`},
	{"escapes", `{{ "a\"b\n\u00e4" }}`, ``, "a\"b\nä"},
	{"and, or give their operands", "{{ 0 or 'x' }}{{ 1 and 'y' }}{{ not 0 }}", ``, "xyTrue"},
	{"truncate", "{{ value | truncate(7, true, '', 0) }}", "abcdefghi", "abcdefg"},
	{"max and min", "{{ max(1, 2.5) }}{{ [3, 1] | min }}{{ (value | int, 10) | max }}", "7", "2.5110"},
	{"now", "{{ (as_timestamp(now()) - value_json.up) | timestamp_local }}", `{"up":5}`, "2026-01-02T03:04:00+00:00"},
	{"other entities are unknown", "{{ states('light.x') }}{{ state_attr('a', 'b') }}", ``, "unknownNone"},
	{"a long repetition fails", "{{ 'abcdefgh' * 100000000 }}", ``, wrong},
}

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestRender(t *testing.T) {
	for _, c := range cases {
		tpl, err := template.Compile(c.tpl)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, err := tpl.Render(template.Context{Document: template.Read([]byte(c.payload)), Now: at})
		switch {
		case errors.Is(err, template.ErrMissing):
			got = absent
		case err != nil:
			got = wrong
		}
		if got != c.want {
			t.Errorf("%s: %s with %s gave %q (%v), want %q", c.name, c.tpl, c.payload, got, err, c.want)
		}
	}
}

func TestVariablesHideTheDocument(t *testing.T) {
	tpl, err := template.Compile("{{ value }} {{ value_json.a }} {{ red + 1 }}{% if blue is defined %}!{% endif %}")
	if err != nil {
		t.Fatal(err)
	}
	got, err := tpl.Render(template.Context{
		Document: template.ReadText(`{"a":1}`),
		Vars:     map[string]template.Value{"value": template.Of(21.0), "red": template.Of(254)},
	})
	if err != nil || got != "21.0 1 255" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAVariableThatIsNoTextIsTakenAsItIs(t *testing.T) {
	for _, tpl := range []string{"{{ value[0] }}{{ value[-1] }}{{ value[2] }}", "{{ value | list }}{{ value[::-1] }}", "{% for c in value %}{{ c }}{% endfor %}"} {
		c, err := template.Compile(tpl)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Render(template.Context{Vars: map[string]template.Value{"value": template.Of("\xff\xc3a\xe2\x82")}}); err != nil {
			t.Errorf("%s: %v", tpl, err)
		}
	}
}

func TestEvalKeepsTheKindOfASingleExpression(t *testing.T) {
	doc := template.ReadText(`{"f":21.0,"i":3,"s":" x ","d":{"a":1},"b":true}`)
	for tpl, want := range map[string]template.Kind{
		"{{ value_json.f }}": template.Float, "{{ value_json.i }}": template.Int, "{{ value_json.s }}": template.String,
		"{{ value_json.d }}": template.Dict, "{{ value_json.b }}": template.Bool, "{{ value_json.x }}": template.Undefined,
		"{{ value_json.f + 1 }}": template.Float, " {{ value_json.f }}": template.String,
	} {
		c, err := template.Compile(tpl)
		if err != nil {
			t.Fatal(err)
		}
		v, err := c.Eval(template.Context{Document: doc})
		if err != nil || v.Kind() != want {
			t.Errorf("%s is a %s (%v), want %s", tpl, v.Kind(), err, want)
		}
		if s, err := c.Render(template.Context{Document: doc}); err != nil || s != v.Text() {
			t.Errorf("%s: Eval says %q, Render %q (%v)", tpl, v.Text(), s, err)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for name, tpl := range map[string]string{
		"an open tag":            "{{ value",
		"an open block":          "{% if value %}x",
		"a tag of three signs":   "x {%}endraw",
		"an end alone":           "x{% endif %}",
		"else twice":             "{% if 1 %}{% else %}{% else %}{% endif %}",
		"an unknown filter":      "{{ value | frobnicate }}",
		"an unknown test":        "{{ value is frobnicated }}",
		"an unknown function":    "{{ open('/etc/passwd') }}",
		"an unknown method":      "{{ value.__class__() }}",
		"include":                "{% include '/etc/passwd' %}",
		"import":                 "{% import 'x' as y %}",
		"macro":                  "{% macro x() %}{% endmacro %}",
		"an open for":            "{% for i in value %}",
		"an else of nothing":     "{% for i in value %}{% else %}{% else %}{% endfor %}",
		"a break outside":        "{% break %}",
		"a for without in":       "{% for i %}{% endfor %}",
		"an unknown map":         "{{ value | map('frobnicate') }}",
		"too many words":         "{{ " + strings.Repeat("1+", 3000) + "1 }}",
		"two operators":          "{{ value || 0 }}",
		"an empty expression":    "{{ }}",
		"a missing bracket":      "{{ (1 }}",
		"a bracket too many":     "{{ 1) }}",
		"a text without end":     "{{ 'abc }}",
		"an argument too many":   "{{ value | lower(1) }}",
		"an argument twice":      "{{ value | round(1, precision=1) }}",
		"an unknown argument":    "{{ value | round(foo=1) }}",
		"a lacking argument":     "{{ value | replace('a') }}",
		"a number too large":     "{{ 99999999999999999999 }}",
		"calling a value":        "{{ value_json.a[0](1) }}",
		"too deep":               strings.Repeat("{{ (", 1) + strings.Repeat("(", 100) + "1" + strings.Repeat(")", 101) + " }}",
		"too many ifs in ifs":    strings.Repeat("{% if 1 %}", 100) + strings.Repeat("{% endif %}", 100),
		"too long a path":        "{{ value" + strings.Repeat(".a", 100) + " }}",
		"too long a source":      strings.Repeat("a", template.MaxSource+1),
		"bytes that are no text": "\xff",
	} {
		if _, err := template.Compile(tpl); err == nil {
			t.Errorf("%s: %.60s compiles", name, tpl)
		} else if !strings.HasPrefix(err.Error(), "compiling template") {
			t.Errorf("%s: unclear error %v", name, err)
		}
	}
}

func TestATemplateIsSharedByGoroutines(t *testing.T) {
	c, err := template.Compile("{% set x = value_json.a %}{{ x }}{{ value_json.b[0] }}")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 100 {
				doc := template.ReadText(fmt.Sprintf(`{"a":%d,"b":[%d]}`, i, j))
				if got, err := c.Render(template.Context{Document: doc}); err != nil || got != fmt.Sprint(i, j)[:1]+fmt.Sprint(j) {
					t.Errorf("got %q, %v", got, err)
				}
			}
		})
	}
	all.Wait()
}

func TestReadAgreesWithRFC8259(t *testing.T) {
	for payload, want := range map[string]string{
		`{"a":1,"a":2}`: "{'a': 2}", ` [1 , 2 ] `: "[1, 2]", `"\u00e4\ud83d\ude00\n"`: "ä😀\n", `-0.5e2`: "-50.0", `""`: "", `{}`: "{}",
		`"\ud83d"`: "\ufffd", `18446744073709551616`: "1.8446744073709552e+19",
		`{"a":}`: wrong, `[1,]`: wrong, `01`: wrong, `1.`: wrong, `+1`: wrong, `'a'`: wrong, `{"a":1}x`: wrong, ``: wrong, `nul`: wrong,
		`"a`: wrong, "\"\n\"": wrong, `"\x"`: wrong, `{a:1}`: wrong, `1e999`: wrong, `-`: wrong, `"\ud83`: wrong, `[`: wrong, `NaN`: wrong,
		strings.Repeat("[", 100) + strings.Repeat("]", 100): wrong,
	} {
		d := template.Read([]byte(payload))
		got := wrong
		if d.IsJSON() {
			got = d.JSON().Text()
		}
		if got != want {
			t.Errorf("%.40s is read as %q, want %q", payload, got, want)
		}
	}
	many := "{"
	for i := range 100 {
		many += fmt.Sprintf(`"k%d":%d,"k%d":%d,`, i, 0, i, i)
	}
	d := template.ReadText(many + `"last":-1}`)
	if d.JSON().Len() != 101 || d.JSON().Get("k57").Text() != "57" || d.JSON().Get("none").Kind() != template.Undefined {
		t.Errorf("a large dict is read as %s", d.JSON().Text())
	}
}
