// The sheet: everything about one device, at the side of the page or, on a phone, over it.
import { ask } from "./api.js";
import { byId, el, svg, text } from "./dom.js";
import { ago, duration, moment, spell, words } from "./format.js";
import { icons } from "./icons.js";
import { compose, summary } from "./card.js";
import { listFaults } from "./faults.js";
import { generic } from "./controls.js";
import { can, componentName, controls, iconOf, key, kindOf, lead, machine, property, propertyName, seen, shape, telling } from "./model.js";
import { toast } from "./toast.js";

/** Makes the sheet of a house: {open(id), update(id)}. */
export function sheet(house, send) {
  const dialog = byId("sheet"), inside = el("div"), notes = byId("notes");
  dialog.append(inside);
  let current = null, binds = [], form = "", opener = null, moves = 0, reload = () => {};

  dialog.addEventListener("click", (e) => { if (e.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    if (dialog.open) return; // it was opened anew before the news of its closing came
    const last = current;
    current = null;
    binds = [];
    inside.replaceChildren();
    document.body.append(notes);
    if (!opener?.isConnected) opener = document.querySelector(`[data-id="${CSS.escape(last)}"] .name`) || byId("house"); // a card is made anew with its name
    opener.focus({ preventScroll: true });
  });

  function build(view) {
    binds = [];
    form = shape(view);
    const bind = (control) => { binds.push((v) => control.update(v)); return control.node; };
    const live = (f) => { const node = el("span"); binds.push((v) => text(node, f(v))); return node; };
    const tell = (c, p, value) => send(view.id, c, p, value);

    const leads = controls(view), m = machine(view);
    const { head, blocks } = compose(view, leads, tell);
    const shown = new Set();
    for (const c of leads) for (const p of c.properties) if (m ? ownMachine(m, c, p) : onCard(c, p)) shown.add(key(c, p));
    const rest = [], settings = [], values = [], health = [], order = telling(view).map(({ c, p }) => key(c, p));
    for (const c of view.components) for (const p of c.properties) {
      if (p.settable && !shown.has(key(c, p))) {
        const g = generic(view, c, p, tell);
        if (g) (c.category ? settings : rest).push(bind(g));
      }
      if (!p.readable || p.momentary || (p.settable && p.datatype !== "json") || seen(c, p)) continue; // a control shows its own value
      (order.includes(key(c, p)) ? values : health).push({ c, p });
    }
    values.sort((a, b) => order.indexOf(key(a.c, a.p)) - order.indexOf(key(b.c, b.p)));
    const names = [...values, ...health].map(({ c, p }) => propertyName(view, c, p));

    function line(v0, c, p) {
      const value = el("dd"), name = propertyName(v0, c, p), owner = componentName(v0, c);
      binds.push((v) => {
        const r = v.reported[key(c, p)];
        const overdue = v.expired?.includes(key(c, p));
        text(value, (r ? spell(p, r.value) : "–") + (overdue ? ", overdue" : ""));
        value.title = r ? "heard " + ago(r.heard) : "not reported yet";
      });
      return el("div", {}, el("dt", {}, name, names.indexOf(name) === names.lastIndexOf(name) ? null : el("small", {}, owner)), value);
    }

    const part = (title, ...inside) => (inside.flat().filter(Boolean).length ? el("section", {}, el("h3", {}, title), inside) : null);
    const list = (rows) => (rows.length ? el("dl", {}, rows) : null), lines = (all) => list(all.map(({ c, p }) => line(view, c, p)));
    const facts = [["Manufacturer", view.manufacturer], ["Model", view.model], ["Firmware", view.firmware], ["Speaks", (view.conventions?.length ? view.conventions : [view.convention]).map(convention).join(", ")],
      ["Reached through", view.via && (house.views.get(view.via)?.name || view.via)], ["Sleeps", view.wakes && "takes what it is told when it wakes up, at the latest after " + duration(view.wakes)], ["First seen", moment(view.joined)], ["Name in topics", view.id]]
      .filter(([, v]) => v).map(([k, v]) => el("div", {}, el("dt", {}, k), el("dd", {}, v)));
    facts.splice(-1, 0, el("div", {}, el("dt", {}, "Last heard"), el("dd", {}, live((v) => ago(v.last_seen)))));

    const faultList = el("ul", { class: "ledger" });
    const faults = el("section", { class: "faults", hidden: true }, el("h3", {}, "Not understood"), el("p", {}, live((v) =>
      v.faults === 1 ? "One message was not understood, so what it says may be missing here." :
        v.faults + " messages were not understood, so what they say may be missing here. The newest:")), faultList);
    binds.push((v) => {
      faults.hidden = !v.faults;
      listFaults(faultList, v.last_faults || []);
    });

    const disc = el("span", { class: "disc" });
    binds.push((v) => {
      const icon = iconOf(v);
      if (disc.dataset.icon !== icon) { disc.dataset.icon = icon; disc.replaceChildren(svg(icons[icon] || icons.other)); }
    });
    const presence = el("p", { class: "presence" }, el("i", { "aria-hidden": "true" }), live((v) => {
      const since = v.reach.since && !v.reach.since.startsWith("0001") ? " since " + moment(v.reach.since) : "";
      const there = v.reach.presence === "online";
      return words(v.reach.presence) + since + (v.reach.why && !there ? ": " + v.reach.why : "") + (there || !v.last_seen ? "" : ". Last heard " + ago(v.last_seen) + ".");
    }));
    binds.push((v) => { presence.dataset.presence = v.reach.presence; });

    const ledger = el("ol", { class: "ledger" });
    const commands = el("section", { hidden: true }, el("h3", {}, "Commands"), ledger);
    const about = lead(view);
    inside.replaceChildren(
      el("div", { class: "sheet-body card", "data-kind": kindOf(view) || "sensor" },
        el("div", { class: "sheet-head" }, disc, el("div", { class: "titles" }, el("h2", { id: "sheet-title", tabindex: "-1" }, live((v) => v.name)), el("p", { class: "state" }, live((v) => [v.room || "No room yet", about && summary(v, about).line].filter(Boolean).join(" · ")))),
          el("button", { type: "button", class: "quiet-icon", "aria-label": "Close", onclick: () => dialog.close() }, svg(icons.close))),
        presence,
        part("Controls", head ? el("div", { class: "row" }, el("span", { class: "row-name" }, "On or off"), bind(head)) : null, blocks.map(bind), rest),
        part("Readings", lines(values)),
        part("Settings", settings),
        commands,
        faults,
        part("Health", lines(health)),
        part("About", list(facts)),
        part("Name and room", editor(view)),
        forget(view)));
    reload = () => history(view.id, commands, ledger);
    moves = view.moves;
    reload();
  }

  /** The device's newest commands, and what became of them. */
  async function history(id, section, ledger) {
    let all;
    try {
      all = await ask("GET", "/devices/" + encodeURIComponent(id) + "/commands?limit=5");
    } catch {
      return; // the rest of the sheet is good without
    }
    const view = house.views.get(id);
    if (id !== current || !view) return;
    ledger.replaceChildren(...all.map((cmd) => el("li", { "data-status": cmd.status }, el("span", {}, wish(view, cmd)), el("small", {}, fate(cmd)))));
    section.hidden = all.length === 0;
  }

  function editor(view) {
    const rooms = [...new Set([...house.views.values()].map((v) => v.room).filter(Boolean))].sort();
    const name = el("input", { id: "edit-name", value: view.name, maxlength: 80, required: true, autocomplete: "off" });
    const room = el("input", { id: "edit-room", value: view.room || "", maxlength: 80, list: "rooms", autocomplete: "off", placeholder: "No room" });
    const f = el("form", { class: "edit" },
      el("label", { for: "edit-name" }, "Name"), name,
      el("label", { for: "edit-room" }, "Room"), room,
      el("datalist", { id: "rooms" }, rooms.map((r) => el("option", { value: r }))),
      el("button", { type: "submit", class: "soft" }, "Save"));
    f.addEventListener("submit", async (e) => {
      e.preventDefault();
      try {
        await ask("PATCH", "/devices/" + encodeURIComponent(view.id), { name: name.value.trim(), room: room.value.trim() });
        toast("Saved", "good");
      } catch (refusal) {
        toast("Not saved: " + refusal.message, "bad");
      }
    });
    return f;
  }

  function forget(view) {
    let armed = false, left = [];
    const asked = el("div", { class: "asked", hidden: true, tabindex: "-1", role: "group", "aria-label": "What forgetting it means" });
    const clear = el("input", { type: "checkbox", checked: true });
    const button = el("button", { type: "button", class: "soft" }, "Forget this device");
    const cancel = el("button", { type: "button", class: "quiet", hidden: true, onclick: () => { arm(false); button.focus(); } }, "Keep it");
    function arm(yes) {
      armed = yes;
      asked.hidden = cancel.hidden = !yes;
      button.textContent = yes ? "Forget it and its history" : "Forget this device";
      button.classList.toggle("danger", yes);
    }
    async function ready() {
      try {
        left = await ask("GET", "/devices/" + encodeURIComponent(view.id) + "/retained");
      } catch {
        left = []; // it can be forgotten all the same
      }
      asked.replaceChildren(el("p", {}, "Its name, its room, its history and the links with it go. It comes back as a new device when it announces itself again."));
      if (left.length) {
        asked.append(el("label", {}, clear, el("span", {}, "Clear what the broker keeps of it, too")),
          el("p", { class: "fine" }, "The broker hands these messages to everybody who asks, also when the device is long gone. While they are there, it comes back at the hub's next start."),
          el("ul", { class: "ledger left", tabindex: "0", "aria-label": "What the broker keeps of it" }, left.map((m) => el("li", {}, el("span", {}, m.topic), el("small", {}, m.sample)))));
      }
      arm(true);
      asked.focus({ preventScroll: true }); // the question is read out, and what it asks follows
      button.scrollIntoView({ block: "nearest" });
    }
    button.addEventListener("click", async () => {
      if (!armed) return ready();
      try {
        await ask("DELETE", "/devices/" + encodeURIComponent(view.id) + (left.length && clear.checked ? "?retained=clear" : ""));
        dialog.close();
        toast(view.name + " is forgotten. It comes back when it announces itself.", "good");
      } catch (refusal) {
        toast("Not forgotten: " + refusal.message, "bad");
      }
    });
    return el("div", { class: "forget" }, asked, el("div", { class: "forget-acts" }, cancel, button));
  }

  return {
    open(id) {
      const view = house.views.get(id);
      if (!view) return;
      opener = document.activeElement;
      current = id;
      build(view);
      binds.forEach((f) => f(view));
      dialog.append(notes); // behind an open dialog, notes would be neither seen nor heard
      dialog.showModal();
      dialog.scrollTop = 0;
      byId("sheet-title").focus({ preventScroll: true });
      house.refresh(id).catch(() => {}); // what it knew may be old; the sheet is good without
    },
    /** Shows what has changed of the device; called for every change. */
    update(id) {
      if (!current || (id && id !== current)) return;
      const view = house.views.get(current);
      if (!view) { dialog.close(); return; }
      if (shape(view) !== form) build(view);
      binds.forEach((f) => f(view));
      if (view.moves === moves) return;
      moves = view.moves;
      reload();
    },
  };
}

/** What a command asked for: Fan: turn on; Target → 21.5 °C. */
function wish(view, cmd) {
  const c = view.components.find((x) => x.id === cmd.component), p = property(c, cmd.property);
  if (!p) return cmd.component + "/" + cmd.property;
  const owner = view.components.filter((x) => !x.category && property(x, p.id)?.settable).length > 1 ? componentName(view, c) : "";
  const what = p.id === "on" ? (cmd.value ? "Turn on" : "Turn off") : (p.id === "state" && acts[cmd.value]) || propertyName(view, c, p) + (p.momentary ? "" : " → " + spell(p, cmd.value));
  return owner && owner !== what ? owner + ": " + what.charAt(0).toLowerCase() + what.slice(1) : what;
}

const acts = { open: "Open", closed: "Close", stopped: "Stop", locked: "Lock", unlocked: "Unlock" };

/** What became of a command, when and why, and whose it was. */
function fate(cmd) {
  const said = {
    waiting: "Waiting, until " + moment(cmd.deadline), confirmed: "Confirmed", refused: "Refused", superseded: "Replaced",
    sent: cmd.done ? "Sent; it does not report whether it did it" : cmd.reason ? "Sent, until " + moment(cmd.deadline) : "Sent, not confirmed yet", lapsed: cmd.sent_at ? "Not confirmed" : "Never sent",
  }[cmd.status] || cmd.status;
  const by = { dashboard: "", api: "by a program", mqtt: "by MQTT" }[cmd.origin] ?? cmd.origin.replace(/^api /, "by ").replace(/^mqtt /, "by MQTT from ").replace(/^link /, "follows ");
  const why = cmd.reason && cmd.status !== "confirmed" ? ": " + cmd.reason : "";
  return [said + why, ago(cmd.done || cmd.created), by].filter(Boolean).join(" · ");
}

const ownMachine = (m, c, p) => p.id === "on" || [m.programme, m.start, m.stop, m.running].some((x) => x?.c === c && x.p === p);

/** Whether a card's own controls already steer the property. */
function onCard(c, p) {
  switch (c.kind) {
    case "light": return ["on", "brightness", "color-temperature", "color"].includes(p.id);
    case "climate": return ["mode", "target-temperature", "target-temperature-low", "target-temperature-high"].includes(p.id) || (p.id === "on" && !can(c, "mode"));
    case "cover":
    case "valve": return ["state", "position", "tilt", "stop"].includes(p.id);
    case "lock": return ["state", "open"].includes(p.id);
    case "fan": return ["on", "speed"].includes(p.id);
    case "appliance": return p.id === "on";
  }
  return true;
}

const convention = (name) => ({
  homeassistant: "Home Assistant discovery", homie: "Homie", zigbee2mqtt: "Zigbee2MQTT", tasmota: "Tasmota", shelly: "Shelly", esphome: "ESPHome", wled: "WLED",
  valetudo: "Valetudo", openmqttgateway: "OpenMQTTGateway", rtl433: "rtl_433", zwavejs: "Z-Wave JS UI", frigate: "Frigate", owntracks: "OwnTracks",
})[name] || name;
