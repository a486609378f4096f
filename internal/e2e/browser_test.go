package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"home.arpa/homehub/internal/outage"
	"home.arpa/homehub/internal/realpart"
)

// page is the dashboard in a real browser.
type page struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	troubles []string // what the browser's console called an error
}

// browse opens the house's dashboard in Chromium.
func browse(t *testing.T, h house) *page {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(realpart.Find(t, "chromium", "chromium")),
		chromedp.Flag("headless", "new"), chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium has no sandbox for root
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*limit)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)

	p := &page{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		t.Fatal(err)
	}
	p.size(1280, 900)
	p.do(chromedp.Navigate("http://127.0.0.1:" + h.web + "/"))
	return p
}

// hear keeps what the console reports as an error.
func (p *page) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.troubles = append(p.troubles, fmt.Sprintf("exception: %+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" {
			p.troubles = append(p.troubles, fmt.Sprintf("error: %+v", e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" {
			p.troubles = append(p.troubles, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// size makes the page as large as a screen; one less than 640 wide is a phone.
func (p *page) size(width, height int64) {
	p.t.Helper()
	metrics := emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 640}
	if _, err := chromedp.Call(p.ctx, emulation.SetDeviceMetricsOverride, metrics); err != nil {
		p.t.Fatal(err)
	}
}

// until waits for an expression to be true in the page.
func (p *page) until(expression string) {
	p.t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(limit))); err != nil {
		p.t.Fatalf("waiting for %s: %v", expression, err)
	}
}

// is says whether an expression is true in the page.
func (p *page) is(expression string) bool {
	p.t.Helper()
	yes, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](expression))
	if err != nil {
		p.t.Fatalf("looking for %s: %v", expression, err)
	}
	return yes
}

// at is the expression of an element of a device's card.
func at(id, selector string) string {
	return `document.querySelector(` + strconv.Quote(`[data-id="`+id+`"] `+selector) + `)`
}

// shows waits until the line of state on a device's card begins with the words.
func (p *page) shows(id, words string) {
	p.t.Helper()
	p.until(at(id, ".state") + `?.textContent.startsWith(` + strconv.Quote(words) + `)`)
}

// click presses with the mouse on a device's card, at a share of the element's width.
func (p *page) click(id, selector string, share float64) {
	p.t.Helper()
	p.until(at(id, selector) + ` !== null`)
	place, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]float64](`((e) => { e.scrollIntoView({ block: "center", behavior: "instant" }); const r = e.getBoundingClientRect(); return [r.left + r.width * `+
		strconv.FormatFloat(share, 'f', -1, 64)+`, r.top + r.height / 2] })(`+at(id, selector)+`)`))
	if err != nil {
		p.t.Fatalf("finding %s of %s: %v", selector, id, err)
	}
	p.do(chromedp.MouseClickXY(place[0], place[1]))
}

// press focuses an element of a device's card and presses a key.
func (p *page) press(id, selector, key string) {
	p.t.Helper()
	p.until(`((e) => { e?.focus(); return e !== null && document.activeElement === e })(` + at(id, selector) + `)`)
	p.do(chromedp.KeyEvent(key))
}

// command is what the API tells of a command.
type command struct {
	Component, Property, Status, Origin, Reason string
	Value                                       any
}

// sent waits until the newest command from the dashboard for the property has one of the statuses.
func (h house) sent(id, component, property string, statuses ...string) command {
	h.t.Helper()
	var newest command
	eventually(h.t, fmt.Sprintf("a command for %s %s/%s is %v", id, component, property, statuses), func() bool {
		r, err := http.Get("http://127.0.0.1:" + h.web + "/api/v1/devices/" + id + "/commands")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		var all []command // newest first
		if json.NewDecoder(r.Body).Decode(&all) != nil {
			return false
		}
		for _, c := range all {
			if c.Origin == "dashboard" && c.Component == component && c.Property == property {
				newest = c
				for _, s := range statuses {
					if c.Status == s {
						return true
					}
				}
				return false
			}
		}
		return false
	})
	return newest
}

