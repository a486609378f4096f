package web_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/web"
)

// TestLongNamesAndTexts fills the page with what devices may be called and may say, on a phone and on a wide screen.
func TestLongNamesAndTexts(t *testing.T) {
	const lamp = "The very long name of a lamp that somebody in the family has given to it without thinking of small screens"
	const word = "Donaudampfschifffahrtsgesellschaftskapitaensmuetzentemperaturfuehler"
	now := time.Now()
	status := devices.Component{ID: "status", Kind: devices.Sensor, Properties: []devices.Property{{ID: "status", Datatype: devices.String, Readable: true}}}
	m := newMemory(
		device(now, "lamp", lamp, "A room with a remarkably long name for the sake of trying it", light(2200, 6500, true)),
		device(now, "thing", word, "Hall", []devices.Component{status}),
		device(now, "other", "Second "+word, "Cellar", []devices.Component{status}),
		device(now, "third", "Third "+word, "Cellar", []devices.Component{status}),
	)
	for _, id := range []string{"thing", "other", "third"} {
		m.report(id, devices.Ref{Component: "status", Property: "status"}, devices.TextValue(strings.Repeat("on and on ", 30)))
	}
	m.reach("third", devices.Offline, "its gateway "+word+" is offline: its connection was lost (its will was published)")
	m.fault("lamp", hub.FaultNote{Topic: strings.Repeat("topic", 30), Reason: "expected a number, got " + strconv.Quote(word), At: now, Count: 1, Sample: strings.Repeat("sample", 20)})
	m.stray(hub.FaultNote{Topic: strings.Repeat("topic", 30), Reason: "expected JSON, got " + word, At: now, Count: 2, Sample: strings.Repeat("sample", 20)})
	var door doorkeeper
	door.turnAway(rejected(now, word)...)
	srv := serve(t, m, web.Options{OpenLoopback: true, Broker: &door, MQTTAddresses: []string{"mqtt://[2001:db8:1234:5678:9abc:def0:1234:5678]:1883"}})
	ctx := browser(t)
	do(t, ctx, chromedp.Navigate("about:blank"))
	for _, width := range []int64{320, 360, 768, 1440} {
		look(t, ctx, width, 800, "light")
		do(t, ctx, chromedp.Navigate(srv.URL))
		until(t, ctx, drawn)
		press(t, ctx, `[data-show="faulty"]`)
		until(t, ctx, `document.querySelector("#strays").checkVisibility()`)
		check := func(where string) {
			t.Helper()
			if wide := js[string](t, ctx, stickingOut); wide != "" {
				t.Errorf("at %d px, %s: these stick out: %s", width, where, wide)
			}
		}
		check("what was misunderstood")
		press(t, ctx, `[data-show="refused"]`)
		until(t, ctx, `document.querySelector("#refused").checkVisibility()`)
		check("who was turned away")
		press(t, ctx, `[data-show="all"]`)
		until(t, ctx, `document.querySelector('[data-id="thing"]').checkVisibility()`)
		check("the house")
		for _, id := range []string{"thing", "other", "third"} {
			name := `document.querySelector('[data-id="` + id + `"] .name').getBoundingClientRect()`
			if w, h := js[float64](t, ctx, name+`.width`), js[float64](t, ctx, name+`.height`); w < 60 || h < 10 {
				t.Errorf("at %d px the name of %s has %.0f × %.0f px beside a long text", width, id, w, h)
			}
		}
		for _, id := range []string{"lamp", "third"} {
			press(t, ctx, `[data-id="`+id+`"] .name`)
			until(t, ctx, `document.querySelector("#sheet").open && document.getAnimations().every((a) => a.playState !== "running" || a.effect.getTiming().iterations === Infinity)`)
			check("the sheet of " + id)
			do(t, ctx, chromedp.KeyEvent(kb.Escape))
			until(t, ctx, `!document.querySelector("#sheet").open`)
		}
	}
}

// TestThoseWhoListen uses the page as somebody does who hears it, or has no mouse.
func TestThoseWhoListen(t *testing.T) {
	m := newMemory(sampleHouse(time.Now())...)
	srv := serve(t, m, web.Options{OpenLoopback: true})
	ctx := browser(t)
	do(t, ctx, chromedp.Navigate("about:blank"))
	look(t, ctx, 1280, 900, "light")
	do(t, ctx, chromedp.Navigate(srv.URL))
	until(t, ctx, drawn)
	js[bool](t, ctx, watching)
	spoken := func(text string) {
		t.Helper()
		until(t, ctx, `said.includes(`+strconv.Quote(text)+`)`)
		js[bool](t, ctx, `(said.length = 0, true)`)
	}

	t.Run("headings begin with the first and leave none out", func(t *testing.T) {
		levels := `[...document.querySelectorAll("h1, h2, h3, h4")].filter((h) => h.checkVisibility()).map((h) => h.tagName).join("")`
		if got := js[string](t, ctx, levels); !strings.HasPrefix(got, "H1H2") || strings.Count(got, "H1") != 1 {
			t.Errorf("the headings are %s", got)
		}
	})
	t.Run("what a search has found is said", func(t *testing.T) {
		js[bool](t, ctx, `(document.querySelector("#search").focus(), true)`)
		do(t, ctx, chromedp.KeyEvent("kitchen worktop"))
		spoken("1 device")
		do(t, ctx, chromedp.KeyEvent("zz"))
		spoken("No device matches “kitchen worktopzz”.")
		do(t, ctx, chromedp.KeyEvent(kb.Escape))
		press(t, ctx, `[data-show="asleep"]`)
		spoken("1 device")
		press(t, ctx, `[data-show="all"]`)
		spoken(strconv.Itoa(len(m.views)) + " devices")
	})
	t.Run("a step of a temperature is said", func(t *testing.T) {
		press(t, ctx, `[data-id="living-room-thermostat"] [aria-label$="higher"]`)
		spoken("Target 22.0\u202f°C")
	})
	t.Run("that a lamp is on is said", func(t *testing.T) {
		press(t, ctx, `[data-id="bedroom-lamp"] .toggle`)
		spoken("Bedside lamp: On, confirmed")
	})
	t.Run("why a device is offline can be read without a mouse, and no longer when it is back", func(t *testing.T) {
		why := `document.querySelector('[data-id="bedroom-lamp"] .why')`
		m.reach("bedroom-lamp", devices.Offline, "keep alive of 60 s passed without a sign of life")
		until(t, ctx, why+`.checkVisibility() && `+why+`.textContent === "Keep alive of 60 s passed without a sign of life"`)
		m.reach("bedroom-lamp", devices.Online, "it connected")
		until(t, ctx, `!`+why+`.checkVisibility()`)
	})
	t.Run("the focus goes back to a card that has been renamed meanwhile", func(t *testing.T) {
		js[bool](t, ctx, `(document.querySelector('[data-id="weather"] .name').focus(), true)`)
		do(t, ctx, chromedp.KeyEvent(kb.Enter))
		until(t, ctx, `document.querySelector("#sheet").open && document.activeElement.id === "sheet-title"`)
		js[bool](t, ctx, `(() => { document.querySelector("#edit-name").value = "Sky"; document.querySelector("#sheet .edit").requestSubmit(); return true })()`)
		until(t, ctx, `document.querySelector('[data-id="weather"] .name').textContent === "Sky"`)
		do(t, ctx, chromedp.KeyEvent(kb.Escape))
		until(t, ctx, `document.activeElement.matches('[data-id="weather"] .name')`)
	})
}
