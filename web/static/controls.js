// The controls. Each is made for one component or property and returns {node, update(view), height}: update shows what the
// device reports and, beside it, what is wanted; height is about how many pixels it takes, for the page's grid.
import { attr, el, svg, text } from "./dom.js";
import { colorName, parts, spell, words } from "./format.js";
import { icons } from "./icons.js";
import { can, componentName, property, propertyName, reported, same, wanted } from "./model.js";
import { say } from "./toast.js";

const SETTLE = 250; // ms without another change before a slider's value is sent

/** Whether a wish is on its way that the device has not reported. */
function pendingValue(view, c, p) {
  const want = wanted(view, c, p.id);
  return want !== undefined && !same(want, reported(view, c, p.id)) ? want : undefined;
}

/** What a control is called where nothing beside it is seen. What switches a device on and off is called as the device is, and needs no more. */
function label(view, c, p) {
  if (p.id !== "on") return view.name + ": " + propertyName(view, c, p);
  const alike = view.components.filter((x) => !x.category && property(x, "on")?.settable);
  return c.category || alike.length > 1 ? view.name + ": " + componentName(view, c) : view.name;
}

/** A switch that shows what is; while something else is wanted, a ring waits on the other side. */
export function toggle(view, c, p, send) {
  let now, want;
  const node = el("button", { type: "button", class: "toggle", role: "switch", "aria-checked": "false", "aria-label": label(view, c, p),
    onclick: () => send(c, p, !((want ?? now) === true)) }, el("i"), el("b"));
  return { node, height: 38, update(v) {
    now = reported(v, c, p.id);
    want = pendingValue(v, c, p);
    attr(node, "aria-checked", now === true ? "true" : "false");
    attr(node, "data-want", want === undefined ? null : want ? "on" : "off");
    attr(node, "aria-description", want === undefined ? (now === undefined ? "not known yet" : null) : "wanted: " + (want ? "on" : "off"));
  } };
}

/** A row with a name at the left and a control at the right. */
export function row(name, control, icon) {
  const state = el("span", { class: "row-state" });
  return { node: el("div", { class: "row" }, icon ? svg(icon) : null, el("span", { class: "row-name" }, name, state), control.node), height: 38, update(v) { control.update(v); } };
}

/**
 * A slider as a bar: filled as far as the device reports, with a handle where it is wanted. Options: name, style (plain, white or
 * hue), low and high when the property has no bounds, read and write between the slider's number and the value, none for what
 * is shown while the device reports nothing.
 */
export function slider(view, c, p, send, o = {}) {
  const low = p.min ?? o.low ?? 0, high = p.max ?? o.high ?? 100;
  const read = o.read || ((v) => v), write = o.write || ((n) => n), show = o.show || ((v) => spell(p, v));
  const span = high - low || 1;
  // In percent whole steps will do: a lamp with 254 levels takes the nearest.
  const step = p.datatype === "int" || p.unit === "%" ? Math.max(1, p.step || 0) : p.step || (span > 20 ? 1 : span / 100);
  const name = o.name || propertyName(view, c, p);
  const input = el("input", { type: "range", min: low, max: high, step: o.step || Math.max(step, span / 200), "aria-label": view.name + ": " + name });
  const value = el("output", { class: "slider-value" });
  const node = el("div", { class: "slider " + (o.style || "plain") }, el("span", { class: "slider-name", "aria-hidden": "true" }, name), value,
    el("div", { class: "slider-bar" }, el("i", { class: "slider-fill" }), el("i", { class: "slider-want" })), input);
  let timer = 0, held = false, scrolled = false, latest = view, base;
  const snap = (n) => (step ? Math.min(high, Math.max(low, Number((Math.round((n - low) / step) * step + low).toFixed(6)))) : n);

  input.addEventListener("pointerdown", () => { held = true; scrolled = false; });
  input.addEventListener("keydown", () => { scrolled = false; });
  input.addEventListener("pointerup", () => { held = false; });
  input.addEventListener("pointercancel", () => { // the finger only scrolled the page over the slider
    clearTimeout(timer);
    timer = 0;
    held = false;
    scrolled = true;
    paint();
  });
  input.addEventListener("input", () => { clearTimeout(timer); timer = scrolled ? 0 : -1; paint(); });
  input.addEventListener("change", () => {
    clearTimeout(timer);
    if (scrolled) { timer = 0; paint(); return; }
    timer = setTimeout(() => { timer = 0; held = false; send(c, p, write(snap(Number(input.value)), base)); }, SETTLE);
  });

  const share = (n) => Math.min(1, Math.max(0, (n - low) / span));
  function paint() {
    const now = base === undefined || base === null ? undefined : read(base);
    const want = pendingValue(latest, c, p);
    const busy = held || timer !== 0;
    if (!busy) {
      const n = want !== undefined ? read(want) : now;
      input.value = String(n ?? low);
    }
    const at = Number(input.value);
    const moving = busy ? now === undefined || Math.abs(at - now) > step / 2 : want !== undefined;
    node.style.setProperty("--now", now === undefined ? 0 : share(now));
    node.style.setProperty("--at", share(at));
    node.classList.toggle("unknown", now === undefined && !moving);
    node.classList.toggle("moving", moving);
    const aim = busy ? show(write(snap(at), base)) : want === undefined ? "" : show(want);
    text(value, moving && aim ? (base === undefined ? "" : show(base) + " ") + "→ " + aim : base === undefined ? o.none || "–" : show(base));
    attr(input, "aria-valuetext", (base === undefined ? "not known" : show(base)) + (moving && aim ? ", wanted: " + aim : ""));
  }
  return { node, height: 38, update(v) {
    latest = v;
    base = reported(v, c, p.id);
    paint();
  } };
}

