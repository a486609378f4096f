// The dashboard: keeps the house, draws it by room, and sends what people want.
import { ask } from "./api.js";
import { card } from "./card.js";
import { byId, el, text } from "./dom.js";
import { listFaults, listRefusals, who } from "./faults.js";
import { moment, spell } from "./format.js";
import { House } from "./house.js";
import { follow } from "./live.js";
import { away, called, key, kindOf, propertyName, readings, reported, shape } from "./model.js";
import { sheet } from "./sheet.js";
import { say, toast } from "./toast.js";

const main = byId("house");
const cards = new Map(); // device id → {node, update, form}
const sections = new Map(); // room → {node, grid, note}
let show = "all", query = "";

const COLUMN = 136, GAP = 12, AISLE = 32; // px, as in house.css
const LANE = 4, HEAD = 2; // columns of a lane; rows of the grid that a room's head is high

const house = new House(draw, outcome);
const details = sheet(house, (id, c, p, value) => send(id, c, p, value));

/* Drawing: changes are collected and drawn once a frame. */

let dirty = new Set(), all = false, frame = 0;

function draw(ids) {
  if (ids === null) all = true;
  else ids.forEach((id) => dirty.add(id));
  frame ||= requestAnimationFrame(paint);
}

function paint() {
  frame = 0;
  const ids = all ? new Set([...house.views.keys(), ...cards.keys()]) : dirty;
  const first = all && main.getAttribute("aria-busy") === "true";
  dirty = new Set();
  all = false;
  let moved = first;
  for (const id of ids) moved = place(id) || moved;
  if (first) {
    main.querySelector(".skeleton")?.remove();
    main.setAttribute("aria-busy", "false");
  }
  if (moved) arrange();
  for (const id of ids) details.update(id);
  if (moved) tally();
  else later ||= setTimeout(tally, 300); // what looks at every device need not follow every event
}

let later = 0;

function tally() {
  clearTimeout(later);
  later = 0;
  count();
  notes();
  sift();
}

/** Brings one device's card up to date; says whether the order of the cards may have changed. */
function place(id) {
  const view = house.views.get(id), old = cards.get(id);
  if (!view) {
    old?.node.remove();
    cards.delete(id);
    return !!old;
  }
  const form = view.name + "\n" + (view.room || "") + "\n" + shape(view);
  if (old?.form === form) {
    old.update(view);
    return false;
  }
  const made = card(view, (c, p, value) => send(id, c, p, value), (which) => details.open(which));
  made.form = form;
  made.update(view);
  if (old) old.node.replaceWith(made.node);
  cards.set(id, made);
  return true;
}

const kindOrder = ["light", "climate", "water_heater", "cover", "valve", "lock", "alarm_control_panel", "appliance", "vacuum", "lawn_mower", "fan", "humidifier", "siren", "switch", "scene", "number", "select", "text", "button", "other", "reading"];

