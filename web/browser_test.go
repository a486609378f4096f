package web_test

import (
	"context"
	"flag"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/internal/realpart"
	"home.arpa/homehub/web"
)

var pictures = flag.String("pictures", "", "a folder into which TestPictures writes pictures of the dashboard")

// browser starts a headless Chromium, or skips the test when there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("left out: starting a browser takes seconds")
	}
	path := realpart.Find(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.Flag("headless", "new"), chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.NoFirstRun, chromedp.Flag("no-proxy-server", true), chromedp.UserDataDir(t.TempDir()))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium has no sandbox for root
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // every wait has an end of its own
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// look sets the size and the colour scheme of the page; a width below 640 is a phone.
func look(t *testing.T, ctx context.Context, width, height int64, scheme string) {
	t.Helper()
	metrics := emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1}
	if width < 640 {
		metrics.DeviceScaleFactor, metrics.Mobile = 2, true
	}
	if _, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, metrics); err != nil {
		t.Fatal(err)
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// js evaluates an expression in the page.
func js[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits for an expression to be true.
func until(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	var err error
	for range 5 { // a page that is left while it is polled ends the poll
		if _, err = chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(time.Minute))); err == nil {
			return
		}
		if !strings.Contains(err.Error(), "navigated") && !strings.Contains(err.Error(), "Cannot find context") {
			break
		}
	}
	t.Fatalf("waiting for %s: %v", expression, err)
}

// watching keeps what the page shows for a moment only, since a busy machine may look too late: the notes that were shown, what was said to
// those who listen, and the states of the stream.
const watching = `(() => {
	const keep = (id, options, what) => new MutationObserver((all) => what(document.querySelector(id), all)).observe(document.querySelector(id), options);
	window.noted = []; window.said = []; window.states = [];
	keep("#toasts", { childList: true }, (e, all) => all.forEach((m) => m.addedNodes.forEach((n) => noted.push(n.textContent))));
	keep("#spoken", { childList: true }, (e) => said.push(e.textContent));
	keep("#live", { attributes: true }, (e) => states.push(e.dataset.state));
	return true;
})()`

// noted is an expression: whether there was a note with a text.
func noted(text string) string { return `noted.some((n) => n.includes(` + strconv.Quote(text) + `))` }

const drawn = `document.querySelector('main[aria-busy="false"]') !== null`

// stickingOut names what is wider than the screen.
const stickingOut = `[...document.querySelectorAll("body *")].filter((e) => e.checkVisibility() && !e.closest(".sr, .skip") && e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5).map((e) => e.className || e.tagName).join(", ")`

