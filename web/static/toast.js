// Quiet notes at the edge of the page, which go by themselves.
import { byId, el, svg } from "./dom.js";
import { icons } from "./icons.js";

const SHOWN = 7000; // ms

/** Shows a note. Kind is good, wait or bad. The note is also read out. */
export function toast(message, kind = "good") {
  const box = byId("toasts");
  const note = el("div", { class: "toast " + kind },
    svg({ bad: icons.warning, wait: icons.wait, good: icons.check }[kind]),
    el("p", {}, message),
    el("button", { type: "button", class: "quiet-icon", "aria-label": "Close this note", onclick: () => note.remove() }, svg(icons.close)));
  while (box.childElementCount >= 4) box.firstElementChild.remove();
  box.append(note);
  say(message);
  let timer = setTimeout(() => note.remove(), SHOWN);
  for (const held of ["pointerenter", "focusin"]) note.addEventListener(held, () => clearTimeout(timer));
  for (const left of ["pointerleave", "focusout"]) note.addEventListener(left, () => { clearTimeout(timer); timer = setTimeout(() => note.remove(), 2500); });
}

/** Reads a message out to those who listen to the page. */
export function say(message) {
  const spoken = byId("spoken");
  spoken.textContent = "";
  requestAnimationFrame(() => { spoken.textContent = message; });
}
