// One device as a card with controls, or as a small tile when there is only something to read.
import { attr, el, svg, text } from "./dom.js";
import { alarming, ago, duration, moment, parts, sentence, spell, words } from "./format.js";
import { icons } from "./icons.js";
import * as ui from "./controls.js";
import { away, battery, can, componentName, controls, iconOf, iconOfReading, kindOf, lead, machine, property, propertyName, readings, reported, same, wanted } from "./model.js";

const ROW = 24, GAP = 12, TILE_ROWS = 4; // px, as in house.css

/** Builds a device's card. Returns {node, name, area, update(view)}: area is the number of cells that it takes in the page's grid. */
export function card(view, send, open) {
  const leads = controls(view);
  return leads.length ? control(view, leads, send, open) : tile(view, open);
}

/** What a device's card can steer and show beside its head: {head, blocks}. The sheet shows the same. */
export function compose(view, leads, send) {
  const m = machine(view);
  if (m) return ui.machineControls(view, leads, m, send);
  const blocks = [];
  let head = null;
  const switches = leads.filter((c) => can(c, "on") && c.kind !== "climate");
  const lone = switches.length === 1 && leads[0] === switches[0];
  for (const c of leads) {
    const on = property(c, "on");
    if (on?.settable && c.kind !== "climate") {
      if (lone) head = ui.toggle(view, c, on, send);
      else blocks.push(ui.heading(view, c, ui.toggle(view, c, on, send)));
    }
    switch (c.kind) {
      case "light":
        blocks.push(...ui.lightSliders(view, c, send));
        break;
      case "climate":
        blocks.push(...ui.climateControls(view, c, send));
        break;
      case "cover":
      case "valve":
        blocks.push(...ui.coverControls(view, c, send));
        break;
      case "lock":
        blocks.push(...ui.lockControls(view, c, send, c === leads[0] ? "" : beside(componentName(view, c), leads[0])));
        break;
      case "fan":
        if (can(c, "speed")) blocks.push(ui.slider(view, c, property(c, "speed"), send, { name: "Speed" }));
        break;
      default:
        blocks.push(...c.properties.filter((p) => p.settable && p.id !== "on").map((p) => ui.generic(view, c, p, send)));
    }
  }
  return { head, blocks: blocks.filter(Boolean) };
}

/** What a lock beside something else is called: that of a thermostat or a plug locks its buttons, not a door. */
const beside = (name, first) => (name === "Lock" && ["climate", "switch"].includes(first.kind) ? "Child lock" : name);

function control(view, leads, send, open) {
  const { head, blocks } = compose(view, leads, send);
  const shown = blocks.slice(0, 4);
  const about = lead(view), chips = readings(view).slice(about ? 0 : 1, 4); // the first reading is the head of a card that is about readings
  const values = chips.map(({ c, p }) => {
    const name = propertyName(view, c, p), node = el("span", { title: name });
    const plain = p.unit && p.unit !== "%" && chips.filter((x) => x.p.unit === p.unit).length === 1; // the unit says what it is
    return { node, update(v) {
      const value = reported(v, c, p.id);
      text(node, plain ? spell(p, value) : name + " " + (typeof value === "number" ? spell(p, value) : spell(p, value).toLowerCase()));
      attr(node, "hidden", value === undefined);
      node.classList.toggle("alarm", alarming(p, value));
    } };
  });
  const disc = el("span", { class: "disc" });
  const name = nameButton(view, open);
  const state = el("span", { class: "state" }), why = el("span", { class: "why" });
  const node = el("article", { class: "card", "aria-label": view.name, "data-id": view.id, "data-kind": kindOf(view) || "sensor" },
    el("div", { class: "card-head" }, disc, el("div", { class: "titles" }, name, state, why), head?.node),
    el("div", { class: "blocks" }, shown.map((b) => b.node)),
    values.length ? el("p", { class: "chips" }, values.map((b) => b.node)) : null);
  const height = 26 + 42 + (shown.length ? 6 + 6 * (shown.length - 1) : 0) + shown.reduce((sum, b) => sum + b.height, 0) + (values.length ? 24 : 0);
  const rows = Math.max(3, Math.ceil((height + GAP) / (ROW + GAP)));
  node.style.setProperty("--rows", rows);
  const all = [head, ...shown, ...values].filter(Boolean);
  return { node, name, area: 2 * rows, update(v) {
    all.forEach((b) => b.update(v));
    dress({ node, disc, state, why }, v, about, about ? "" : reading(v));
  } };
}