// TestPictures writes pictures of the dashboard for people to look at: go test ./web -run Pictures -pictures /tmp
func TestPictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("not a test: give -pictures FOLDER to have pictures written")
	}
	full := newMemory(sampleHouse(time.Now())...)
	full.silent["living-room-thermostat"] = true
	srv := serve(t, full, web.Options{OpenLoopback: true, Demo: true, MQTTAddresses: []string{"mqtt://192.168.1.5:1883"}})
	var door doorkeeper
	door.turnAway(rejected(time.Now(), "kitchen-plug")...)
	empty := serve(t, newMemory(), web.Options{OpenLoopback: true, Broker: &door, MQTTAddresses: []string{"mqtt://192.168.1.5:1883", "mqtt://homehub.local:1883"}})
	closed := serve(t, newMemory(), web.Options{})
	ctx := browser(t)
	do(t, ctx, chromedp.Navigate("about:blank"))
	for _, s := range []struct {
		name   string
		width  int64
		height int64
		scheme string
		url    string
	}{
		{"desktop-light", 1280, 900, "light", srv.URL},
		{"desktop-dark", 1280, 900, "dark", srv.URL},
		{"tablet-light", 820, 1180, "light", srv.URL},
		{"phone-light", 390, 1500, "light", srv.URL},
		{"phone-dark", 360, 1500, "dark", srv.URL},
		{"tiny-light", 320, 1300, "light", srv.URL},
		{"wide-light", 1920, 1080, "light", srv.URL},
		{"empty-light", 1280, 900, "light", empty.URL},
		{"empty-phone", 360, 1000, "dark", empty.URL},
		{"login-light", 1280, 900, "light", closed.URL},
	} {
		look(t, ctx, s.width, s.height, s.scheme)
		do(t, ctx, chromedp.Navigate(s.url))
		until(t, ctx, drawn+` || document.querySelector("#token") !== null`)
		do(t, ctx, chromedp.Sleep(400*time.Millisecond)) // for what fades in
		shot := chromedp.FullScreenshot(100)
		if s.width < 640 {
			shot = chromedp.CaptureScreenshot() // a whole house is too long for the eye
		}
		png, err := chromedp.Run(ctx, shot)
		if err != nil {
			t.Fatal(err)
		}
		write(t, s.name, png)
	}
	for _, s := range []struct {
		name, device, scheme string
		width                int64
	}{
		{"sheet-light", "living-room-lamp", "light", 1280},
		{"sheet-dark", "living-room-thermostat", "dark", 1280},
		{"sheet-phone", "tv-plug", "light", 360},
		{"sheet-offline", "garden-gate", "dark", 390},
		{"sheet-faults", "weather", "light", 390},
	} {
		look(t, ctx, s.width, 900, s.scheme)
		do(t, ctx, chromedp.Navigate(srv.URL))
		until(t, ctx, drawn)
		press(t, ctx, `[data-id="living-room-thermostat"] [aria-label$="higher"]`)
		press(t, ctx, `[data-id="garden-gate"] [aria-label$="Open"]`)
		press(t, ctx, `[data-id="`+s.device+`"] .name`)
		do(t, ctx, chromedp.Sleep(1200*time.Millisecond))
		full.lapse("living-room-thermostat", "no report of 22 within 10 s")
		do(t, ctx, chromedp.Sleep(400*time.Millisecond))
		png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		write(t, s.name, png)
	}
}

func press(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	js[bool](t, ctx, `(document.querySelector(`+strconv.Quote(selector)+`).click(), true)`)
}

