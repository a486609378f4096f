package web_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"home.arpa/homehub/web"
)

func TestPages(t *testing.T) {
	h := handler(t, newMemory(), web.Options{OpenLoopback: true, Authenticate: tokens, Demo: true, Version: "1.2.3", MQTTAddresses: []string{`mqtt://192.168.1.5:1883`, `"><script>`}})
	inline := regexp.MustCompile(`(?i)<script(?:\s+type="[a-z]+")?>|<style|\sstyle=|\son[a-z]+=|javascript:|https?://`)
	used := regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`)
	for path, words := range map[string][]string{
		"/":      {"demo", "1.2.3", "mqtt://192.168.1.5:1883", "&gt;&lt;script&gt;", "<noscript>", "hub demo", "simulator", `lang="en"`},
		"/login": {"hub token add", "<noscript>"},
	} {
		w := request{target: path}.do(h)
		if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || w.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%s: %d %v", path, w.Code, w.Header())
		}
		body := w.Body.String()
		for _, word := range words {
			if !strings.Contains(body, word) {
				t.Errorf("%s does not say %q", path, word)
			}
		}
		if bad := inline.FindString(body); bad != "" {
			t.Errorf("%s holds %q, which the content policy forbids", path, bad)
		}
		files := used.FindAllStringSubmatch(body, -1)
		if len(files) < 3 {
			t.Errorf("%s uses %v", path, files)
		}
		for _, f := range files {
			w := request{target: f[1]}.do(h)
			if w.Code != 200 || w.Body.Len() == 0 || w.Header().Get("Etag") == "" {
				t.Errorf("%s uses %s, which answers %d", path, f[1], w.Code)
			}
			again := request{target: f[1], header: map[string]string{"If-None-Match": w.Header().Get("Etag")}}.do(h)
			if again.Code != 304 || again.Body.Len() != 0 {
				t.Errorf("%s the second time: %d", f[1], again.Code)
			}
		}
	}
	for path, want := range map[string]int{"/static/nothing.js": 404, "/static/": 404, "/static/../web.go": 307, "/templates/login.html": 404} {
		if w := (request{target: path}).do(h); w.Code != want {
			t.Errorf("%s: got %d, want %d", path, w.Code, want)
		}
	}
	firstRun := func(o web.Options) string {
		o.OpenLoopback, o.MQTTAddresses = true, []string{"mqtt://192.168.1.5:1883", "mqtt://127.0.0.1:1883", "mqtts://127.0.0.1:8883"}
		return request{target: "/"}.do(handler(t, newMemory(), o)).Body.String()
	}
	inside, elsewhere := firstRun(web.Options{Broker: counted{}}), firstRun(web.Options{})
	for text, want := range map[string][2]bool{ // with the broker inside, and with another one
		"hub user add NAME --generate": {true, false}, `id="broker"`: {false, true}, "Point your devices at the broker": {false, true},
		"simulator --broker mqtt://127.0.0.1:1883<": {true, true}, "enter this address": {true, true}, // from elsewhere, 127.0.0.1 is another machine
		`<code class="address">mqtt://192.168.1.5:1883</code>`: {true, true}, `<code class="address">mqtt://127`: {false, false},
		"this machine reach it there": {false, false},
	} {
		if got := [2]bool{strings.Contains(inside, text), strings.Contains(elsewhere, text)}; got != want {
			t.Errorf("%q is on the pages of the broker inside and of another one: %v, want %v", text, got, want)
		}
	}
	alone := request{target: "/"}.do(handler(t, newMemory(), web.Options{
		OpenLoopback: true, Broker: counted{}, MQTTAddresses: []string{"mqtt://127.0.0.1:1883", "mqtts://[::1]:8883"}, DataFlag: " --data-dir /srv",
	})).Body.String()
	for text, want := range map[string]bool{
		"this machine reach it there": true, "hub user add": false, `<code class="address">mqtts://[::1]:8883</code>`: true,
	} {
		if strings.Contains(alone, text) != want {
			t.Errorf("%q is on the pages of a hub that listens to its own machine only: %v, want %v", text, !want, want)
		}
	}
	if body := firstRun(web.Options{Broker: counted{}, DataFlag: " --data-dir /srv"}); !strings.Contains(body, "hub user add NAME --generate --data-dir /srv<") {
		t.Error("the page does not say how a login comes to this hub's data")
	}
	missing := request{target: "/nowhere", header: map[string]string{"Accept": "text/html,*/*;q=0.8"}}.do(h)
	if missing.Code != 404 || !strings.Contains(missing.Body.String(), "nothing here") {
		t.Errorf("a browser at a wrong address gets %d %s", missing.Code, missing.Body)
	}
}

func TestPageIsLightAndAlone(t *testing.T) {
	total := int64(0)
	elsewhere := regexp.MustCompile(`(?:https?:)?//[a-z0-9-]+\.[a-z]|@import|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(`)
	for _, dir := range []string{"static", "templates"} {
		err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(dir + "/" + name)
			if err != nil {
				return err
			}
			total += int64(len(text))
			if bad := elsewhere.FindString(strings.ReplaceAll(string(text), "http://www.w3.org/2000/svg", "")); bad != "" {
				t.Errorf("%s/%s holds %q", dir, name, bad)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if total == 0 || total > 200_000 {
		t.Errorf("the pages weigh %d bytes, want at most 200 kB", total)
	}
}
