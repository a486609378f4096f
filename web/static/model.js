// Questions that the page asks about a device's view (a hub.View as the API spells it).
import { words } from "./format.js";

/** Kinds with which people steer, in the order in which a device's card leads with them. */
const rank = ["fan", "light", "climate", "water_heater", "cover", "valve", "lock", "alarm_control_panel", "humidifier", "vacuum", "lawn_mower", "appliance", "siren", "switch", "scene", "number", "select", "text", "button", "other"];
const order = (kind) => (rank.indexOf(kind) + rank.length + 1) % (rank.length + 1); // what is not listed comes last

export const key = (c, p) => c.id + "/" + p.id;
export const daily = (c) => !c.category && !c.hidden && c.kind !== "update";
export const property = (c, id) => c?.properties.find((p) => p.id === id);
export const can = (c, id) => !!property(c, id)?.settable;

/** The last reported value, undefined when there is none. */
export const reported = (view, c, id) => (c ? view.reported[c.id + "/" + id]?.value : undefined);

/** The value that is wanted and not yet reported: of a command that is under way, or where the device says it is going. */
export function wanted(view, c, id) {
  const k = c.id + "/" + id;
  if (view.wishes?.has(k)) return view.wishes.get(k);
  for (let i = (view.pending || []).length - 1; i >= 0; i--) {
    const cmd = view.pending[i];
    if (cmd.component === c.id && cmd.property === id) return cmd.value;
  }
  const target = view.targets?.[k];
  return target !== undefined && !same(target, view.reported[k]?.value) ? target : undefined;
}

export const same = (a, b) => a === b || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));

/** Components that people steer daily, the leading one first. */
export function controls(view) {
  return view.components
    .filter((c) => daily(c) && ((c.kind !== "sensor" && c.kind !== "binary_sensor" && c.properties.some((p) => p.settable)) || c.kind === "appliance"))
    .sort((a, b) => order(a.kind) - order(b.kind));
}

/** The properties worth a look, as {c, p}, in the order in which the hub names them: the most telling first. */
export function telling(view) {
  return (view.telling || []).map((ref) => {
    const at = ref.indexOf("/"), c = view.components.find((x) => x.id === ref.slice(0, at));
    return { c, p: property(c, ref.slice(at + 1)) };
  }).filter(({ p }) => p);
}

/** What a thermostat's own controls show. */
export const seen = (c, p) => c.kind === "climate" && ["current-temperature", "current-humidity"].includes(p.id);

const measuring = ["sensor", "binary_sensor", "event", "other", "appliance", "device_tracker"];

/** The readings that people look at daily, as {c, p}, the most telling first: what a card's controls do not show. */
export function readings(view) {
  const m = machine(view);
  return telling(view).filter(({ c, p }) => {
    if (p.settable || seen(c, p)) return false;
    if (!measuring.includes(c.kind)) return !!p.unit && !!p.class; // the power of a plug, not the state of a cover
    return !m || (typeof p.unit === "string" && ![m.left?.p, m.progress?.p].includes(p)); // its own line tells these
  });
}

/**
 * The parts of a machine that runs a programme, such as a washing machine, wherever its convention has put them: phase, left,
 * progress, running, programme, start and stop, each as {c, p} or missing. Null when the device is no such machine.
 */
export function machine(view) {
  const all = view.components.filter(daily).flatMap((c) => c.properties.map((p) => ({ c, p, id: c.id + "/" + p.id })));
  const find = (name, test) => all.find(({ p, id }) => name.test(id) && test(p));
  const read = (p) => p.readable && !p.settable, count = (p) => read(p) && (p.datatype === "int" || p.datatype === "float");
  const found = {
    phase: find(/phase|stage|status|state/, (p) => read(p) && p.datatype === "enum"),
    left: find(/remain|time-left/, count),
    progress: find(/progress|complet/, count),
    running: find(/running/, (p) => p.readable && p.datatype === "bool" && !p.momentary),
    programme: find(/program/, (p) => p.settable && p.datatype === "enum"),
    start: find(/start/, (p) => p.settable && p.momentary),
    stop: find(/stop|cancel/, (p) => p.settable && p.momentary),
  };
  const alike = found.phase && found.left && (found.programme || found.start || found.running);
  return view.components.some((c) => c.kind === "appliance") || (alike && controls(view).length) ? found : null;
}

/** What kind of thing the device is for people; undefined when readings are the most of it. */
export const kindOf = (view) => (machine(view) ? "appliance" : lead(view)?.kind);

/** The component that a device is about; undefined when that is a reading: a sensor with a display is a sensor. */
export function lead(view) {
  const first = controls(view)[0];
  return first && !machine(view) && minor.includes(first.kind) && readings(view).length ? undefined : first;
}