/** Puts all cards into their rooms, in order, moving only what is not in its place. */
function arrange() {
  const rooms = new Map();
  for (const view of house.views.values()) {
    const room = view.room || "";
    if (!rooms.has(room)) rooms.set(room, []);
    rooms.get(room).push(view);
  }
  const names = [...rooms.keys()].sort((a, b) => (a === "") - (b === "") || a.localeCompare(b));
  for (const [room, section] of sections) if (!rooms.has(room)) { section.node.remove(); sections.delete(room); }
  let at = main.querySelector("section.room, .welcome, .none");
  for (const room of names) {
    let section = sections.get(room);
    if (!section) {
      const id = "room-" + (sections.size + 1) + "-" + room.replace(/\W+/g, "-");
      const note = el("p", { class: "room-note" }), grid = el("div", { class: "grid" });
      section = { note, grid, node: el("section", { class: "room", "aria-labelledby": id }, el("div", { class: "room-head" }, el("h2", { id }, room || "Elsewhere"), note), grid) };
      sections.set(room, section);
    }
    if (section.node !== at) main.insertBefore(section.node, at);
    else at = at.nextElementSibling;
    const views = rooms.get(room), order = new Map(views.map((v) => [v, kindOrder.indexOf(kindOf(v) || "reading")]));
    views.sort((a, b) => order.get(a) - order.get(b) || a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
    const short = new Map(views.map((v) => [v, called(v)]));
    const uses = Map.groupBy(short.values(), (s) => s);
    let next = section.grid.firstElementChild;
    for (const view of views) {
      const { node, name } = cards.get(view.id);
      text(name, uses.get(short.get(view)).length > 1 ? view.name : short.get(view));
      if (node !== next) section.grid.insertBefore(node, next);
      else next = next.nextElementSibling;
    }
    const tiles = views.map((v) => cards.get(v.id).node).filter((node) => node.classList.contains("tile"));
    tiles.forEach((node, i) => node.classList.toggle("lone", i === tiles.length - 1 && tiles.length % 2 === 1));
    section.height = HEAD + views.reduce((sum, v) => sum + cards.get(v.id).area, 0) / LANE;
  }
  lanes();
  const empty = house.views.size === 0;
  if (empty && !main.querySelector(".welcome")) main.append(byId("first-run").content.cloneNode(true));
  if (!empty) main.querySelector(".welcome")?.remove();
  document.body.classList.toggle("empty", empty);
}

/** The line beside a room's name: its climate, and what is on. */
function notes() {
  for (const [room, section] of sections) {
    let lit = 0, warmth = [], damp = [], unit = "°C";
    for (const view of house.views.values()) {
      if ((view.room || "") !== room) continue;
      if (away(view)) continue; // what it said last may be long ago
      for (const c of view.components) if (c.kind === "light" && reported(view, c, "on") === true) lit++;
      const air = readings(view);
      const indoors = air.some(({ p }) => ["humidity", "pressure", "atmospheric_pressure"].includes(p.class || p.id)); // not a fridge's
      for (const { c, p } of indoors ? air : []) {
        const value = view.reported[key(c, p)]?.value;
        if (typeof value !== "number") continue;
        if ((p.class || p.id) === "temperature") { warmth.push(value); unit = p.unit || unit; }
        if ((p.class || p.id) === "humidity") damp.push(value);
      }
      for (const c of view.components) {
        const value = c.kind === "climate" ? reported(view, c, "current-temperature") : undefined;
        if (typeof value === "number") warmth.push(value);
      }
    }
    const mean = (l) => l.reduce((a, b) => a + b, 0) / l.length;
    text(section.note, [
      warmth.length && spell({ id: "", datatype: "float", unit }, mean(warmth)),
      damp.length && spell({ id: "", datatype: "float", unit: "%" }, mean(damp)),
      lit && lit + (lit === 1 ? " light on" : " lights on"),
    ].filter(Boolean).join(" · "));
  }
}

/* Finding: the counts are filters, and there is a search. */

const filters = [...document.querySelectorAll("[data-show]")];
const is = (presence) => (v) => v.reach.presence === presence;
const matches = { all: () => true, online: is("online"), offline: is("offline"), asleep: is("asleep"), late: is("late"), starting: is("starting"), faulty: (v) => v.faults > 0, refused: () => false };
const beside = { faulty: () => house.strays.length, refused: () => house.refusals.length }; // what is no device's
const always = ["all", "online", "offline"];

function count() {
  const views = [...house.views.values()];
  for (const button of filters) {
    const n = views.filter(matches[button.dataset.show]).length + (beside[button.dataset.show]?.() || 0);
    text(button.querySelector("b"), house.loaded ? String(n) : "–");
    button.hidden = n === 0 && !always.includes(button.dataset.show) && button.dataset.show !== show; // what is rare shows when it is so
  }
}

/** Hides what is not looked for. Returns what is left in words, for those who do not see it. */
function sift() {
  const terms = query.toLowerCase().split(/\s+/).filter(Boolean);
  let left = 0;
  for (const [room, section] of sections) {
    let here = 0;
    for (const view of house.views.values()) {
      if ((view.room || "") !== room) continue;
      const hay = [view.name, view.room, view.id, view.manufacturer, view.model, ...view.components.map((c) => c.kind.replace("_", " "))].join(" ").toLowerCase();
      const hit = matches[show](view) && terms.every((t) => hay.includes(t));
      const node = cards.get(view.id)?.node;
      if (!node) continue;
      node.hidden = !hit;
      left += hit;
      here += hit && (node.matches(".tile:not(.lone)") ? 1 : 2);
    }
    section.node.hidden = here === 0;
    section.node.style.setProperty("--need", Math.max(2, here));
  }
  const strays = siftStrays(terms), refused = siftRefused(terms);
  main.querySelector(".none")?.remove();
  if (!house.loaded || !house.views.size) return "";
  if (left + strays + refused) return [left && many(left, "device"), strays && many(strays, "message") + " from no known device", refused && many(refused, "refusal")].filter(Boolean).join(", ");
  const none = query ? "No device matches “" + query + "”." : { offline: "Every device is there.", online: "No device is online.", faulty: "Everything was understood.", refused: "Nobody was turned away." }[show] || "There is none now.";
  main.append(el("p", { class: "none" }, none));
  return none;
}

const many = (n, what) => n + " " + what + (n === 1 ? "" : "s");

/** What no known device has said is shown where people look for what was misunderstood, and in an empty house. Returns how much is shown. */
function siftStrays(terms) {
  const asked = show === "faulty" || deserted();
  const notes = asked ? house.strays.filter((f) => terms.every((t) => (f.topic + " " + f.reason).toLowerCase().includes(t))) : [];
  const strays = byId("strays");
  strays.hidden = notes.length === 0;
  listFaults(strays.querySelector("ul"), notes);
  return notes.length;
}

/** The same for what the broker has refused: a device that is not there may not have been let in. */
function siftRefused(terms) {
  const section = byId("refused");
  if (!section) return 0; // the broker is elsewhere
  const asked = show === "refused" || deserted();
  const refusals = asked ? house.refusals.filter((r) => terms.every((t) => [r.reason, who(r), r.topic].join(" ").toLowerCase().includes(t))) : [];
  section.hidden = refusals.length === 0;
  listRefusals(section.querySelector("ul"), refusals);
  return refusals.length;
}

const deserted = () => house.loaded && house.views.size === 0;

for (const button of filters) {
  button.addEventListener("click", () => {
    show = button.dataset.show;
    for (const b of filters) b.setAttribute("aria-pressed", String(b === button));
    say(sift());
    if (beside[show]) house.refresh().catch(() => {}); // no event tells of it
  });
}

const search = byId("search");
let typing = 0;
search.addEventListener("input", () => {
  query = search.value.trim();
  const left = sift();
  clearTimeout(typing);
  typing = setTimeout(say, 700, left); // once a word is written
});
search.addEventListener("keydown", (e) => { if (e.key === "Escape") { search.value = query = ""; clearTimeout(typing); sift(); search.blur(); } });
addEventListener("keydown", (e) => {
  if (e.key === "/" && !e.ctrlKey && !e.metaKey && !e.altKey && !e.target.closest("input, select, textarea, dialog")) {
    e.preventDefault();
    search.focus();
  }
});

/* Commands. */

async function send(id, c, p, value) {
  try {
    const cmd = await house.send(id, c.id, p.id, value);
    const view = house.views.get(id);
    if (!cmd.done && view?.wakes && view.reach.presence === "asleep") {
      toast(nameOf(id) + " sleeps. It gets this when it wakes up.", "wait");
    } else if (cmd.status === "waiting" && !cmd.done && view && away(view)) { // every command waits for a moment
      const wait = view.reach.presence === "starting" ? " is not ready yet. It gets this when it is, until " : " is away. It gets this when it is back, until ";
      toast(nameOf(id) + wait + moment(cmd.deadline) + ".", "wait");
    }
  } catch (refusal) {
    toast(nameOf(id) + ": " + refusal.message, "bad");
  }
}

const nameOf = (id) => house.views.get(id)?.name || id;

/** Says what became of a command of this page's, loudly only when it is not what was wanted. */
function outcome(cmd) {
  const view = house.views.get(cmd.device);
  const c = view?.components.find((x) => x.id === cmd.component), p = c?.properties.find((x) => x.id === cmd.property);
  const what = p ? propertyName(view, c, p) : cmd.property;
  const name = nameOf(cmd.device), why = cmd.reason ? ": " + cmd.reason : "";
  switch (cmd.status) {
    case "confirmed":
      say(name + ": " + (p?.id === "on" ? "" : what + " ") + (p ? spell(p, cmd.value) : "") + ", confirmed"); // Lamp: Off, confirmed
      flash(cmd.device);
      break;
    case "sent":
      toast(name + ": " + what.toLowerCase() + " sent", "good");
      break;
    case "refused":
      toast(name + ": refused" + why, "bad");
      break;
    case "lapsed":
      toast(name + (cmd.sent_at ? ": not confirmed" : ": never sent") + why, "bad");
      break;
  }
}

function flash(id) {
  const node = cards.get(id)?.node;
  if (!node) return;
  node.classList.remove("confirmed");
  void node.offsetWidth; // starts the animation anew
  node.classList.add("confirmed");
}

/* The rest of the page. */

/* Wide screens have lanes, four columns each, with the rooms one under another; else the rooms take the whole width. */

let width = 0;

function lanes() {
  const columns = (px) => Math.max(2, 2 * Math.floor((px + GAP) / (COLUMN + GAP) / 2)); // even, since cards take two
  const heights = [...sections.values()].map((s) => s.height), sum = heights.reduce((a, b) => a + b, 0);
  let n = Math.max(1, Math.min(heights.length, Math.floor((width + AISLE) / (LANE * (COLUMN + GAP) - GAP + AISLE))));
  while (n > 1 && Math.max(...heights) > 1.4 * sum / n) n--; // a room that towers above the others would leave lanes empty
  main.classList.toggle("lanes", n > 1);
  main.style.setProperty("--lanes", n);
  main.style.setProperty("--cols", columns((width + AISLE) / n - AISLE));
}

new ResizeObserver(([entry]) => { width = entry.contentRect.width; lanes(); }).observe(main);

const live = byId("live");
const states = { live: "Live", reconnecting: "Reconnecting", paused: "Paused", connecting: "Connecting" };
const PATIENCE = 5000; // ms without the hub before the page says how old it is
let lost = null, patience = 0; // when the hub was lost

function connection(name) {
  clearTimeout(patience);
  live.dataset.state = name;
  lost = name === "reconnecting" ? lost || new Date() : null;
  const left = lost && PATIENCE - (new Date() - lost);
  text(live.querySelector("span"), lost && left <= 0 ? "No answer since " + moment(lost) : states[name]);
  if (name === "live") reach();
  if (lost && left > 0) patience = setTimeout(() => connection(name), left);
}

follow({
  state: connection,
  reset: () => house.load(),
  event: (name, data) => house.take(name, data),
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      toast("Copied " + button.dataset.copy, "good");
    } catch {
      getSelection().selectAllChildren(button); // without HTTPS, browsers leave copying to people
      toast("Press Ctrl+C to copy the address", "wait");
    }
  });
}

byId("sign-out")?.addEventListener("click", async () => {
  try {
    await ask("DELETE", "/session");
    location.assign("/login");
  } catch (refusal) {
    toast("Still signed in: " + refusal.message, "bad");
  }
});

/** Says that the hub has lost a broker that is elsewhere, of which no event tells. */
async function reach() {
  const note = byId("broker");
  if (!note) return;
  const { overview } = await ask("GET", "/status").catch(() => ({}));
  if (!overview) return; // then it is the hub that is not there
  note.hidden = overview.link_up;
  text(note, overview.link_up ? "" : "The hub does not reach its broker: " + (overview.link_note || "not connected yet") + ". What is shown is from before, and commands wait.");
}

setInterval(() => {
  if (!house.loaded || document.hidden) return;
  reach();
  draw(null); // "3 min ago" grows old by itself
  house.refresh().catch(() => {}); // the stream says when the hub is gone
}, 30_000);
