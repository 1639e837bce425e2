// All charts of a view. Only those that can be seen are asked for, a few at a time, and anew when they have changed.

import { asked, note } from "./address.js";
import { make, say } from "./elements.js";
import { onKey, walk } from "./keys.js";
import { forget } from "./paint.js";
import { Picture } from "./picture.js";
import { Zoom } from "./zoom.js";

/** So many charts are asked for at once. */
const BATCH = 6;
/** Charts that are so many pixels away are drawn before they are seen. */
const AHEAD = 400;

export class Grid {
  /** `fetchCharts(names, window, places)` gives { span, charts }; `numberOf` the style of a line, where all charts
   *  share one key. */
  constructor(axis, fetchCharts, numberOf = null) {
    this.fetchCharts = fetchCharts;
    this.numberOf = numberOf ?? ((_, place) => place);
    this.hasKeys = numberOf === null;
    this.pictures = new Map();
    this.seen = new Set();
    this.drawn = new Map();
    this.generation = 0;
    this.isBusy = false;
    this.zoom = new Zoom(axis, () => this.refresh());
    this.settings = settingsOf(asked());
    this.all = make("button", { type: "button", on: { click: () => this.toggleAll() } }, "Every value");
    this.trouble = make("p", { class: "trouble", role: "alert", hidden: true });
    this.charts = make("div", { class: "charts" });
    /** Where the first chart is, if it is what proves a finding: beside it. */
    this.lead = make("div", { class: "lead" });
    this.zoom.element.append(this.all);
    this.element = make("section", { "aria-label": "Charts" }, this.zoom.element, this.trouble, this.charts);
    this.eye = new IntersectionObserver((entries) => this.onSeen(entries), { rootMargin: `${AHEAD}px` });
    onKey("j", "next chart", () => walk(".board", 1));
    onKey("k", "previous chart", () => walk(".board", -1));
    onKey("e", "every value, or the course alone", () => this.toggleAll());
    onKey("l", "powers of ten on the chart in focus", () => this.toggleFocused());
    addEventListener("barograph-theme", () => {
      forget();
      for (const picture of this.pictures.values()) picture.redraw();
    });
    addEventListener("popstate", () => {
      this.settings = settingsOf(asked());
      this.tellAll();
    });
    this.tellAll();
  }

  /** The charts there are. Those that are shown keep their place, unless all are put in order anew; the first may lead. */
  setPanels(panels, { hasLead = false, isAnew = false } = {}) {
    for (const panel of panels) {
      if (this.pictures.has(panel.name)) continue;
      const picture = new Picture(panel, {
        zoom: (window) => this.zoom.set(window),
        hover: (at, from) => this.hover(at, from),
        toggleLog: (name) => this.toggleLog(name),
        numberOf: this.numberOf,
        hasKeys: this.hasKeys,
        settings: () => this.settings,
      });
      this.pictures.set(panel.name, picture);
      this.charts.append(picture.element);
      this.eye.observe(picture.element);
    }
    if (isAnew) {
      this.charts.append(...panels.map((panel) => this.pictures.get(panel.name).element));
      if (hasLead && panels.length > 0) this.lead.append(this.pictures.get(panels[0].name).element);
    }
    const names = new Set(panels.map((panel) => panel.name));
    for (const [name, picture] of this.pictures) {
      if (names.has(name)) continue;
      this.eye.unobserve(picture.element);
      picture.element.remove();
      this.pictures.delete(name);
      this.seen.delete(name);
    }
  }

  /** Everything has changed: the run has grown, or another part of it is to be shown. */
  refresh() {
    this.generation++;
    this.draw();
  }

  onSeen(entries) {
    for (const entry of entries) {
      const name = entry.target.id.slice("chart-".length);
      if (entry.isIntersecting) this.seen.add(name);
      else this.seen.delete(name);
    }
    this.draw();
  }

  async draw() {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      for (let names = this.wanted(); names.length > 0; names = this.wanted()) {
        const { generation } = this;
        const window = this.zoom.window;
        const places = this.pictures.get(names[0]).places;
        const answer = await this.fetchCharts(names, window, places);
        const span = answer.span ?? (window === null ? spanOf(answer.charts) : null);
        if (span !== null) this.zoom.setSpan(span);
        for (const name of names) {
          this.drawn.set(name, generation);
          const chart = answer.charts.find((one) => one.name === name) ?? null;
          this.pictures.get(name)?.show(chart, window ?? span);
        }
        this.trouble.hidden = true;
      }
    } catch (error) {
      this.trouble.textContent = error.message;
      this.trouble.hidden = false;
    } finally {
      this.isBusy = false;
    }
  }

  wanted() {
    return [...this.pictures.keys()].filter((name) => this.seen.has(name) && this.drawn.get(name) !== this.generation)
      .slice(0, BATCH);
  }

  hover(at, from) {
    for (const picture of this.pictures.values()) if (picture !== from) picture.followCursor(at);
  }

  /** Lead to the chart that a finding is about. */
  show(metric) {
    for (const picture of this.pictures.values()) {
      const isOn = picture.chart?.lines.some((line) => line.key === metric)
        || picture.panel.metrics?.includes(metric.split(".").at(-1));
      if (!isOn) continue;
      picture.element.scrollIntoView({ block: "center" });
      picture.board.focus({ preventScroll: true });
      return;
    }
    say("None of the charts shows that");
  }

  toggleAll() {
    this.settings.showsAll = !this.settings.showsAll;
    note({ course: !this.settings.showsAll });
    this.tellAll();
    for (const picture of this.pictures.values()) picture.redraw();
  }

  tellAll() {
    this.all.setAttribute("aria-pressed", String(this.settings.showsAll));
  }

  toggleFocused() {
    const focused = document.activeElement?.closest("figure");
    if (focused) this.toggleLog(focused.id.slice("chart-".length));
  }

  toggleLog(name) {
    const picture = this.pictures.get(name);
    if (!picture?.chart) return;
    this.settings.log.set(name, !picture.isLog());
    const said = (wanted) => [...this.settings.log].filter(([, isLog]) => isLog === wanted).map(([one]) => one).join(" ");
    note({ log: said(true), linear: said(false) });
    picture.redraw();
  }
}

function settingsOf(now) {
  const named = (name) => (now.get(name) ?? "").split(" ").filter(Boolean);
  return {
    showsAll: !now.has("course"),
    log: new Map([...named("log").map((name) => [name, true]), ...named("linear").map((name) => [name, false])]),
  };
}

/** From where to where they reach. */
function spanOf(charts) {
  const lines = charts.flatMap((chart) => chart.lines);
  if (lines.length === 0) return null;
  return [Math.min(...lines.map((line) => line.at[0])), Math.max(...lines.map((line) => line.at.at(-1)))];
}