const minor = ["number", "select", "text", "button", "scene"];

/** The battery as {p, value}, when the device has one. */
export function battery(view) {
  for (const c of view.components) for (const p of c.properties) {
    if ((p.class || p.id) === "battery") {
      const value = view.reported[key(c, p)]?.value;
      if (value !== undefined) return { p, value, low: value === true || (typeof value === "number" && value <= 15) };
    }
  }
  return null;
}

/** What a device is called beside others of its room: its name without the room's. */
export function called(view) {
  const name = view.name.trim(), room = (view.room || "").trim(), low = name.toLowerCase();
  if (!room || name.length <= room.length) return name;
  const at = room.toLowerCase();
  const rest = low.startsWith(at) ? name.slice(room.length).match(/^[\s:,\u2013-]+(.+)$/) : low.endsWith(at) ? name.slice(0, -room.length).match(/^(.+?)[\s:,\u2013-]+$/) : null;
  return rest ? upper(rest[1]) : name;
}

/** The component's own name, when it says more than the device's. */
export function componentName(view, c) {
  const name = (c.name || words(c.id)).trim();
  const device = view.name.trim();
  if (name.toLowerCase().startsWith(device.toLowerCase() + " ")) return upper(name.slice(device.length + 1));
  return name;
}

/** What a property is called beside others of its device. */
export function propertyName(view, c, p) {
  const generic = ["value", "option", "press", "state", "text", "event"].includes(p.id);
  if (p.name) {
    const whole = words(p.class || "");
    return whole.toLowerCase().endsWith(" " + p.name.toLowerCase()) ? whole : /^\p{L}+$/u.test(p.name) ? words(p.name) : p.name; // Factor is the power factor
  }
  if (generic && c.properties.filter((q) => q.readable || q.settable).length === 1) return componentName(view, c);
  if (c.properties.length === 1 && c.name) return componentName(view, c);
  return names[p.id] || words(p.id);
}

const names = { on: "On/off", "color-temperature": "Warmth", color: "Color", "target-temperature": "Target", "target-temperature-low": "Target, low",
  "target-temperature-high": "Target, high", "current-temperature": "Temperature", "current-humidity": "Humidity", action: "Doing" };

const upper = (s) => s.charAt(0).toUpperCase() + s.slice(1);

export const away = (view) => ["offline", "asleep", "starting"].includes(view.reach.presence);

/** The icon's name for a device. */
export function iconOf(view) {
  const kind = kindOf(view);
  if (kind === "lock") {
    const state = reported(view, lead(view), "state");
    return state === "unlocked" || state === "unlocking" ? "unlock" : "lock";
  }
  if (kind === "switch") return plugged.find(([name]) => name.test(view.name))?.[1] || kind;
  if (kind) return kindIcons[kind] || kind;
  if (view.components.some((c) => c.kind === "device_tracker")) return "occupancy";
  const first = readings(view)[0];
  if (!first) return view.components.some((c) => c.kind === "event") ? "event" : view.components.length ? "other" : "gateway";
  return iconOfReading(first.p);
}

/** Kinds that have the icon of something like them. */
const kindIcons = { water_heater: "climate", valve: "leak", alarm_control_panel: "lock", humidifier: "humidity", vacuum: "appliance", lawn_mower: "appliance", siren: "event", scene: "light" };

/** What a plug's name says of the thing that is plugged in. */
const plugged = [[/\b(lights?|lamps?)\b/i, "light"], [/\b(fridge|refrigerator|freezer)\b/i, "fridge"], [/\b(tv|television|telly)\b/i, "tv"], [/\bfan\b/i, "fan"]];

const readingIcons = { carbon_dioxide: "air", pm25: "air", pm10: "air", volatile_organic_compounds: "air", aqi: "air", opening: "door", garage_door: "door",
  moisture: "leak", presence: "occupancy", energy: "power", current: "power", voltage: "power", gas: "smoke", carbon_monoxide: "smoke", event: "event" };
const known = new Set(["temperature", "humidity", "motion", "door", "window", "smoke", "power", "illuminance", "battery", "occupancy", "event"]);

export function iconOfReading(p) {
  const c = p.class || p.id;
  return known.has(c) ? c : readingIcons[c] || "number";
}

/** Changes whenever a card must be built anew and not only updated. */
export const shape = (view) => JSON.stringify(view.components.map((c) => [c.id, c.kind, c.category, c.hidden, c.name, c.properties.map((p) => [p.id, p.name, p.datatype, p.unit, p.class, p.min, p.max, p.step, p.choices, p.wanted, p.settable, p.readable])]));
