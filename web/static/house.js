// What the page knows of the house: the views of all devices, kept up to date by the events, and the commands that this
// page has sent. It draws nothing; whoever draws is told which devices have changed.
import { ask, loadDevices } from "./api.js";

const DAY = 24 * 60 * 60 * 1000;

export class House {
  /** @param changed is called with the ids of the devices that changed, null for all; @param ended with a command of this page's that has ended. */
  constructor(changed, ended) {
    this.views = new Map();
    this.strays = []; // what was not understood of no known device, newest first
    this.refusals = []; // what the broker has refused to its clients in the last day, newest first
    this.loaded = false;
    this.changed = changed;
    this.ended = ended;
    this.sent = new Set(); // ids of this page's commands that have not ended
    this.done = new Map(); // the newest commands that ended, since the answer to a POST may come after the event
  }

  /** Loads everything anew, and returns the event id from which to go on. */
  async load() {
    const { devices, last } = await loadDevices();
    const old = this.views;
    this.views = new Map();
    for (const view of devices) this.views.set(view.id, this.adopt(view, old.get(view.id)));
    this.loaded = true;
    this.changed(null);
    this.look().catch(() => {}); // the house is good without
    return last;
  }

  adopt(view, old) {
    view.reported ||= {};
    view.pending = (view.pending || []).filter((c) => !this.done.has(c.id));
    view.wishes = old?.wishes || new Map();
    view.moves = old?.moves || 0; // how often its commands have moved
    return view;
  }

  /** Asks anew for what no event tells of: what was not understood, and what is overdue. Of one device, or of all. */
  async refresh(id) {
    const fresh = id ? [await ask("GET", "/devices/" + encodeURIComponent(id))] : await ask("GET", "/devices");
    for (const { id, faults, last_faults, expired } of fresh) {
      const view = this.views.get(id);
      if (view) Object.assign(view, { faults, last_faults, expired });
    }
    this.changed(id ? [id] : null);
    if (!id) await this.look();
  }

  /** Asks anew for what was not understood of no known device, and for what was refused. */
  async look() {
    const [faults, refusals] = await Promise.all([ask("GET", "/faults"), ask("GET", "/refusals")]);
    this.strays = faults.filter((f) => !f.device);
    this.refusals = refusals.filter((r) => Date.now() - new Date(r.last) < DAY);
    this.changed([]);
  }

  /** Takes one event of the stream. */
  take(name, e) {
    const view = this.views.get(e.device);
    switch (name) {
      case "joined":
      case "changed":
        this.views.set(e.device, this.adopt({ reach: { presence: "unknown", since: e.at }, joined: e.at, ...view, ...e.description }, view));
        break;
      case "left":
        this.views.delete(e.device);
        break;
      case "reported":
        if (!view) return;
        view.last_seen = e.heard;
        view.reported[e.component + "/" + e.property] = { value: e.value, heard: e.heard };
        break;
      case "presence":
        if (!view) return;
        view.reach = { presence: e.presence, since: e.since, why: e.why };
        break;
      case "command":
        this.moved(e.command, view);
        if (!view) return;
        break;
      default:
        return;
    }
    this.changed([e.device]);
  }

  moved(cmd, view) {
    const over = !!cmd.done;
    if (view) {
      view.moves++;
      const at = view.pending.findIndex((c) => c.id === cmd.id);
      if (over && at >= 0) view.pending.splice(at, 1);
      else if (!over && at >= 0) view.pending[at] = cmd;
      else if (!over && !this.done.has(cmd.id)) view.pending.push(cmd);
    }
    if (!over) return;
    this.done.set(cmd.id, cmd);
    if (this.done.size > 200) this.done.delete(this.done.keys().next().value);
    if (this.sent.delete(cmd.id)) this.ended(cmd);
  }

  /** Asks for a value. The wish is shown at once, as a wish. Throws a Refusal. Returns the command. */
  async send(id, component, property, value) {
    const view = this.views.get(id);
    const k = component + "/" + property;
    view.wishes.set(k, value);
    this.changed([id]);
    try {
      const cmd = await ask("POST", "/devices/" + encodeURIComponent(id) + "/commands", { component, property, value });
      const over = this.done.get(cmd.id) || (cmd.done ? cmd : null);
      if (over) this.ended(over);
      else {
        this.sent.add(cmd.id);
        this.moved(cmd, this.views.get(id));
      }
      return cmd;
    } finally {
      if (view.wishes.get(k) === value) view.wishes.delete(k);
      this.changed([id]);
    }
  }
}
