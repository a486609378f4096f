package template_test

import (
	"testing"

	"home.arpa/homehub/devices/homeassistant/template"
)

// loopCases were evaluated by Jinja2 3.1.6 with its extension loopcontrols, and with zip, dict.from_keys and Home Assistant's
// filters.
var loopCases = []struct{ name, tpl, payload, want string }{
	{"a list", "{% for x in value_json.a %}{{ x }};{% endfor %}", `{"a":[1,"b",null]}`, "1;b;None;"},
	{"the keys of a dict", "{% for k in value_json %}{{ k }}={{ value_json[k] }} {% endfor %}", `{"a":1,"b":2}`, "a=1 b=2"},
	{"the entries of a dict", "{% for k, v in value_json.items() %}{{ k }}={{ v }} {% endfor %}", `{"a":1,"b":2}`, "a=1 b=2"},
	{"the characters of a text", "{% for c in value %}{{ c }}.{% endfor %}", `äb`, "ä.b."},
	{"what is not there", "{% for x in value_json.a %}{{ x }}{% else %}none{% endfor %}", `{}`, "none"},
	{"an else that is not wanted", "{% for x in [1] %}{{ x }}{% else %}none{% endfor %}", ``, "1"},
	{"a condition", "{% for x in value_json if x > 1 %}{{ loop.index }}:{{ x }} {% endfor %}", `[1,2,3]`, "1:2 2:3"},
	{"where the loop is", "{% for x in value_json %}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{% if not loop.last %},{% endif %}{% endfor %}", `[7,8]`, "0TrueFalse22,1FalseTrue21"},
	{"set in a loop is forgotten", "{% set x = 0 %}{% for i in [1,2] %}{{ x }}{% set x = i %}{{ x }} {% endfor %}{{ x }}", ``, "01 02 0"},
	{"a namespace is not", "{% set ns = namespace(n=0) %}{% for i in [1,2,3] %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", ``, "6"},
	{"continue and break", "{% for i in range(9) %}{% if i == 1 %}{% continue %}{% endif %}{% if i > 3 %}{% break %}{% endif %}{{ i }}{% endfor %}", ``, "023"},
	{"loops in loops", "{% for a in value_json %}{% for b in a %}{{ b }}{{ loop.last }}{% endfor %}{{ loop.index }} {% endfor %}", `[[1],[2,3]]`, "1True1 2False3True2"},
	{"the variable of a loop is gone after it", "{% for i in [1] %}{% endfor %}{{ i is defined }}", ``, "False"},
	{"range", "{{ range(3) | list }}{{ range(1, 6, 2) | list }}{{ range(3, 0, -1) | list }}", ``, "[0, 1, 2][1, 3, 5][3, 2, 1]"},
	{"zip", "{% for a, b in zip([1,2,3], 'xy') %}{{ a }}{{ b }}{% endfor %}", ``, "1x2y"},
	{"map by a filter", "{{ value_json | map('float') | map('round', 1) | list }}", `["1.26", 2]`, "[1.3, 2.0]"},
	{"map to an attribute", "{{ value_json | map(attribute='a.b') | join(',') }} {{ [[1,2],[3,4]] | map(attribute=1) | list }}", `[{"a":{"b":1}},{"a":{"b":2}}]`, "1,2 [2, 4]"},
	{"map with a default", "{{ value_json | map(attribute='a', default='-') | join }}", `[{"a":1},{}]`, "1-"},
	{"select and reject", "{{ [0,1,2,3] | select('odd') | list }}{{ [0,1,2] | reject('eq', 1) | list }}{{ [0,'a',''] | select | list }}", ``, "[1, 3][0, 2]['a']"},
	{"selectattr", "{{ value_json | selectattr('on') | map(attribute='n') | list }}{{ value_json | rejectattr('n', 'in', [1]) | map(attribute='n') | list }}", `[{"n":1,"on":true},{"n":2,"on":false}]`, "[1][2]"},
	{"sort and unique", "{{ [3,1,2,1] | sort | list }}{{ ['b','A','a'] | unique | list }}{{ ['b','A'] | sort | join }}{{ [1,2] | sort(reverse=true) | list }}", ``, "[1, 1, 2, 3]['b', 'A']Ab[2, 1]"},
	{"reverse", "{{ [1,2] | reverse | list }}{{ 'ab' | reverse }}", ``, "[2, 1]ba"},
	{"a dict of pairs", "{{ dict.from_keys([('a', 1), ('b', 2)]) | to_json }}{{ dict(a=1) }}", ``, `{"a":1,"b":2}{'a': 1}`},
	{"a namespace is looked at", "{% set ns = namespace(a=1) %}{{ ns.a }}{{ ns.b is defined }}{{ ns['a'] }}", ``, "1False1"},
}