const SWATCH = { hue: "hue", white: "white" };

/** The sliders of a light: brightness, white from warm to cold, colour. */
export function lightSliders(view, c, send) {
  const found = [];
  const brightness = property(c, "brightness"), white = property(c, "color-temperature"), color = property(c, "color");
  if (brightness?.settable) found.push(slider(view, c, brightness, send, { name: "Brightness", style: "lit" }));
  if (white?.settable) found.push(slider(view, c, white, send, { name: "Warmth", style: SWATCH.white, low: 2000, high: 6500, step: 50 }));
  if (color?.settable) {
    found.push(slider(view, c, { ...color, min: 0, max: 360, step: 1 }, send, {
      name: "Color", style: SWATCH.hue, read: (v) => v.hue, show: colorName,
      none: white ? "White" : "", // a lamp that shows white may report no color
      write: (hue, old) => ({ hue: hue % 360, saturation: old?.saturation >= 10 ? old.saturation : 100 }),
    }));
  }
  return found;
}

/** Minus, the value, plus. */
export function stepper(view, c, p, send, name = propertyName(view, c, p)) {
  const step = p.step || (p.unit === "°C" ? 0.5 : 1);
  let now, want, timer = 0, local;
  const nudge = (by) => {
    const from = local ?? want ?? now ?? p.min ?? 20;
    local = Math.min(p.max ?? Infinity, Math.max(p.min ?? -Infinity, Math.round((from + by) / step) * step));
    local = Number(local.toFixed(4));
    clearTimeout(timer);
    timer = setTimeout(() => { const v = local; local = undefined; send(c, p, v); }, 600);
    paint();
    say(name + " " + spell(p, local));
  };
  const shown = el("b"), aim = el("small");
  const node = el("div", { class: "stepper", role: "group", "aria-label": view.name + ": " + name },
    el("button", { type: "button", class: "round", "aria-label": view.name + ": " + name + ", lower", onclick: () => nudge(-step) }, svg(icons.minus)),
    el("span", { class: "stepper-value" }, shown, aim),
    el("button", { type: "button", class: "round", "aria-label": view.name + ": " + name + ", higher", onclick: () => nudge(step) }, svg(icons.plus)));
  function paint() {
    const goal = local ?? want;
    text(shown, now === undefined || now === null ? "–" : spell(p, now));
    text(aim, goal === undefined || goal === now ? name : "→ " + spell(p, goal));
    node.classList.toggle("moving", goal !== undefined && goal !== now);
  }
  return { node, height: 40, update(v) {
    now = reported(v, c, p.id);
    want = pendingValue(v, c, p);
    paint();
  } };
}