// TestDashboard looks at the house with a real browser and steers it.
func TestDashboard(t *testing.T) {
	m := newMemory(sampleHouse(time.Now())...)
	m.silent["tv-plug"] = true
	m.views["living-room-thermostat"].Wakes = 24 * 60 * 60
	srv := serve(t, m, web.Options{OpenLoopback: true, MQTTAddresses: []string{"mqtt://192.168.1.5:1883"}})
	ctx := browser(t)
	do(t, ctx, chromedp.Navigate("about:blank"))
	look(t, ctx, 1280, 900, "light")
	do(t, ctx, chromedp.Navigate(srv.URL))
	until(t, ctx, drawn)
	until(t, ctx, `document.querySelector("#live").dataset.state === "live"`)
	js[bool](t, ctx, watching)
	// card is a look at a part of a device's card.
	card := func(id, selector string) string {
		return `document.querySelector('[data-id="` + id + `"] ` + selector + `')`
	}

	if n := js[int](t, ctx, `document.querySelectorAll(".card[data-id]").length`); n != len(m.views) {
		t.Errorf("there are %d cards for %d devices", n, len(m.views))
	}

	t.Run("a light is switched by its switch", func(t *testing.T) {
		until(t, ctx, card("bedroom-lamp", ".toggle")+`.getAttribute("aria-checked") === "false"`)
		if got := js[string](t, ctx, card("bedroom-lamp", ".toggle")+`.ariaLabel`); got != "Bedside lamp" { // "Bedside lamp: On, off" says nothing
			t.Errorf("the switch is called %q", got)
		}
		press(t, ctx, `[data-id="bedroom-lamp"] .toggle`)
		until(t, ctx, card("bedroom-lamp", ".toggle")+`.getAttribute("aria-checked") === "true"`)
		until(t, ctx, card("bedroom-lamp", ".state")+`.textContent.startsWith("On")`)
		if v, err := m.Device("bedroom-lamp"); err != nil || !v.Reported["light/on"].Value.Bool() {
			t.Errorf("the hub was not told: %v", err)
		}
		all, err := m.Commands(t.Context(), "bedroom-lamp", 5)
		if err != nil || len(all) != 1 || all[0].Origin != "dashboard" {
			t.Errorf("the ledger has %+v, %v", all, err)
		}
	})
	t.Run("what a device reports by itself is seen", func(t *testing.T) {
		m.report("living-room-lamp", devices.Ref{Component: "light", Property: "brightness"}, num(17))
		until(t, ctx, card("living-room-lamp", ".state")+`.textContent.includes("17")`)
		m.reach("living-room-lamp", devices.Offline, "its will was published")
		until(t, ctx, card("living-room-lamp", ".state")+`.textContent.startsWith("Offline since")`)
		until(t, ctx, `document.querySelector('[data-show="offline"] b').textContent === "2" && document.querySelector('[data-show="asleep"] b').textContent === "1"`)
	})
	t.Run("a wish is not shown as the truth", func(t *testing.T) {
		press(t, ctx, `[data-id="tv-plug"] .toggle`)
		until(t, ctx, card("tv-plug", ".toggle")+`.dataset.want === "off"`)
		until(t, ctx, card("tv-plug", ".state")+`.textContent === "On → off"`)
		if js[string](t, ctx, card("tv-plug", ".toggle")+`.getAttribute("aria-checked")`) != "true" {
			t.Error("the switch shows what is only wanted")
		}
		m.lapse("tv-plug", "no report of false within 5 s")
		until(t, ctx, noted("TV corner: not confirmed: no report of false within 5 s"))
		until(t, ctx, card("tv-plug", ".state")+`.textContent === "On"`)
	})
	t.Run("what sleeps is said to get its command when it wakes up", func(t *testing.T) {
		press(t, ctx, `[data-id="living-room-thermostat"] [aria-label$="higher"]`)
		until(t, ctx, card("living-room-thermostat", ".state")+`.textContent.endsWith(" · gets it when it wakes up")`)
		m.lapse("living-room-thermostat", "no report of 21.5 within 24 h")
		until(t, ctx, `!`+card("living-room-thermostat", ".state")+`.textContent.includes("wakes up")`)
	})
	t.Run("a slider sends when it settles", func(t *testing.T) {
		js[bool](t, ctx, `(() => { const i = `+card("kitchen-light", `input[type="range"]`)+`; i.value = 40; i.dispatchEvent(new Event("input")); i.dispatchEvent(new Event("change")); return true })()`)
		until(t, ctx, card("kitchen-light", ".slider-value")+`.textContent.startsWith("40") && !`+card("kitchen-light", ".slider")+`.classList.contains("moving")`)
		if v, err := m.Device("kitchen-light"); err != nil || v.Reported["light/brightness"].Value.Float() != 40 {
			t.Errorf("the brightness is %v, %v", v.Reported["light/brightness"], err)
		}
	})
	t.Run("a slider that a finger scrolls over stays as it is", func(t *testing.T) {
		js[bool](t, ctx, `(() => { const i = `+card("bedroom-fan", `input[type="range"]`)+`; i.dispatchEvent(new PointerEvent("pointerdown")); i.value = 90; i.dispatchEvent(new Event("input")); i.dispatchEvent(new PointerEvent("pointercancel")); i.dispatchEvent(new Event("change")); return true })()`)
		if got := js[string](t, ctx, card("bedroom-fan", `input[type="range"]`)+`.value`); got != "40" {
			t.Errorf("the slider stands at %s, want 40", got)
		}
	})
	t.Run("a door is unlocked only by the second press", func(t *testing.T) {
		press(t, ctx, `[data-id="front-door"] .acts button`)
		until(t, ctx, card("front-door", ".acts button")+`.textContent === "Press again to unlock"`)
		if all, err := m.Commands(t.Context(), "front-door", 5); err != nil || len(all) != 0 {
			t.Fatalf("the first press sent %+v, %v", all, err)
		}
		button := card("front-door", ".acts button") // for which the first press may have been too long ago
		js[bool](t, ctx, `(() => { if (`+button+`.textContent !== "Press again to unlock") `+button+`.click(); `+button+`.click(); return true })()`)
		until(t, ctx, card("front-door", ".state")+`.textContent === "Unlocked"`)
	})
	t.Run("a new device appears, a removed one goes", func(t *testing.T) {
		m.join(device(time.Now(), "attic-lamp", "<b>Attic</b> lamp", "Attic", light(0, 0, false)))
		until(t, ctx, `document.querySelector('[data-id="attic-lamp"] .name')?.textContent === "<b>Attic</b> lamp"`)
		if _, err := m.Remove(t.Context(), "attic-lamp", false); err != nil {
			t.Fatal(err)
		}
		until(t, ctx, `document.querySelector('[data-id="attic-lamp"]') === null && ![...document.querySelectorAll("h2")].some((h) => h.textContent === "Attic")`)
	})
	t.Run("the sheet shows and edits a device", func(t *testing.T) {
		press(t, ctx, `[data-id="weather"] .name`)
		until(t, ctx, `document.querySelector("#sheet").open && document.querySelector("#sheet-title").textContent === "Weather"`)
		until(t, ctx, `document.querySelector("#sheet .faults").textContent.includes("Rain is no number")`)
		js[bool](t, ctx, `(() => { document.querySelector("#edit-name").value = "Sky"; document.querySelector("#sheet .edit").requestSubmit(); return true })()`)
		until(t, ctx, `document.querySelector("#sheet-title").textContent === "Sky"`)
		until(t, ctx, card("weather", ".name")+`.textContent === "Sky"`)
		do(t, ctx, chromedp.KeyEvent(kb.Escape))
		until(t, ctx, `!document.querySelector("#sheet").open`)
	})
	t.Run("the sheet says what becomes of a command, and why", func(t *testing.T) {
		press(t, ctx, `[data-id="garden-gate"] [aria-label$="Open"]`)
		until(t, ctx, noted("Garden gate is away. It gets this when it is back"))
		press(t, ctx, `[data-id="garden-gate"] .name`)
		until(t, ctx, `document.querySelector("#sheet .presence").textContent.includes("keep alive of 60 s passed")`)
		until(t, ctx, `/^Waiting, until \d\d.*: the device is offline · just now$/.test(document.querySelector('#sheet [data-status="waiting"] small')?.textContent)`)
		until(t, ctx, `document.querySelector('#sheet [data-status="waiting"] span').textContent === "Open"`)
		m.lapse("garden-gate", "it did not come back in time")
		until(t, ctx, `document.querySelector('#sheet [data-status="lapsed"] small')?.textContent.startsWith("Never sent: it did not come back in time")`)
		do(t, ctx, chromedp.KeyEvent(kb.Escape))
	})
	t.Run("what is not understood is shown when it has happened", func(t *testing.T) {
		press(t, ctx, `[data-id="fridge-temp"] .name`)
		until(t, ctx, `document.querySelector("#sheet .faults").hidden`)
		do(t, ctx, chromedp.KeyEvent(kb.Escape))
		m.fault("fridge-temp", hub.FaultNote{Topic: "fridge/t", Reason: "expected a number, got \"warm\"", At: time.Now(), Count: 3, Sample: "warm"})
		press(t, ctx, `[data-id="fridge-temp"] .name`)
		until(t, ctx, `!document.querySelector("#sheet .faults").hidden && document.querySelector("#sheet .faults").textContent.includes('got "warm"3 times, last just now, on the topic fridge/twarm')`)
		until(t, ctx, `document.querySelector('[data-show="faulty"] b').textContent === "2"`)
		do(t, ctx, chromedp.KeyEvent(kb.Escape))
	})
	t.Run("a device is forgotten after a question, with what the broker keeps of it", func(t *testing.T) {
		m.join(device(time.Now(), "attic-lamp", "Attic lamp", "Attic", light(0, 0, false)))
		until(t, ctx, card("attic-lamp", ".name")+` !== null`)
		press(t, ctx, `[data-id="attic-lamp"] .name`)
		forget := `document.querySelector("#sheet .forget .soft")`
		press(t, ctx, "#sheet .forget .soft")
		until(t, ctx, `document.querySelector("#sheet .asked").checkVisibility() && document.querySelector("#sheet .left").textContent.includes("tele/attic-lamp/LWT")`)
		until(t, ctx, `document.activeElement.matches(".asked")`)
		do(t, ctx, chromedp.KeyEvent(kb.Tab))
		until(t, ctx, `document.activeElement.matches('.asked input[type="checkbox"]')`)
		press(t, ctx, "#sheet .forget .quiet")
		until(t, ctx, `!document.querySelector("#sheet .asked").checkVisibility() && document.activeElement === `+forget+` && `+forget+`.textContent === "Forget this device"`)
		press(t, ctx, "#sheet .forget .soft")
		until(t, ctx, forget+`.classList.contains("danger")`)
		press(t, ctx, "#sheet .forget .soft")
		until(t, ctx, `document.querySelector('[data-id="attic-lamp"]') === null && !document.querySelector("#sheet").open`)
	})
	t.Run("cards show what a device is about", func(t *testing.T) {
		m.join(device(time.Now(), "display", "Display", "Study", append(sensors("temperature", "°C"), speaker()[2])))
		m.report("display", devices.Ref{Component: "temperature", Property: "temperature"}, num(18.5))
		until(t, ctx, card("display", ".state")+`?.textContent === "18.5\u202f°C"`)
		if js[bool](t, ctx, card("display", ".row-name")+`.getBoundingClientRect().height > 30`) {
			t.Error("the name of the text is squeezed")
		}
		m.reach("display", devices.Late, "silent for more than 12 min")
		until(t, ctx, card("display", ".state")+`.textContent.startsWith("Late, heard")`)
		until(t, ctx, `document.querySelector('[data-show="late"]').checkVisibility() && document.querySelector('[data-show="late"] b').textContent === "1"`)
		m.reach("display", devices.Starting, "it is not ready for commands yet")
		until(t, ctx, card("display", ".state")+`.textContent.startsWith("Starting since ")`)
		until(t, ctx, `document.querySelector('[data-show="starting"]').checkVisibility() && document.querySelector('[data-show="starting"] b').textContent === "1"`)
		if _, err := m.Remove(t.Context(), "display", false); err != nil {
			t.Fatal(err)
		}
		until(t, ctx, `!document.querySelector('[data-show="late"]').checkVisibility()`)
	})
	t.Run("search and counts filter", func(t *testing.T) {
		shown := `[...document.querySelectorAll(".card[data-id]")].filter((c) => c.checkVisibility()).map((c) => c.dataset.id).join(" ")`
		js[bool](t, ctx, `document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }))`)
		until(t, ctx, `document.activeElement.id === "search"`)
		do(t, ctx, chromedp.KeyEvent("kitchen worktop"))
		until(t, ctx, shown+` === "kitchen-light"`)
		do(t, ctx, chromedp.KeyEvent(kb.Escape))
		press(t, ctx, `[data-show="offline"]`)
		until(t, ctx, shown+` === "garden-gate living-room-lamp"`)
		press(t, ctx, `[data-show="asleep"]`)
		until(t, ctx, shown+` === "bath-sensor"`)
		press(t, ctx, `[data-show="faulty"]`)
		until(t, ctx, shown+` === "weather fridge-temp"`)
		press(t, ctx, `[data-show="all"]`)
	})
	t.Run("what comes from no known device is shown, too", func(t *testing.T) {
		until(t, ctx, `!document.querySelector("#strays").checkVisibility()`)
		m.stray(hub.FaultNote{Topic: "attic/sensor/config", Reason: "expected JSON, got \"<b>hi</b>\"", At: time.Now(), Count: 2, Sample: "<b>hi</b>"})
		press(t, ctx, `[data-show="faulty"]`) // asks for the newest
		until(t, ctx, `document.querySelector("#strays").checkVisibility() && document.querySelector("#strays").textContent.includes('got "<b>hi</b>"2 times, last just now, on the topic attic/sensor/config')`)
		until(t, ctx, `document.querySelector('[data-show="faulty"] b').textContent === "3"`)
		press(t, ctx, `[data-show="all"]`)
		until(t, ctx, `!document.querySelector("#strays").checkVisibility()`)
	})
	t.Run("everything that can be used has a name", func(t *testing.T) {
		nameless := js[string](t, ctx, `[...document.querySelectorAll("button, input, select, a")].filter((e) => !(e.getAttribute("aria-label") || e.labels?.length || e.textContent.trim())).map((e) => e.outerHTML).join("; ")`)
		if nameless != "" {
			t.Errorf("without a name: %s", nameless)
		}
	})
	t.Run("everything that can be used is reached by the keyboard", func(t *testing.T) {
		usable := `[...document.querySelectorAll("button, input, select, a")].filter((e) => e.checkVisibility())`
		js[bool](t, ctx, `(document.activeElement.blur(), document.addEventListener("focusin", (e) => { const s = getComputedStyle(e.target); e.target.dataset.reached = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 || e.target.matches(".name, .slider input") ? "seen" : "unseen" }), true)`)
		for range js[int](t, ctx, usable+`.length`) + 2 {
			do(t, ctx, chromedp.KeyEvent(kb.Tab))
		}
		if missed := js[string](t, ctx, usable+`.filter((e) => e.dataset.reached !== "seen").map((e) => e.outerHTML).join("; ")`); missed != "" {
			t.Errorf("not reached, or without a mark of the focus: %s", missed)
		}
		js[bool](t, ctx, `(document.querySelector('[data-id="bedroom-fan"] input[type="range"]').focus(), true)`)
		do(t, ctx, chromedp.KeyEvent(kb.ArrowRight))
		until(t, ctx, card("bedroom-fan", ".slider-value")+`.textContent === "41\u202f%"`)
	})
	t.Run("on a phone nothing is wider than the screen", func(t *testing.T) {
		for _, width := range []int64{320, 360, 412, 768} {
			look(t, ctx, width, 800, "dark")
			until(t, ctx, `innerWidth === `+strconv.FormatInt(width, 10))
			wide := js[string](t, ctx, stickingOut)
			if wide != "" || js[bool](t, ctx, `document.documentElement.scrollWidth > document.documentElement.clientWidth`) {
				t.Errorf("at %d px these stick out: %s", width, wide)
			}
		}
		look(t, ctx, 1280, 900, "light")
	})
	t.Run("a broker elsewhere that is lost is said, and that it is back", func(t *testing.T) {
		m.broken("connecting: connection refused")
		srv.CloseClientConnections()
		until(t, ctx, `document.querySelector("#broker").checkVisibility() && document.querySelector("#broker").textContent.includes("does not reach its broker: connecting: connection refused.")`)
		m.broken("")
		srv.CloseClientConnections()
		until(t, ctx, `!document.querySelector("#broker").checkVisibility()`)
	})
	t.Run("the stream comes back after a break", func(t *testing.T) {
		js[bool](t, ctx, `(states.length = 0, true)`)
		srv.CloseClientConnections()
		until(t, ctx, `states.includes("reconnecting")`)
		m.report("fridge-temp", devices.Ref{Component: "temperature", Property: "temperature"}, num(9.9))
		until(t, ctx, `document.querySelector("#live").dataset.state === "live"`)
		until(t, ctx, card("fridge-temp", ".tile-value")+`.textContent.includes("9.9")`)
	})
}

