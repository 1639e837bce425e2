// Every key that does something, in one list: what is pressed and what the help says come from the same place.

import { make } from "./elements.js";

const known = [];
let dialog = null;

/** Teach the page a key. It is not heard where somebody writes. */
export function onKey(key, says, act) {
  known.push({ key, says, act });
}

export function listen() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isWriting = event.target.closest("input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape" && isWriting) {
      event.preventDefault();  // Some browsers would empty the field.
      event.target.blur();
      return;
    }
    if (isWriting || dialog?.open) return;
    const found = known.find((one) => one.key === event.key);
    if (found === undefined) return;
    event.preventDefault();
    found.act();
  });
  onKey("?", "this help", showHelp);
  document.getElementById("help").addEventListener("click", showHelp);
}

function showHelp() {
  dialog?.remove();
  const close = make("button", { type: "button", on: { click: () => dialog.close() } }, "Close");
  dialog = make("dialog", { "aria-labelledby": "help-title" },
    make("h2", { id: "help-title" }, "Keys"),
    make("dl", { class: "keys" }, known.map((one) => [
      make("dt", {}, make("kbd", {}, one.key === " " ? "Space" : one.key)), make("dd", {}, one.says),
    ])),
    make("p", { class: "quiet" }, "On a chart: the arrow keys read its values, + and - zoom, 0 shows all. "
      + "Esc leaves a field."),
    close);
  document.body.append(dialog);
  dialog.showModal();
}

/** Move through elements of a kind, one after another. */
export function walk(selector, by) {
  const all = [...document.querySelectorAll(selector)];
  if (all.length === 0) return;
  const here = all.findIndex((one) => one.contains(document.activeElement));
  const next = all[Math.min(all.length - 1, Math.max(0, here === -1 ? 0 : here + by))];
  next.focus({ preventScroll: true });
  (next.closest("figure") ?? next).scrollIntoView({ block: "nearest" });  // What is read stands below the chart.
}
