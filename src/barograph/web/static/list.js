// The runs of a folder: each with its verdict and how it stands.

import { ask, asked, link, note } from "./address.js";
import { make, put, say } from "./elements.js";
import { onKey, walk } from "./keys.js";
import { atMost, follow } from "./live.js";
import { ago, count, place } from "./words.js";

const MOST_COMPARED = 50;
const WORST_FIRST = ["unhealthy", "watch", "unjudged", "healthy", undefined];
const COLUMNS = [
  { name: "run", title: "Run", of: (run) => run.key },
  { name: "verdict", title: "Verdict", of: (run) => WORST_FIRST.indexOf(run.verdict) },
  { name: "says", title: "What is wrong", of: (run) => run.says },
  { name: "state", title: "State", of: (run) => run.state },
  { name: "method", title: "Method", of: (run) => run.method ?? "" },
  { name: "step", title: "Steps", of: (run) => -(run.last_step ?? -1) },
  { name: "changed", title: "Last row", of: (run) => -(run.changed ?? 0) },
];
const WORDS = { unhealthy: "unhealthy", watch: "worth a look", healthy: "healthy", unjudged: "too little to judge" };

export class List {
  constructor(main) {
    const now = asked();
    const sort = now.get("sort") ?? "";
    this.isReversed = sort.startsWith("-");
    this.sort = COLUMNS.find((column) => column.name === sort.replace("-", "")) ?? COLUMNS.at(-1);
    this.chosen = new Set(now.getAll("run"));
    this.rows = new Map();
    this.runs = [];
    this.headline = make("h1", {}, "Looking for runs");
    this.summary = make("p", { class: "quiet" });
    this.trouble = make("p", { class: "trouble", role: "alert", hidden: true });
    this.filter = make("input", {
      type: "search", id: "filter", placeholder: "name, verdict, method", value: now.get("q") ?? "",
      on: {
        input: () => { note({ q: this.filter.value }); this.arrange(); },
        keydown: (event) => event.key === "Enter" && walk("table.runs a", 0),
      },
    });
    this.compare = make("button", { type: "button", on: { click: () => this.openCompared() } });
    this.heads = new Map(COLUMNS.map((column) => [column, make("th", { scope: "col" },
      make("button", { type: "button", class: "plain", on: { click: () => this.sortBy(column) } }, column.title))]));
    this.body = make("tbody", {});
    put(main, [
      make("header", {}, this.headline, this.summary), this.trouble,
      make("div", { class: "tools" }, make("label", { for: "filter" }, "Filter "), this.filter, this.compare),
      make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Runs" },
        make("table", { class: "runs" }, make("thead", {}, make("tr", {},
          make("th", { scope: "col" }, make("span", { class: "unseen" }, "Compare")), ...this.heads.values())), this.body)),
    ]);
    onKey("/", "filter the runs", () => this.filter.focus());
    onKey("j", "next run", () => walk("table.runs a", 1));
    onKey("k", "previous run", () => walk("table.runs a", -1));
    onKey("x", "choose the run in focus", () => this.chooseFocused());
    onKey("c", "compare those that are chosen", () => this.openCompared());
    this.tellChosen();
    const refresh = atMost(250, () => this.fetch());
    refresh();
    follow({ list: 1 }, refresh);
    setInterval(() => this.arrange(), 30_000);  // Times go on.
  }

  async fetch() {
    try {
      const answer = await ask("/api/runs");
      this.runs = answer.runs;
      this.root = answer.root;
      this.tellTrouble(answer.trouble);
      this.arrange();
    } catch (error) {
      this.tellTrouble(error.message);
    }
  }

  tellTrouble(text) {
    this.trouble.hidden = !text;
    if (this.trouble.textContent !== text) this.trouble.textContent = text;
  }

  /** Bring the rows into order; a row that says the same stays the element it is. */
  arrange() {
    const wanted = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (run) => [run.key, run.verdict, WORDS[run.verdict], run.method, run.state, run.says].join(" ").toLowerCase();
    const shown = this.runs.filter((run) => wanted.every((word) => text(run).includes(word)))
      .sort((one, other) => compared(this.sort.of(one), this.sort.of(other)) * (this.isReversed ? -1 : 1)
        || compared(one.key, other.key));
    const rows = shown.map((run) => this.rowOf(run));
    const focused = document.activeElement;
    rows.forEach((row, index) => {
      if (this.body.children[index] !== row) this.body.insertBefore(row, this.body.children[index] ?? null);
    });
    while (this.body.children.length > rows.length) this.body.lastChild.remove();
    if (this.body.contains(focused)) focused.focus({ preventScroll: true });  // A row that is moved loses it.
    for (const [column, head] of this.heads) {
      if (column === this.sort) head.setAttribute("aria-sort", this.isReversed ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    this.tell(shown.length);
  }

  rowOf(run) {
    const told = JSON.stringify([run, run.changed && ago(run.changed)]);
    const known = this.rows.get(run.key);
    if (known?.told === told) return known.row;
    const box = make("input", {
      type: "checkbox", "aria-label": `Compare ${run.key}`, on: { change: () => this.choose(run.key, box.checked) },
    });
    box.checked = this.chosen.has(run.key);
    const cells = [
      make("td", {}, box),
      make("th", { scope: "row" }, make("a", { href: link("/run", { run: run.key }) }, run.key)),
      make("td", { class: run.verdict ?? "quiet" }, run.trouble ? "unreadable" : WORDS[run.verdict] ?? "not read yet"),
      make("td", { class: "says" }, run.says),
      make("td", {}, run.state),
      make("td", {}, run.method ?? ""),
      make("td", { class: "number step" }, run.last_step === undefined ? "" : place(run.last_step)),
      make("td", {}, run.changed ? ago(run.changed) : ""),
    ];
    const row = known?.row ?? make("tr", {});
    const hadFocus = row.contains(document.activeElement) && document.activeElement.tagName;
    row.replaceChildren(...cells);
    if (hadFocus) row.querySelector(hadFocus.toLowerCase())?.focus({ preventScroll: true });
    this.rows.set(run.key, { told, row });
    return row;
  }

  tell(shown) {
    const many = (verdict) => this.runs.filter((run) => run.verdict === verdict).length;
    const sick = many("unhealthy");
    const unread = this.runs.filter((run) => run.verdict === undefined && !run.trouble).length;
    const unreadable = this.runs.filter((run) => run.trouble).length;
    const parts = ["unhealthy", "watch", "healthy", "unjudged"].filter(many).map((one) => `${many(one)} ${WORDS[one]}`);
    if (unreadable > 0) parts.push(`${unreadable} unreadable`);
    const left = shown < this.runs.length ? `; ${shown} shown` : "";
    const more = unread > 0 ? `; ${unread} being read` : "";
    const text = this.runs.length === 0 ? "No run yet" : `${count(this.runs.length, "run")}: ${parts.join(", ") || "reading"}`;
    if (this.headline.textContent !== text) this.headline.textContent = text;
    this.headline.className = sick > 0 ? "unhealthy" : many("watch") > 0 ? "watch" : "";
    const summary = `in ${this.root}${left}${more}`;
    if (this.summary.textContent !== summary) this.summary.textContent = summary;
    document.title = `${text} - barograph`;
  }

  sortBy(column) {
    this.isReversed = column === this.sort && !this.isReversed;
    this.sort = column;
    note({ sort: (this.isReversed ? "-" : "") + column.name });
    this.arrange();
    say(`Sorted by ${column.title}${this.isReversed ? ", the other way round" : ""}`);
  }

  choose(key, isChosen) {
    if (isChosen) this.chosen.add(key);
    else this.chosen.delete(key);
    note({ run: [...this.chosen] });
    this.tellChosen();
  }

  chooseFocused() {
    document.activeElement?.closest("tr")?.querySelector("input[type=checkbox]")?.click();
  }

  tellChosen() {
    const many = this.chosen.size;
    this.compare.textContent = many < 2 ? "Compare: choose two or more"
      : many > MOST_COMPARED ? `Compare: ${MOST_COMPARED} at most` : `Compare ${many} runs`;
    this.compare.disabled = many < 2 || many > MOST_COMPARED;
  }

  openCompared() {
    if (!this.compare.disabled) location.assign(link("/compare", { run: [...this.chosen] }));
  }
}

function compared(one, other) {
  return one < other ? -1 : one > other ? 1 : 0;
}