func TestTheDemoIsSteeredInARealBrowser(t *testing.T) {
	realpart.Find(t, "chromium", "chromium")
	h := demo(t)
	devices, err := strconv.Atoi(h.expect(`house of (\d+) devices`)[1])
	if err != nil {
		t.Fatal(err)
	}
	count := strconv.Itoa(devices + 2) // the Zigbee bridge and its group of lights have cards, too
	p := browse(t, h)

	begin := time.Now()
	p.until(`document.querySelectorAll(".card[data-id]").length === ` + count)
	p.until(`document.querySelector("#live").dataset.state === "live"`)
	p.until(`document.querySelector('[data-show="online"] b').textContent === ` + strconv.Quote(count))
	t.Logf("the whole house was on the page after %s", time.Since(begin))
	for _, room := range []string{"Living room", "Kitchen", "Bedroom", "Hall"} {
		p.until(`[...document.querySelectorAll("section.room h2")].some((h) => h.textContent === ` + strconv.Quote(room) + `)`)
	}

	// Every note that says that something did not work is kept.
	p.do(chromedp.Evaluate[chromedp.Void](`(window.complaints = [], new MutationObserver((all) => all.forEach((m) => m.addedNodes.forEach((n) => { if (n.matches(".bad, .wait")) complaints.push(n.textContent) }))).observe(document.querySelector("#toasts"), { childList: true }))`))
	// The simulated day begins at seven in the morning: nobody has left the house, and no machine is at work.
	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			p.t, h.t = t, t
			f(t)
		})
		p.t, h.t = t, t
	}
	run("a lamp by its switch, off and on", func(t *testing.T) {
		lamp := "living-room-lamp"
		on := p.is(at(lamp, ".toggle") + `.getAttribute("aria-checked") === "true"`)
		for clicks := 0; clicks < 2 || !on; clicks++ {
			on = !on
			p.click(lamp, ".toggle", 0.5)
			p.until(at(lamp, ".toggle") + `.getAttribute("aria-checked") === "` + strconv.FormatBool(on) + `"`)
			if c := h.sent(lamp, "light", "on", "confirmed"); c.Value != on {
				t.Errorf("the lamp was told %v, want %v", c.Value, on)
			}
		}
		p.shows(lamp, "On")
	})
	run("its brightness by the slider", func(t *testing.T) {
		p.click("living-room-lamp", `input[aria-label$="Brightness"]`, 0.4)
		value, ok := h.sent("living-room-lamp", "light", "brightness", "confirmed").Value.(float64)
		if !ok || value < 37 || value > 43 {
			t.Errorf("a press at 40 %% of the slider sent %v", value)
		}
		p.shows("living-room-lamp", "On · "+strconv.Itoa(int(value))+"\u202f%")
	})
	run("a thermostat by the keyboard", func(t *testing.T) {
		p.press("living-room-thermostat", `[aria-label$="higher"]`, kb.Enter)
		value, ok := h.sent("living-room-thermostat", "climate", "target-temperature", "confirmed").Value.(float64)
		if !ok {
			t.Fatalf("no number was sent")
		}
		p.until(at("living-room-thermostat", ".stepper-value b") + `.textContent === "` + strconv.FormatFloat(value, 'f', 1, 64) + "\u202f°C" + `"`)
		p.press("living-room-thermostat", "select", "o") // for off
		if c := h.sent("living-room-thermostat", "climate", "mode", "confirmed"); c.Value != "off" {
			t.Errorf("the mode that was sent is %v", c.Value)
		}
		p.shows("living-room-thermostat", "Off")
	})
	run("a shutter opens and stops", func(t *testing.T) {
		p.click("living-room-shutter", `[aria-label$="Open"]`, 0.5)
		p.shows("living-room-shutter", "Open")
		p.click("living-room-shutter", `[aria-label$="Stop"]`, 0.5)
		h.sent("living-room-shutter", "cover", "stop", "sent", "confirmed")
	})
	run("a door is unlocked by the second press, and locked by one", func(t *testing.T) {
		p.shows("front-door-lock", "Locked")
		again := at("front-door-lock", ".acts button") + `.textContent === "Press again to unlock"`
		p.click("front-door-lock", ".acts button", 0.5)
		p.until(again)
		for once := true; once || p.is(again); once = false { // a press that comes too late is a first one
			p.click("front-door-lock", ".acts button", 0.5)
		}
		if c := h.sent("front-door-lock", "lock", "state", "confirmed"); c.Value != "unlocked" {
			t.Errorf("the lock was told %v", c.Value)
		}
		p.shows("front-door-lock", "Unlocked")
		p.click("front-door-lock", ".acts button", 0.5)
		p.shows("front-door-lock", "Locked")
	})
	run("a fan by the space bar, a machine's programme and its start", func(t *testing.T) {
		p.press("office-fan", ".toggle", " ")
		h.sent("office-fan", "fan", "on", "confirmed")
		p.press("washing-machine", "select", "w") // for wool
		if c := h.sent("washing-machine", "programme", "option", "confirmed"); c.Value != "wool" {
			t.Errorf("the programme that was sent is %v", c.Value)
		}
		p.click("washing-machine", `[aria-label$="Start"]`, 0.5)
		h.sent("washing-machine", "start", "press", "sent", "confirmed")
		p.until(at("washing-machine", `[aria-label$="Stop"]`) + ` !== null`)
		p.until(at("washing-machine", ".state") + `.textContent.endsWith(" left")`)
	})
	run("on a phone nothing is wider than the screen", func(t *testing.T) {
		for _, width := range []int64{320, 360, 412} {
			p.size(width, 780)
			p.until(fmt.Sprintf(`innerWidth === %d && document.documentElement.scrollWidth <= %d`, width, width))
		}
	})

	if complaints, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](`complaints`)); err != nil || len(complaints) > 0 {
		t.Errorf("the page complained: %q, %v", complaints, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.troubles) > 0 {
		t.Errorf("the console has errors:\n%s", strings.Join(p.troubles, "\n"))
	}
}

func TestThePageOutlivesTheHub(t *testing.T) {
	realpart.Find(t, "chromium", "chromium")
	data := t.TempDir()
	address, err := outage.FreeAddress() // which nobody else is given while the hub is away
	if err != nil {
		t.Fatal(err)
	}
	h := serve(t, data, "--web-listen", address)
	p := browse(t, h)
	state := func(name string) {
		t.Helper()
		p.until(`document.querySelector("#live").dataset.state === "` + name + `"`)
	}
	state("live")
	p.until(`document.querySelector(".welcome") !== null`)
	h.stop()
	state("reconnecting")
	p.until(`/^No answer since \d\d:\d\d$/.test(document.querySelector("#live").textContent.trim())`)
	serve(t, data, "--web-listen", address)
	state("live")
	p.until(`document.querySelector("#live").textContent.trim() === "Live"`)
}
