package template_test

import (
	"bufio"
	"encoding/json"
	"os"
	"sort"
	"testing"

	"home.arpa/homehub/devices/homeassistant/template"
	"home.arpa/homehub/internal/recorded"
)

// The least that must be equal to what Jinja2 itself prints: of the cases, of the cases weighted by how often their
// template is emitted, and of the templates, counted when all their cases are equal. The four cases that differ today
// repeat a word 60,000 times, which is more than MaxOutput.
const (
	floorCases     = 0.998
	floorWeighted  = 0.999
	floorTemplates = 0.997
)

func TestCasesPrintedByJinja2(t *testing.T) {
	file, err := os.Open(recorded.Path(t, "template-cases.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var cases, equal, weight, equalWeight, refused int
	whole := map[string]bool{}
	var differences []string
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c struct {
			Tpl    string
			Weight int
			Ctx    struct {
				Payload *string
				Vars    map[string]json.RawMessage
			}
			Out, Err *string
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		var got string
		tpl, err := template.Compile(c.Tpl)
		if err != nil {
			refused++
		} else {
			context := template.Context{Now: at}
			if c.Ctx.Payload != nil {
				context.Document = template.ReadText(*c.Ctx.Payload)
			}
			if c.Ctx.Vars != nil {
				context.Vars = map[string]template.Value{}
				for name, v := range c.Ctx.Vars {
					context.Vars[name] = template.ReadText(string(v)).JSON()
				}
			}
			got, err = tpl.Render(context)
		}
		same := (err != nil) == (c.Out == nil) && (err != nil || got == *c.Out)
		cases++
		weight += c.Weight
		if _, known := whole[c.Tpl]; !known {
			whole[c.Tpl] = true
		}
		if same {
			equal++
			equalWeight += c.Weight
		} else {
			whole[c.Tpl] = false
			want := "an error"
			if c.Out != nil {
				want = *c.Out
			}
			differences = append(differences, c.Tpl+"  "+string(lines.Bytes()[len(lines.Bytes())-min(120, len(lines.Bytes())):])+
				"  got "+got+" "+errorText(err)+"  want "+want)
		}
	}
	if err := lines.Err(); err != nil || cases == 0 {
		t.Fatalf("read %d cases: %v", cases, err)
	}
	equalTemplates := 0
	for _, all := range whole {
		if all {
			equalTemplates++
		}
	}
	ratio := func(a, b int) float64 { return float64(a) / float64(b) }
	t.Logf("equal to Jinja2: %d of %d cases (%.2f%%), weighted %.3f%%, %d of %d templates wholly (%.1f%%); %d cases do not compile",
		equal, cases, 100*ratio(equal, cases), 100*ratio(equalWeight, weight), equalTemplates, len(whole), 100*ratio(equalTemplates, len(whole)), refused)
	if ratio(equal, cases) < floorCases || ratio(equalWeight, weight) < floorWeighted || ratio(equalTemplates, len(whole)) < floorTemplates {
		t.Errorf("that is less than %.4f, %.4f, %.4f", floorCases, floorWeighted, floorTemplates)
	}
	sort.Strings(differences)
	for _, d := range differences[:min(len(differences), 20)] {
		t.Logf("differs: %.300s", d)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return "(" + err.Error() + ")"
}
