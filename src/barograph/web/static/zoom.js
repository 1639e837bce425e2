// The part of the run that all charts show, and how to change it without a mouse.

import { asked, note } from "./address.js";
import { make, say } from "./elements.js";
import { onKey } from "./keys.js";
import { place } from "./words.js";

export class Zoom {
  /** `changed` is called with each new window; null is the whole. */
  constructor(axis, changed) {
    this.axis = axis;
    this.changed = changed;
    this.span = null;
    this.written = new Map();
    this.whole = make("button", { type: "button", on: { click: () => this.set(null) } }, "Whole run");
    this.from = make("input", { type: "number", step: "any", "aria-label": `from ${axis}`, inputmode: "decimal" });
    this.to = make("input", { type: "number", step: "any", "aria-label": `to ${axis}`, inputmode: "decimal" });
    for (const field of [this.from, this.to]) field.addEventListener("change", () => this.fromFields());
    this.element = make("div", { class: "tools", role: "group", "aria-label": "What the charts show" },
      make("label", {}, `From ${axis} `, this.from), make("label", {}, "to ", this.to), this.whole,
      make("button", { type: "button", on: { click: () => this.by(0.5) }, "aria-label": "Zoom in" }, "+"),
      make("button", { type: "button", on: { click: () => this.by(2) }, "aria-label": "Zoom out" }, "−"));
    this.read();
    addEventListener("popstate", () => {
      const before = String(this.window);
      this.read();
      if (String(this.window) !== before) this.changed(this.window);
    });
    onKey("+", "zoom in", () => this.by(0.5));
    onKey("-", "zoom out", () => this.by(2));
    onKey("0", "show the whole run", () => this.set(null));
    onKey("[", "move to earlier steps", () => this.move(-0.5));
    onKey("]", "move to later steps", () => this.move(0.5));
  }

  /** As it stands in the address. */
  read() {
    const now = asked();
    const [from, to] = ["from", "to"].map((name) => parseFloat(now.get(name)));
    this.window = Number.isFinite(from) && Number.isFinite(to) && from < to ? [from, to] : null;
    this.tell();
  }

  /** What there is in all, which is known once the first chart is. */
  setSpan(span) {
    this.span = span;
    this.tell();
  }

  set(window) {
    const inside = window === null ? null : this.within(window);
    if (String(inside) === String(this.window)) {
      this.tell();
      return;
    }
    this.window = inside;
    note({ from: inside && rounded(inside[0]), to: inside && rounded(inside[1]) }, { push: true });
    this.tell();
    say(inside === null ? "The whole run" : `${this.axis} ${place(rounded(inside[0]))} to ${place(rounded(inside[1]))}`);
    this.changed(this.window);
  }

  within([from, to]) {
    if (this.span === null) return [from, to];
    const [first, last] = this.span;
    const whole = this.axis === "step" ? Math.round : (value) => value;
    const [begin, end] = [Math.max(first, whole(from)), Math.min(last, whole(to))];
    if (begin <= first && end >= last) return null;
    return begin < end ? [begin, end] : this.window;
  }

  by(times) {
    const now = this.window ?? this.span;
    if (now === null) return;
    const [middle, half] = [(now[0] + now[1]) / 2, (now[1] - now[0]) / 2];
    this.set([middle - half * times, middle + half * times]);
  }

  move(by) {
    if (this.window === null || this.span === null) return;
    const width = this.window[1] - this.window[0];
    const begin = Math.min(Math.max(this.window[0] + by * width, this.span[0]), this.span[1] - width);
    this.set([begin, begin + width]);
  }

  fromFields() {
    for (const field of [this.from, this.to]) this.written.set(field, field.value);  // It is taken, or put right.
    const [from, to] = [parseFloat(this.from.value), parseFloat(this.to.value)];
    if (from < to) {
      this.set([from, to]);
      return;
    }
    this.tell();
    say("The first number must be smaller than the second");
  }

  write(field, value) {
    field.value = rounded(value);
    this.written.set(field, field.value);
  }

  tell() {
    const now = this.window ?? this.span;
    if (now !== null) {
      for (const [field, value] of [[this.from, now[0]], [this.to, now[1]]]) {
        // Where somebody is writing, a run that grows does not.
        if (document.activeElement !== field || field.value === this.written.get(field)) this.write(field, value);
      }
    }
    this.whole.disabled = this.window === null;
  }
}

function rounded(value) {
  return Math.round(value * 1e4) / 1e4;
}
