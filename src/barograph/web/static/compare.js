// Several runs side by side: which is to be preferred and why, what sets them apart, and their curves.

import { ask, asked, changed, link, note } from "./address.js";
import { heads, make, put, renew, table } from "./elements.js";
import { Grid } from "./grid.js";
import { onKey } from "./keys.js";
import { atMost, follow } from "./live.js";
import { sample } from "./paint.js";
import { capital, number, place } from "./words.js";

const ALONG = ["step", "epoch", "samples", "tokens"];
const EVERY = 1000;

export class CompareView {
  constructor(main) {
    const now = asked();
    this.keys = now.getAll("run");
    this.by = ALONG.includes(now.get("by")) ? now.get("by") : "step";
    this.names = [];
    this.head = make("header", {}, make("h1", {}, `${this.keys.length} runs compared`));
    this.trouble = make("p", { class: "trouble", role: "alert", hidden: true });
    this.runs = make("div", {});
    this.ends = make("div", {});
    this.key = make("ul", { class: "key" });
    this.grid = new Grid(this.by, (names, window, places) => ask("/api/compared",
      { ...this.query(), chart: names, from: window?.[0], to: window?.[1], places: this.fewer(places) }),
      (line) => Math.max(0, this.names.indexOf(line.title)));
    this.along = make("select", { on: { change: () => this.change({ by: this.along.value, from: null, to: null }) } },
      ALONG.map((one) => make("option", { value: one, selected: one === this.by }, one)));
    this.nats = make("input", { type: "checkbox", on: { change: () => this.change({ nats: this.nats.checked }) } });
    this.nats.checked = now.has("nats");
    this.at = make("input", { type: "number", min: 0, value: now.get("at") ?? "",
      on: { change: () => this.change({ at: this.at.value }) } });
    this.shown = make("div", { hidden: true },
      make("div", { class: "first-look" }, this.runs, this.grid.lead), make("h2", {}, "Charts"), this.key,
      this.grid.element, this.ends);
    put(main, [this.head, this.trouble,
      make("div", { class: "tools", role: "group", "aria-label": "How they are compared" },
        make("label", {}, "Along the ", this.along), make("label", {}, "Values at step ", this.at),
        make("label", {}, this.nats, " rewards in nats (divided by beta)")),
      this.shown]);
    onKey("r", "all runs", () => location.assign(link("/", { run: this.keys })));
    const refresh = atMost(EVERY, () => this.fetch());
    refresh();
    follow({ run: this.keys }, (news, isAgain) => {
      if (isAgain || JSON.stringify(news.runs) !== JSON.stringify(this.versions)) refresh();
    });
  }

  query() {
    return { run: this.keys, by: this.by, nats: this.nats.checked ? 1 : null, at: this.at.value };
  }

  /** Of many runs each has its course alone, for which less detail will do. */
  fewer(places) {
    return Math.max(100, Math.round(places / Math.max(1, this.keys.length / 8)));
  }

  /** Another way of comparing is another address. */
  change(changes) {
    if ("by" in changes) {
      location.assign(changed(changes));
      return;
    }
    note(changes);
    this.fetch();
  }

  async fetch() {
    let answer;
    try {
      answer = await ask("/api/compare", this.query());
    } catch (error) {
      this.trouble.textContent = error.message;
      this.trouble.hidden = false;
      return;
    }
    this.trouble.hidden = true;
    this.shown.hidden = false;
    this.versions = answer.versions;
    this.names = answer.runs.map((run) => run.name);
    document.title = `${answer.runs.length} runs compared - barograph`;
    renew(this.head, [answer.says, answer.rule], () => [
      make("h1", {}, `${answer.runs.length} runs compared`), make("p", {}, answer.says),
      make("p", { class: "quiet" }, `Ranked by: ${answer.rule}.`),
    ]);
    renew(this.runs, [answer.runs, answer.settings, answer.told], () => [runsOf(answer), seedsOf(answer)]);
    renew(this.ends, answer, () => measuresOf(answer));
    renew(this.key, this.names, () => this.names.map((name, index) => make("li", {}, sample(index, false), ` ${name}`)));
    this.grid.setPanels(answer.panels, { hasLead: true, isAnew: !this.isArranged });
    this.isArranged = true;
    this.grid.refresh();
  }
}

function runsOf(answer) {
  return [
    make("h2", {}, "The runs"),
    table("The runs", heads("run", "verdict", ...answer.settings), answer.runs.map((run, index) => make("tr", {},
      make("th", { scope: "row" }, sample(index, false), " ", make("a", { href: link("/run", { run: run.key }) }, run.name)),
      make("td", { class: run.verdict }, run.verdict),
      answer.settings.map((name) => make("td", {}, setting(run.differs[name])))))),
  ];
}

function setting(value) {
  return value === null || value === undefined ? "-" : String(value).slice(0, 80);
}

function seedsOf(answer) {
  if (answer.told.length === 0) return null;
  return [make("h2", {}, "Over seeds"), make("ul", {}, answer.told.map((one) => make("li", {}, capital(one))))];
}

function measuresOf(answer) {
  return [
    make("h2", {}, "How far they came"),
    table("How far they came", heads("series", ...answer.runs.map((run) => run.name)), answer.series.map((one) =>
      make("tr", {}, make("th", { scope: "row" }, one.title),
        answer.runs.map((run) => measure(run.series[one.key], answer.at))))),
  ];
}

function measure(found, at) {
  if (found === undefined) return make("td", {}, "-");
  return make("td", {}, number(found.end),
    found.best !== null && make("span", { class: "quiet" }, ` best ${number(found.best)} at step ${place(found.best_step)}`),
    at !== null && found.at !== null && `; ${number(found.at)} at step ${place(at)}`);
}