/** A list to choose from, in a row of its own. */
export function choice(view, c, p, send, name = propertyName(view, c, p)) {
  const options = p.wanted?.length ? p.wanted : p.choices || [];
  const select = el("select", { "aria-label": view.name + ": " + name }, el("option", { value: "", hidden: true, disabled: true }, "–"), options.map((o) => el("option", { value: o }, words(o))));
  const aim = el("small", { class: "row-state" });
  select.addEventListener("change", () => send(c, p, select.value));
  return { node: el("label", { class: "row" }, el("span", { class: "row-name" }, name, aim), el("span", { class: "pick" }, select, svg(icons.down))), height: 38, update(v) {
    const now = reported(v, c, p.id), want = pendingValue(v, c, p);
    const shown = want ?? now ?? "";
    if (shown !== "" && ![...select.options].some((o) => o.value === String(shown))) select.append(el("option", { value: shown, hidden: true }, words(shown)));
    if (document.activeElement !== select || want === undefined) select.value = String(shown);
    select.classList.toggle("moving", want !== undefined);
    text(aim, want === undefined ? "" : " now " + (now === undefined ? "unknown" : words(now)).toLowerCase());
  } };
}

/** A button for an act that leaves no state. */
export function act(view, c, p, send, name = propertyName(view, c, p), icon = null) {
  const node = el("button", { type: "button", class: "soft", "aria-label": view.name + ": " + name, onclick: () => send(c, p, p.datatype === "bool" ? true : (p.wanted || p.choices || [""])[0]) }, icon ? svg(icon) : null, name);
  return { node, height: 38, update() {} };
}

/** A field for a text or a number without bounds. */
export function field(view, c, p, send) {
  const name = propertyName(view, c, p);
  const number = p.datatype === "int" || p.datatype === "float";
  const input = el("input", { type: number ? "number" : "text", step: number ? p.step || "any" : null, min: p.min, max: p.max, "aria-label": view.name + ": " + name });
  const aim = el("small", { class: "row-state" });
  const verb = p.momentary ? "Send" : "Set"; // what is sent is not kept
  const form = el("form", { class: "row field" + (number ? "" : " wide") }, el("span", { class: "row-name" }, name, aim), input, el("button", { type: "submit", class: "soft", "aria-label": verb + " " + name }, verb));
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    if (input.value === "" && number) return;
    send(c, p, number ? Number(input.value) : input.value);
    input.dataset.touched = "";
    if (p.momentary) input.value = "";
  });
  input.addEventListener("input", () => { input.dataset.touched = "yes"; });
  return { node: form, height: number ? 38 : 60, update(v) {
    const want = pendingValue(v, c, p), now = reported(v, c, p.id);
    text(aim, want === undefined ? "" : " → " + spell(p, want));
    if (document.activeElement === input || input.dataset.touched === "yes") return;
    input.value = now === undefined ? "" : typeof now === "object" ? JSON.stringify(now) : String(now);
  } };
}

/** Whatever fits a settable property. */
export function generic(view, c, p, send) {
  const name = propertyName(view, c, p);
  switch (p.datatype) {
    case "bool":
      return p.momentary ? wrap(act(view, c, p, send, name)) : row(name, toggle(view, c, p, send));
    case "enum":
      return choice(view, c, p, send, name);
    case "color":
      return slider(view, c, { ...p, min: 0, max: 360, step: 1 }, send, { name, style: SWATCH.hue, read: (v) => v.hue, show: colorName, write: (hue, old) => ({ hue: hue % 360, saturation: old?.saturation >= 10 ? old.saturation : 100 }) });
    case "int":
    case "float":
      if (p.min !== undefined && p.max !== undefined && p.min !== null && p.max !== null) {
        return (p.max - p.min) / (p.step || 1) <= 12 && p.max - p.min > 1 ? row(name, stepper(view, c, p, send, name)) : slider(view, c, p, send, { name });
      }
      return field(view, c, p, send);
    case "json":
      return null;
    default:
      return field(view, c, p, send);
  }
}

