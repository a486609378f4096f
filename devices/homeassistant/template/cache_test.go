package template_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"home.arpa/homehub/devices/homeassistant/template"
)

func TestACacheCompilesOnce(t *testing.T) {
	var c template.Cache
	compile := func(source string) *template.Template {
		t.Helper()
		tpl, err := c.Compile(source)
		if err != nil || tpl.Source() != source {
			t.Fatalf("%q is %v, %v", source, tpl, err)
		}
		return tpl
	}
	first := compile("{{ value_json.a }}")
	if compile("{{ value_json.b }}") == first {
		t.Error("two templates are one")
	}
	if compile("{{ value_json.a }}") != first {
		t.Error("it was compiled anew")
	}
	if _, err := c.Compile("{{ value_json. }}"); err == nil {
		t.Error("a mistake was compiled")
	}

	for i := range 2000 { // more than it keeps
		compile(fmt.Sprintf("{{ value_json.a%d }}", i))
	}
	if compile("{{ value_json.a }}") == first {
		t.Error("it was kept among 2,000 others")
	}
	first = compile("{{ value_json.a }}")
	for i := range 50 { // few, but large
		compile(fmt.Sprintf("%d%s", i, strings.Repeat("x", 10_000)))
	}
	if compile("{{ value_json.a }}") == first {
		t.Error("it was kept beside half a megabyte")
	}
}

func TestACacheIsSharedByGoroutines(t *testing.T) {
	var c template.Cache
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 100 {
				tpl, err := c.Compile(fmt.Sprintf("{{ value_json.a%d }}", i%10))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := tpl.Render(template.Context{Document: template.ReadText(fmt.Sprintf(`{"a%d": %d}`, i%10, i))}); err != nil || got != fmt.Sprint(i) {
					t.Errorf("got %q, %v", got, err)
				}
			}
		})
	}
	all.Wait()
}
