// What the hub could not understand, as people read it.
import { el } from "./dom.js";
import { ago, sentence } from "./format.js";

/** Shows notes in a list, only when that changes something, so that selections are left alone. */
export function listFaults(list, notes) {
  const lines = notes.map((f) => [sentence(f.reason), [(f.count > 1 ? f.count + " times, last " : "") + ago(f.at), f.topic && "on the topic " + f.topic].filter(Boolean).join(", "), f.sample]);
  const shown = JSON.stringify(lines);
  if (list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  list.replaceChildren(...lines.map(([reason, when, sample]) => el("li", {}, el("span", {}, reason), el("small", {}, when), sample ? el("code", { class: "sample" }, sample) : null)));
}