/** The device's name, which opens its sheet. The page may shorten what is seen of it; what is read out stays whole. */
const nameButton = (view, open) => el("button", { type: "button", class: "name", onclick: () => open(view.id), "aria-haspopup": "dialog", "aria-label": view.name }, view.name);

/** The most telling reading in one line. */
function reading(v) {
  const first = readings(v)[0], value = first && reported(v, first.c, first.p.id);
  return value === undefined ? "" : spell(first.p, value);
}

function tile(view, open) {
  const found = readings(view);
  const event = view.components.find((c) => c.kind === "event");
  const main = found[0], second = found[1], name = nameButton(view, open);
  const disc = el("span", { class: "disc" }), state = el("span", { class: "state" }), why = el("span", { class: "why" });
  const big = el("b"), unit = el("small"), aside = el("span");
  const more = el("span", { class: "tile-more" }, second ? svg(icons[iconOfReading(second.p)]) : null, aside);
  if (second) more.title = propertyName(view, second.c, second.p);
  const node = el("article", { class: "card tile", "aria-label": view.name, "data-id": view.id, "data-kind": "sensor" },
    el("div", { class: "tile-head" }, disc, more),
    el("p", { class: "tile-value" }, big, unit),
    el("div", { class: "titles" }, name, state, why));
  node.style.setProperty("--rows", TILE_ROWS);
  return { node, name, area: TILE_ROWS, update(v) {
    dress({ node, disc, state, why }, v, null);
    const value = main && reported(v, main.c, main.p.id);
    const shown = main ? parts(main.p, value) : { value: "", unit: "" };
    text(big, main && value !== undefined ? shown.value : main || event ? "–" : words(v.reach.presence));
    text(unit, value === undefined ? "" : shown.unit);
    node.classList.toggle("wordy", typeof value !== "number" || !shown.unit);
    node.classList.toggle("active", value === true && !!main);
    node.classList.toggle("alarm", !!main && alarming(main.p, value));
    const other = second && reported(v, second.c, second.p.id);
    text(aside, second && other !== undefined ? spell(second.p, other) : "");
    attr(more, "hidden", !second || other === undefined);
  } };
}

/** Puts on a card what does not depend on its controls: its icon, its colour, its line of state, and why it is offline. */
function dress({ node, disc, state, why }, v, lead, plain = "") {
  const icon = iconOf(v);
  if (disc.dataset.icon !== icon) {
    disc.dataset.icon = icon;
    disc.replaceChildren(svg(icons[icon] || icons.other));
  }
  node.classList.toggle("away", away(v));
  const { line, on, mood } = lead ? summary(v, lead) : { line: plain, on: false };
  node.classList.toggle("on", on && !away(v));
  attr(node, "data-mood", mood || null);
  if (lead?.kind === "light") {
    const color = reported(v, lead, "color");
    node.classList.toggle("colored", color?.saturation > 12);
    if (color) node.style.setProperty("--glow", `hsl(${color.hue} ${40 + color.saturation / 2}% 55%)`);
  }
  const said = v.reach.presence === "offline"; // the others may have a reason, too, which their line of state is about already
  text(why, said ? sentence(v.reach.why) : "");
  attr(node, "title", !said && v.reach.presence !== "online" && v.reach.why ? words(v.reach.presence) + ": " + v.reach.why : null);
  const low = battery(v);
  const kept = v.pending.some((cmd) => cmd.status === "sent" && cmd.reason);
  const says = presenceLine(v, node.classList.contains("tile")) || [line, low?.low ? "battery " + (typeof low.value === "number" ? spell(low.p, low.value) : "low") : ""].filter(Boolean).join(" · ");
  text(state, [says, kept ? "gets it when it wakes up" : ""].filter(Boolean).join(" · ") || (v.reach.presence === "unknown" ? "Not heard yet" : ""));
  const moving = v.pending.length > 0 || (v.wishes && v.wishes.size > 0);
  node.classList.toggle("moving", moving);
}