// TestTextsAreReadable computes the contrast of everything that is written, in both themes.
func TestTextsAreReadable(t *testing.T) {
	contrast, err := os.ReadFile("testdata/contrast.js")
	if err != nil {
		t.Fatal(err)
	}
	house := serve(t, newMemory(sampleHouse(time.Now())...), web.Options{OpenLoopback: true, Demo: true})
	var door doorkeeper
	door.turnAway(rejected(time.Now(), "plug")...)
	empty := serve(t, newMemory(), web.Options{OpenLoopback: true, Broker: &door, MQTTAddresses: []string{"mqtt://192.168.1.5:1883"}})
	closed := serve(t, newMemory(), web.Options{})
	ctx := browser(t)
	do(t, ctx, chromedp.Navigate("about:blank"))
	for _, scheme := range []string{"light", "dark"} {
		look(t, ctx, 1280, 900, scheme)
		for _, p := range []struct{ name, url, open string }{
			{"the house", house.URL, ""},
			{"a sheet", house.URL, "weather"},
			{"another sheet", house.URL, "garden-gate"},
			{"an empty house", empty.URL, ""},
			{"the login page", closed.URL, ""},
		} {
			do(t, ctx, chromedp.Navigate(p.url))
			until(t, ctx, drawn+` || document.querySelector("#token") !== null`)
			if p.open != "" {
				press(t, ctx, `[data-id="`+p.open+`"] .name`)
			}
			if p.name == "the house" { // that nothing is found elsewhere means something
				js[bool](t, ctx, `(() => { const e = document.createElement("p"); e.id = "pale"; e.textContent = "pale"; e.style.color = "#808080"; e.style.backgroundColor = "#909090"; document.querySelector("main").prepend(e); return true })()`)
			}
			until(t, ctx, `document.getAnimations().every((a) => a.playState !== "running" || a.effect.getTiming().iterations === Infinity)`)
			pale := false
			for _, line := range js[[]string](t, ctx, string(contrast)) {
				if strings.HasSuffix(line, "“pale”") {
					pale = true
					continue
				}
				t.Errorf("%s, %s: %s", p.name, scheme, line)
			}
			if pale != (p.name == "the house") {
				t.Errorf("%s, %s: a pale text was found: %t", p.name, scheme, pale)
			}
		}
	}
}