const wrap = (control) => ({ ...control, node: el("div", { class: "acts" }, control.node), height: 38 });

/** Open, stop and close, and the position. */
export function coverControls(view, c, send) {
  const state = property(c, "state"), position = property(c, "position"), stop = property(c, "stop");
  const allowed = state?.settable ? (state.wanted?.length ? state.wanted : state.choices || []) : [];
  const go = (word, share) => {
    if (allowed.includes(word)) return () => send(c, state, word);
    if (position?.settable) return () => send(c, position, share);
    return null;
  };
  const buttons = [["Open", icons.up, go("open", position?.max ?? 100)], ["Stop", icons.stop, stop?.settable ? () => send(c, stop, true) : allowed.includes("stopped") ? () => send(c, state, "stopped") : null], ["Close", icons.down, go("closed", position?.min ?? 0)]]
    .filter(([, , f]) => f)
    .map(([name, icon, onclick]) => el("button", { type: "button", class: "soft", "aria-label": view.name + ": " + name, title: name, onclick }, svg(icon)));
  const found = [];
  if (buttons.length) {
    const node = el("div", { class: "acts three", role: "group", "aria-label": view.name });
    node.append(...buttons);
    found.push({ node, height: 38, update(v) {
      const now = reported(v, c, "state");
      node.classList.toggle("moving", now === "opening" || now === "closing");
    } });
  }
  if (position?.settable) found.push(slider(view, c, position, send, { name: "Position" }));
  if (can(c, "tilt")) found.push(slider(view, c, property(c, "tilt"), send, { name: "Tilt" }));
  return found;
}

const CONFIRM = 5000; // ms in which a second press unlocks

/** Lock at once; unlock, or open, only with a second press. A lock beside something else, such as a thermostat's child lock, has a name. */
export function lockControls(view, c, send, name = "") {
  const state = property(c, "state"), latch = property(c, "open");
  if (!state?.settable && !latch?.settable) return [];
  const whole = view.name + (name ? ", " + name : "");
  const acts = el("div", { class: "acts", role: "group", "aria-label": whole });
  const node = name ? el("div", { class: "row" }, el("span", { class: "row-name" }, name), acts) : acts;
  let now, want, armed = "", timer = 0;
  const disarm = () => { clearTimeout(timer); armed = ""; paint(); };
  const twice = (what, f) => () => {
    if (armed === what) { disarm(); f(); return; }
    armed = what;
    clearTimeout(timer);
    timer = setTimeout(disarm, CONFIRM);
    paint();
  };
  const unlock = twice("unlock", () => send(c, state, "unlocked"));
  const main = el("button", { type: "button", class: "soft", onclick: () => ((want ?? now) === "locked" ? unlock() : send(c, state, "locked")) });
  const pull = latch?.settable ? el("button", { type: "button", class: "soft", onclick: twice("open", () => send(c, latch, true)) }) : null;
  if (state?.settable) acts.append(main);
  if (pull) acts.append(pull);
  node.addEventListener("keydown", (e) => { if (e.key === "Escape" && armed) { e.stopPropagation(); disarm(); } });
  function button(b, what, plain, sure, icon) {
    const face = armed === what ? sure : plain;
    if (b.dataset.face === face) return;
    b.dataset.face = face;
    b.replaceChildren(svg(icon), face);
    attr(b, "aria-label", whole + ": " + face);
    b.classList.toggle("danger", armed === what);
  }
  function paint() {
    if ((want ?? now) === "locked" || (want ?? now) === "locking") button(main, "unlock", "Unlock", name ? "Unlock?" : "Press again to unlock", icons.unlock);
    else button(main, "lock", "Lock", "Lock", icons.lock);
    if (pull) button(pull, "open", "Open", "Press again to open", icons.door);
  }
  return [{ node, height: 38, update(v) {
    now = reported(v, c, "state");
    want = pendingValue(v, c, state || latch);
    paint();
  } }];
}

