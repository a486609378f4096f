package template_test

import (
	"testing"
	"unicode/utf8"

	"home.arpa/homehub/devices/homeassistant/template"
)

func FuzzTemplate(f *testing.F) {
	if len(cases) == 0 {
		f.Fatal("the seed corpus is empty")
	}
	for _, c := range cases {
		f.Add(c.tpl, []byte(c.payload))
	}
	f.Fuzz(func(t *testing.T, source string, payload []byte) {
		doc := template.Read(payload)
		if s, ok := doc.JSON().JSON(); ok && doc.IsJSON() && !template.ReadText(s).IsJSON() {
			t.Errorf("%q is written as %q, which is not JSON", payload, s)
		}
		tpl, err := template.Compile(source)
		if err != nil {
			return
		}
		c := template.Context{Document: doc, Now: at}
		out, err := tpl.Render(c)
		if len(out) > template.MaxOutput {
			t.Errorf("%q made %d bytes", source, len(out))
		}
		if err == nil && utf8.Valid(payload) && !utf8.ValidString(out) {
			t.Errorf("%q with %q made %q, which is no text", source, payload, out)
		}
		if again, err2 := tpl.Render(c); again != out || (err == nil) != (err2 == nil) {
			t.Errorf("%q gave %q, then %q", source, out, again)
		}
	})
}

const lamp = `{"brightness":254,"color":{"x":0.45,"y":0.41},"color_mode":"color_temp","color_temp":370,"linkquality":120,"state":"ON",` +
	`"update":{"installed_version":33816645,"latest_version":33816645,"state":"idle"},"update_available":false}`

func BenchmarkRead(b *testing.B) {
	payload := []byte(lamp)
	b.ReportAllocs()
	for b.Loop() {
		template.Read(payload)
	}
}

func BenchmarkRender(b *testing.B) {
	doc := template.Read([]byte(lamp))
	for name, source := range map[string]string{
		"path":   "{{ value_json.update.installed_version }}",
		"filter": "{{ value_json.brightness | float | round(1) }}",
		"if":     "{% if value_json.update_available %}ON{% else %}OFF{% endif %}",
	} {
		b.Run(name, func(b *testing.B) {
			tpl, err := template.Compile(source)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tpl.Eval(template.Context{Document: doc}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := template.Compile("{% if value_json.update_available %}ON{% else %}OFF{% endif %}"); err != nil {
			b.Fatal(err)
		}
	}
}