func TestLoops(t *testing.T) {
	for _, c := range loopCases {
		tpl, err := template.Compile(c.tpl)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got, err := tpl.Render(template.Context{Document: template.ReadText(c.payload), Now: at}); err != nil || got != c.want {
			t.Errorf("%s: %s with %s gave %q (%v), want %q", c.name, c.tpl, c.payload, got, err, c.want)
		}
	}
}

// actions is the template that Zigbee2MQTT 2 announces for the events of remotes, in the same shape.
const actions = `{% set patterns = [
{"pattern": '^(?P<button>(?:button_)?[a-z0-9]+)_(?P<action>(?:press|hold)(?:_release)?)$', "groups": ["button", "action"]},
{"pattern": '^(?P<action>recall|scene)_(?P<scene>[0-2][0-9]{0,2})$', "groups": ["action", "scene"]},
{"pattern": '^(?P<actionPrefix>region_)(?P<region>[1-9]|10)_(?P<action>enter|leave|occupied|unoccupied)$', "groups": ["actionPrefix", "region", "action"]},
{"pattern": '^(?P<action>dial_rotate)_(?P<direction>left|right)_(?P<speed>step|slow|fast)$', "groups": ["action", "direction", "speed"]},
{"pattern": '^(?P<action>brightness_step)(?:_(?P<direction>up|down))?$', "groups": ["action", "direction"]}
] %}
{% set action_value = value_json.action|default('') %}
{% set ns = namespace(r=[('action', action_value)]) %}
{% for p in patterns %}
  {% set m = action_value|regex_findall(p.pattern) %}
  {% if m[0] is undefined %}{% continue %}{% endif %}
  {% for key, value in zip(p.groups, m[0]) %}
    {% set ns.r = ns.r|rejectattr(0, 'eq', key)|list + [(key, value)] %}
  {% endfor %}
{% endfor %}
{% if (ns.r|selectattr(0, 'eq', 'actionPrefix')|first) is defined %}
  {% set ns.r = ns.r|rejectattr(0, 'eq', 'action')|list + [('action', ns.r|selectattr(0, 'eq', 'actionPrefix')|map(attribute=1)|first + ns.r|selectattr(0, 'eq', 'action')|map(attribute=1)|first)] %}
{% endif %}
{% set ns.r = ns.r + [('event_type', ns.r|selectattr(0, 'eq', 'action')|map(attribute=1)|first)] %}
{{dict.from_keys(ns.r|rejectattr(0, 'in', ('action', 'actionPrefix'))|reject('eq', ('event_type', None))|reject('eq', ('event_type', '')))|to_json}}`

func TestTheEventsOfZigbee2MQTT(t *testing.T) {
	tpl, err := template.Compile(actions)
	if err != nil {
		t.Fatal(err)
	}
	for action, want := range map[string]string{
		`{"action":"single"}`:                   `{"event_type":"single"}`,
		`{"action":"button_2_hold_release"}`:    `{"button":"button_2","event_type":"hold_release"}`,
		`{"action":"up_press_release"}`:         `{"button":"up","event_type":"press_release"}`,
		`{"action":"recall_12"}`:                `{"scene":"12","event_type":"recall"}`,
		`{"action":"region_3_enter"}`:           `{"region":"3","event_type":"region_enter"}`,
		`{"action":"dial_rotate_left_slow"}`:    `{"direction":"left","speed":"slow","event_type":"dial_rotate"}`,
		`{"action":"brightness_step_up"}`:       `{"direction":"up","event_type":"brightness_step"}`,
		`{"action":"brightness_step"}`:          `{"direction":"","event_type":"brightness_step"}`,
		`{"action":""}`:                         `{}`,
		`{"action":null}`:                       `{}`, // Python's re refuses None; no event it is all the same
		`{"battery":100}`:                       `{}`,
		`{"action":"arrow_right_click","x":[]}`: `{"event_type":"arrow_right_click"}`,
	} {
		got, err := tpl.Render(template.Context{Document: template.ReadText(action)})
		if err != nil {
			got = "an error"
		}
		if got != want {
			t.Errorf("%s gives %s (%v), want %s", action, got, err, want)
		}
	}
}

func BenchmarkEventsOfZigbee2MQTT(b *testing.B) {
	tpl, err := template.Compile(actions)
	if err != nil {
		b.Fatal(err)
	}
	doc := template.ReadText(`{"action":"up_press_release"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tpl.Eval(template.Context{Document: doc}); err != nil {
			b.Fatal(err)
		}
	}
}
