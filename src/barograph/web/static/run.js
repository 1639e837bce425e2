// One run: its verdict, what proves it, where on the curves it happened, what to do.

import { ask, asked, link } from "./address.js";
import { make, put, renew, say } from "./elements.js";
import { Grid } from "./grid.js";
import { onKey } from "./keys.js";
import { atMost, follow } from "./live.js";
import { Samples } from "./samples.js";
import { causeOf, findingsOf, groundsOf, stagesOf } from "./verdict.js";
import { ago, count, duration, place, quoted } from "./words.js";

const READING = "The thin line or the pale area holds every value, the thick line the mean of those just before. "
  + "Green areas are where healthy runs lie. Drag along a chart to zoom, double-click to see all.";

export class RunView {
  constructor(main) {
    this.key = asked().get("run") ?? "";
    this.version = null;
    this.head = make("header", {});
    this.trouble = make("p", { class: "trouble", role: "alert", hidden: true });
    this.found = make("div", {});
    this.grounds = make("div", {});
    this.stages = make("div", {});
    this.grid = new Grid("step", (names, window, places) => ask("/api/charts",
      { run: this.key, chart: names, from: window?.[0], to: window?.[1], places }));
    this.samples = new Samples(this.key);
    this.shown = make("div", { hidden: true }, make("div", { class: "first-look" }, this.found, this.grid.lead),
      make("h2", {}, "Charts"),
      make("p", { class: "quiet" }, READING), this.grid.element, this.samples.element, this.stages, this.grounds);
    put(main, [this.head, this.trouble, this.shown]);
    onKey("r", "all runs", () => location.assign("/"));
    const refresh = atMost(200, () => this.fetch());
    refresh();
    follow({ run: this.key }, (news, isAgain) => {
      if (isAgain) this.version = null;
      if (news.runs[this.key] !== this.version) refresh();
    });
    setInterval(() => this.answer && this.tellHead(), 10_000);  // Times go on.
  }

  async fetch() {
    try {
      this.answer = await ask("/api/run", { run: this.key });
    } catch (error) {
      if (this.answer === undefined) renew(this.head, "none", () => make("h1", {}, this.key));
      this.tellTrouble(error.message);
      return;
    }
    this.shown.hidden = false;
    const { version, diagnosis, scene, panels, is_read: isRead } = this.answer;
    this.tellTrouble(scene.trouble);
    this.tellHead();
    this.announce();
    renew(this.found, [diagnosis.findings, diagnosis.causes, diagnosis.forecasts], () => [
      causeOf(diagnosis), findingsOf(diagnosis, (finding) => this.grid.show(finding.metric)),
    ]);
    renew(this.stages, diagnosis.stages, () => stagesOf(diagnosis.stages));
    renew(this.grounds, [diagnosis.config, diagnosis.not_judged, diagnosis.notes, diagnosis.judged], () => [
      groundsOf(diagnosis),
      make("h2", {}, "The same elsewhere"),
      make("p", {}, make("a", { href: link("/report", { run: this.key }) }, "This run as one file"),
        ", to be kept or mailed. In a terminal:"),
      make("pre", { tabindex: 0 }, `barograph check ${quoted(diagnosis.path)}\nbarograph watch ${quoted(diagnosis.path)}`),
    ]);
    const hasLead = isRead && diagnosis.findings.some((one) => one.severity !== "info");
    // What is looked at first is known once the run has been judged; from then on each chart keeps its place.
    this.grid.setPanels(panels, { hasLead, isAnew: isRead && !this.isArranged });
    this.isArranged = isRead;
    if (version !== this.version) {
      this.version = version;
      this.grid.refresh();
      this.samples.refresh();
    }
  }

  tellTrouble(text) {
    const told = text && this.answer !== undefined ? `${ended(text)} What is shown is the last that was read.` : text;
    this.trouble.hidden = !told;
    if (this.trouble.textContent !== told) this.trouble.textContent = told;  // What stays is not called out again.
  }

  /** Whoever listens hears of another verdict, and of what has been found since. */
  announce() {
    const { diagnosis, is_read: isRead } = this.answer;
    if (!isRead) return;
    const loud = diagnosis.findings.filter((one) => one.severity !== "info");
    const news = loud.filter((one) => this.heard?.codes.has(one.code) === false);
    const isOther = this.heard !== undefined && this.heard.verdict !== diagnosis.verdict;
    if (isOther || news.length > 0) say([diagnosis.headline, ...news.map((one) => `${one.code} ${one.says}`)].join(". "));
    this.heard = { verdict: diagnosis.verdict, codes: new Set(loud.map((one) => one.code)) };
  }

  tellHead() {
    const { diagnosis, scene, changed, is_read: isRead, is_sketch: isSketch } = this.answer;
    const headline = isRead ? diagnosis.headline : isSketch ? "Reading a long log" : "Judging";
    document.title = `${isRead ? diagnosis.verdict : headline}: ${this.key} - barograph`;
    renew(this.head, [this.answer.diagnosis.verdict, headline, scene, diagnosis.rows, changed && ago(changed)], () => [
      make("h1", {}, make("span", { class: diagnosis.verdict }, headline)),
      make("p", {}, make("strong", {}, this.key),
        ` · ${diagnosis.method} · ${isSketch ? "some rows so far" : count(diagnosis.rows, "row")}`
        + ` · steps ${place(diagnosis.first_step)} to ${place(diagnosis.last_step)} · read as ${diagnosis.source}`),
      make("p", { class: "quiet" }, stateOf(scene, diagnosis, changed)),
      scene.share !== null && scene.state === "running"
        && make("progress", { max: 1, value: scene.share, "aria-label": "How much of the run is done" }),
      scene.decisions.length > 0 && make("ul", {}, scene.decisions.map((one) => make("li", {}, `Guard, ${one}`))),
      scene.remarks.filter((one) => one !== scene.trouble).map((one) => make("p", { class: "quiet" }, capitalised(one))),
    ]);
  }
}

function stateOf(scene, diagnosis, changed) {
  return [
    scene.state,
    scene.planned && `step ${place(diagnosis.last_step)} of ${place(scene.planned)}`,
    scene.seconds_left && scene.state === "running" && `about ${duration(scene.seconds_left)} left`,
    changed && `last row ${ago(changed)}`,
  ].filter(Boolean).join(" · ");
}

function capitalised(text) {
  return ended(`${text.slice(0, 1).toUpperCase()}${text.slice(1)}`);
}

/** As a sentence. */
function ended(text) {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}