// doorkeeper is a broker that turns clients away.
type doorkeeper struct {
	counted
	refusals atomic.Pointer[[]web.Refusal]
}

func (d *doorkeeper) turnAway(all ...web.Refusal) { d.refusals.Store(&all) }

func (d *doorkeeper) Refusals() []web.Refusal { return *d.refusals.Load() }

// rejected are refusals with texts of any kind.
func rejected(now time.Time, word string) []web.Refusal {
	return []web.Refusal{
		{Act: "connect", Reason: "wrong user name or password", Address: "192.168.1.8", Client: word, User: "sam", Count: 12, First: now, Last: now},
		{Act: "publish", Reason: "it may not publish there", Address: "192.168.1.9", Client: "cam", Topic: word + "/set", Count: 1, First: now, Last: now},
		{Act: "connect", Reason: "not a CONNECT packet", Address: "192.168.1.7", Others: true, Count: 40, First: now, Last: now},
	}
}

func TestThoseWhoWereTurnedAwayAreShown(t *testing.T) {
	var door doorkeeper
	door.turnAway()
	house := serve(t, newMemory(sampleHouse(time.Now())...), web.Options{OpenLoopback: true, Broker: &door})
	empty := serve(t, newMemory(), web.Options{OpenLoopback: true, Broker: &door})
	elsewhere := serve(t, newMemory(), web.Options{OpenLoopback: true})
	ctx := browser(t)
	do(t, ctx, chromedp.Navigate(house.URL))
	until(t, ctx, drawn)
	const chip, list = `document.querySelector('[data-show="refused"]')`, `document.querySelector("#refused")`
	until(t, ctx, `!`+chip+`.checkVisibility() && !`+list+`.checkVisibility()`)
	now := time.Now()
	long := now.Add(-25 * time.Hour)
	door.turnAway(append(rejected(now, "<b>plug</b>"), web.Refusal{Act: "connect", Reason: "long ago", Address: "192.168.1.6", Count: 1, First: long, Last: long})...)
	press(t, ctx, `[data-show="faulty"]`) // asks for the newest
	until(t, ctx, chip+`.checkVisibility() && `+chip+`.querySelector("b").textContent === "3"`)
	press(t, ctx, `[data-show="refused"]`)
	const lines = `[...document.querySelectorAll("#refused li")].map((li) => [...li.children].map((e) => e.textContent).join(": ")).join("; ")`
	until(t, ctx, list+`.checkVisibility() && `+lines+` === "Wrong user name or password: <b>plug</b> at 192.168.1.8 as sam, 12 times, last just now; `+
		`It may not publish there: cam at 192.168.1.9, to the topic <b>plug</b>/set, just now; `+
		`Not a CONNECT packet: several at 192.168.1.7, 40 times, last just now"`)
	until(t, ctx, `![...document.querySelectorAll(".card")].some((c) => c.checkVisibility())`)
	js[bool](t, ctx, `document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }))`)
	until(t, ctx, `document.activeElement.id === "search"`)
	do(t, ctx, chromedp.KeyEvent("sam"))
	until(t, ctx, `document.querySelectorAll("#refused li").length === 1`)
	do(t, ctx, chromedp.KeyEvent(kb.Escape))
	press(t, ctx, `[data-show="all"]`)
	until(t, ctx, `!`+list+`.checkVisibility()`)
	do(t, ctx, chromedp.Navigate(empty.URL))
	until(t, ctx, `document.querySelector(".welcome") && `+list+`.checkVisibility() && document.querySelectorAll("#refused li").length === 3`)
	do(t, ctx, chromedp.Navigate(elsewhere.URL))
	until(t, ctx, `document.querySelector(".welcome") && !document.querySelector('[data-show="refused"], #refused')`)
}

// TestSigningIn signs in with a real browser, as from another machine.
func TestSigningIn(t *testing.T) {
	m := newMemory(sampleHouse(time.Now())...)
	srv := serve(t, m, web.Options{Authenticate: tokens})
	ctx := browser(t)
	do(t, ctx, chromedp.Navigate(srv.URL))
	until(t, ctx, `location.pathname === "/login"`)
	enter := func(token string) {
		js[bool](t, ctx, `(() => { const f = document.querySelector("#login"); f.token.value = "`+token+`"; f.requestSubmit(); return true })()`)
	}
	enter("bad")
	until(t, ctx, `document.querySelector("#trouble").textContent.includes("not known")`)
	enter("good")
	until(t, ctx, `location.pathname === "/" && `+drawn)
	until(t, ctx, `document.querySelector("#live").dataset.state === "live"`)
	if got := js[string](t, ctx, `document.cookie`); got != "" {
		t.Errorf("scripts can read the cookie %q", got)
	}
	press(t, ctx, "#sign-out")
	until(t, ctx, `location.pathname === "/login"`)
}

func write(t *testing.T, name string, png []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(*pictures, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

func serve(t *testing.T, m *memory, o web.Options) *httptest.Server {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	s, err := web.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv
}

type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}