/** The temperature that is, the one that is wanted, and the mode. */
export function climateControls(view, c, send) {
  const current = property(c, "current-temperature"), humidity = property(c, "current-humidity");
  const found = [];
  const now = el("b"), beside = el("small", {}, "Now");
  const targets = ["target-temperature", "target-temperature-low", "target-temperature-high"].map((id) => property(c, id)).filter((p) => p?.settable);
  const main = targets[0] ? stepper(view, c, targets[0], send, targets.length > 1 && targets[0].id !== "target-temperature" ? "Low" : "Target") : null;
  if (current || main) {
    const node = el("div", { class: "climate" }, current ? el("span", { class: "climate-now" }, now, beside) : null, main?.node);
    found.push({ node, height: 50, update(v) {
      if (current) {
        text(now, spell(current, reported(v, c, current.id)));
        const h = humidity && reported(v, c, humidity.id);
        text(beside, typeof h === "number" ? "Now · " + spell(humidity, h) : "Now");
      }
      main?.update(v);
    } });
  }
  for (const p of targets.slice(1)) found.push(row(p.id.endsWith("low") ? "Low" : p.id.endsWith("high") ? "High" : "Target", stepper(view, c, p, send, p.id.endsWith("low") ? "Low" : "High")));
  const mode = property(c, "mode");
  if (mode?.settable) found.push(choice(view, c, mode, send, "Mode"));
  else if (can(c, "on")) found.push(row("Power", toggle(view, c, property(c, "on"), send)));
  return found;
}

/** Whether a machine (see machine in model.js) is at work. */
export function isRunning(v, m) {
  const of = (x) => x && reported(v, x.c, x.p.id);
  const running = of(m.running), left = of(m.left), phase = of(m.phase);
  if (running !== undefined) return running === true;
  if (typeof left === "number") return left > 0;
  return phase !== undefined && !/^(off|idle|ready|done|finished|end)$/.test(String(phase));
}

/** How much longer a machine works, in words; empty when it does not say. */
export function timeLeft(v, m) {
  const left = m.left && reported(v, m.left.c, m.left.p.id);
  return typeof left === "number" && left > 0 && isRunning(v, m) ? parts({ ...m.left.p, class: "duration", unit: m.left.p.unit || "s" }, left).value + " left" : "";
}

/** What steers a machine: its power, how far it is, its programme, and one button that starts or stops it. */
export function machineControls(view, leads, m, send) {
  const power = leads.find((c) => can(c, "on") && c !== m.running?.c), blocks = [];
  if (m.progress) {
    const bar = el("i"), rest = el("span"), share = el("span");
    const node = el("div", { class: "progress" }, el("p", {}, rest, share), el("div", { class: "track", "aria-hidden": "true" }, bar));
    blocks.push({ node, height: 30, update(v) {
      const done = isRunning(v, m) ? reported(v, m.progress.c, m.progress.p.id) : undefined;
      text(rest, timeLeft(v, m) || (isRunning(v, m) ? "Running" : "Not running"));
      text(share, typeof done === "number" ? spell(m.progress.p, done) : "");
      bar.style.setProperty("--share", typeof done === "number" ? done / 100 : 0);
    } });
  }
  if (m.programme) blocks.push(choice(view, m.programme.c, m.programme.p, send, "Programme"));
  const begin = m.start || (m.running?.p.settable ? m.running : null), end = m.stop || (m.running?.p.settable ? m.running : null);
  if (begin) {
    let face = "";
    const button = el("button", { type: "button", class: "soft", onclick: () => {
      const at = face === "Stop" ? end : begin;
      send(at.c, at.p, at.p.momentary ? true : face !== "Stop");
    } });
    blocks.push({ node: el("div", { class: "acts" }, button), height: 38, update(v) {
      const next = end && isRunning(v, m) ? "Stop" : "Start";
      const want = m.running && pendingValue(v, m.running.c, m.running.p);
      button.classList.toggle("moving", want !== undefined && want !== null);
      if (next === face) return;
      face = next;
      button.replaceChildren(svg(icons[face === "Stop" ? "stop" : "play"]), face);
      attr(button, "aria-label", view.name + ": " + face);
    } });
  }
  return { head: power ? toggle(view, power, property(power, "on"), send) : null, blocks };
}

/** The name of a component when a card has several. */
export function heading(view, c, control) {
  return row(componentName(view, c), control);
}