/** What a device's absence looks like in one line, or in few words; empty when it is there. */
function presenceLine(v, short) {
  switch (v.reach.presence) {
    case "offline":
      return short ? "Offline for " + duration((Date.now() - new Date(v.reach.since)) / 1000) : "Offline since " + moment(v.reach.since);
    case "starting":
      return short ? "Starting for " + duration((Date.now() - new Date(v.reach.since)) / 1000) : "Starting since " + moment(v.reach.since);
    case "asleep":
      return short ? "Asleep" : "Asleep, heard " + ago(v.last_seen);
    case "late":
      return short ? "Not heard for " + duration((Date.now() - new Date(v.last_seen)) / 1000) : "Late, heard " + ago(v.last_seen);
    default:
      return "";
  }
}

/** The line under a card's name: what is, and after an arrow what is wanted. */
export function summary(v, c) {
  const m = machine(v);
  if (m) return doing(v, m);
  const of = (id) => reported(v, c, id);
  const aim = (id) => {
    const want = wanted(v, c, id), p = property(c, id);
    return want === undefined || !p || same(want, of(id)) ? "" : " → " + spell(p, want).toLowerCase();
  };
  switch (c.kind) {
    case "light":
    case "fan":
    case "switch":
    case "other": {
      const p = property(c, "on"), alike = v.components.filter((x) => !x.category && x.kind === c.kind && property(x, "on"));
      if (p && alike.length > 1) {
        const on = alike.filter((x) => reported(v, x, "on") === true).length;
        return { line: on + " of " + alike.length + " on", on: on > 0 };
      }
      if (!p) break;
      const on = of("on") === true;
      const level = property(c, c.kind === "fan" ? "speed" : "brightness");
      const line = of("on") === undefined ? "Not known yet" : on && level && of(level.id) !== undefined ? "On · " + spell(level, of(level.id)) : on ? "On" : "Off";
      return { line: line + (aim("on") || (level ? aim(level.id) : "")), on };
    }
    case "climate": {
      const action = of("action"), mode = of("mode");
      const off = mode === "off" || of("on") === false;
      const words_ = { heating: "Heating", cooling: "Cooling", drying: "Drying", fan: "Fan", idle: "Idle", off: "Off" };
      const line = (off ? "Off" : words_[action] || (mode ? words(mode) : "Not known yet")) + aim("mode");
      return { line, on: !off && (action === "heating" || action === "cooling" || action === "drying"), mood: action === "cooling" ? "cool" : action === "heating" ? "heat" : "" };
    }
    case "cover": {
      const s = of("state"), position = property(c, "position"), at = of("position");
      const moving = s === "opening" || s === "closing";
      const open = typeof at === "number" ? at > 0 : s === "open";
      const line = moving ? words(s) : typeof at === "number" && at > 0 && at < 100 ? "Open " + spell(position, at) : s ? words(s) : typeof at === "number" ? (at ? "Open" : "Closed") : "Not known yet";
      return { line: line + (moving ? "" : aim("state") || aim("position")), on: open };
    }
    case "lock": {
      const s = of("state");
      return { line: (s ? words(s) : "Not known yet") + aim("state"), on: s !== undefined && s !== "locked", mood: s === "jammed" ? "bad" : s === "locked" ? "good" : "" };
    }
  }
  const p = c.properties.find((q) => q.readable);
  return { line: p && of(p.id) !== undefined ? spell(p, of(p.id)) + aim(p.id) : "", on: false };
}

/** A machine's line: what it does now, and how much longer. */
function doing(v, m) {
  const of = (x) => x && reported(v, x.c, x.p.id);
  const phase = of(m.phase), running = ui.isRunning(v, m);
  const line = phase !== undefined ? spell(m.phase.p, phase) : running ? "Running" : m.phase ? "Not known yet" : "Not running";
  const left = m.progress ? "" : ui.timeLeft(v, m); // beside a bar of progress it is shown there
  return { line: line + (left && " · " + left), on: running };
}
