// What the model said, step by step, with a filter.

import { ask, asked, note } from "./address.js";
import { heads, make, put, renew, table } from "./elements.js";
import { number, place } from "./words.js";

/** Milliseconds without a letter after which a filter is meant. */
const PAUSE = 250;
/** Longer texts are cut, and can be unfolded. */
const LONG = 240;

export class Samples {
  constructor(key) {
    const now = asked();
    this.key = key;
    this.first = Number.parseInt(now.get("first") ?? "0", 10) || 0;
    this.element = make("section", {});
    this.step = make("select", { on: { change: () => this.change() } });
    this.text = make("input", { type: "search", value: now.get("text") ?? "", on: { input: () => this.change() } });
    this.chosen = now.get("step") ?? "";
    this.rows = make("div", {});
    this.pages = make("p", { class: "tools" });
    this.isThere = false;
    this.asking = 0;
  }

  /** Each letter of a filter would be a search of its own: the last one is waited for. */
  change() {
    this.first = 0;
    this.chosen = this.step.value;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.refresh(), PAUSE);
  }

  turn(by) {
    this.first = Math.max(0, this.first + by);
    this.refresh();
  }

  async refresh() {
    const asking = ++this.asking;
    let answer;
    try {
      answer = await ask("/api/samples",
        { run: this.key, step: this.chosen, text: this.text.value, first: this.first || null });
    } catch {
      return;  // The run itself has said what the trouble is.
    }
    if (asking !== this.asking) return;
    // Listing takes long, and this is an older state: ask once more when there may be another.
    clearTimeout(this.asksAgain);
    if (answer.again) this.asksAgain = setTimeout(() => this.refresh(), 1000 * answer.again);
    if (answer.steps.length === 0) return;
    if (this.isThere) note({ step: this.chosen, text: this.text.value, first: this.first || null });
    else this.build();
    this.tell(answer);
  }

  build() {
    this.isThere = true;
    put(this.element, [
      make("h2", {}, "What the model said"),
      make("div", { class: "tools" }, make("label", {}, "Step ", this.step), make("label", {}, "Filter ", this.text)),
      this.rows, this.pages,
    ]);
  }

  tell(answer) {
    renew(this.step, answer.steps, () => [
      make("option", { value: "" }, "the latest"), make("option", { value: "all" }, "all"),
      answer.steps.map((step) => make("option", { value: step }, place(step))),
    ]);
    this.step.value = this.chosen;
    renew(this.rows, [answer.rows, answer.notes], () => [
      answer.rows.length === 0 ? make("p", {}, "Nothing matches.") : table("What the model said",
        heads(...answer.columns), answer.rows.map((row) => make("tr", {},
          answer.columns.map((name) => make("td", { class: "answer" }, cell(row[name])))))),
      answer.notes.map((one) => make("p", { class: "quiet" }, one)),
    ]);
    const last = Math.min(answer.total, this.first + answer.page);
    renew(this.pages, [this.first, answer.total], () => [
      make("span", {}, answer.total === 0 ? "" : `${place(this.first + 1)} to ${place(last)} of ${place(answer.total)}`),
      make("button", { type: "button", disabled: this.first === 0, on: { click: () => this.turn(-answer.page) } }, "Earlier"),
      make("button", { type: "button", disabled: last >= answer.total, on: { click: () => this.turn(answer.page) } }, "Later"),
    ]);
  }
}

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : number(value);
  const text = String(value);
  if (text.length <= LONG) return text;
  return make("details", {}, make("summary", {}, `${text.slice(0, LONG)}…`), text);
}
