// What the hub could not understand, and what its broker did not let clients do, as people read it.
import { el } from "./dom.js";
import { ago, sentence } from "./format.js";

/** Shows what was not understood in a list. */
export function listFaults(list, notes) {
  show(list, notes.map((f) => [sentence(f.reason), [often(f.count, f.at), f.topic && "on the topic " + f.topic].filter(Boolean).join(", "), f.sample]));
}

/** Shows what was refused in a list. */
export function listRefusals(list, refusals) {
  show(list, refusals.map((r) => [sentence(r.reason), [who(r), r.topic && "to the topic " + r.topic, often(r.count, r.last)].filter(Boolean).join(", ")]));
}

/** Whom the broker has refused something, in words; one that it did not let in may not have said its name. */
export function who(r) {
  const name = r.others ? "several" : r.client;
  return [name ? name + " at " + r.address : r.address, r.user && "as " + r.user].filter(Boolean).join(" ");
}

const often = (count, last) => (count > 1 ? count + " times, last " : "") + ago(last);

/** Changes a list only where that changes something, so that selections are left alone. */
function show(list, lines) {
  const shown = JSON.stringify(lines);
  if (list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  list.replaceChildren(...lines.map(([reason, when, sample]) => el("li", {}, el("span", {}, reason), el("small", {}, when), sample ? el("code", { class: "sample" }, sample) : null)));
}
