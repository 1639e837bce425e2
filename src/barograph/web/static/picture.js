// One chart: uPlot gives the axes, the cursor and the zoom; what is on it is drawn by `paint`.
/* global uPlot */

import { heads, make, renew, say, table } from "./elements.js";
import { looks, paint, sample } from "./paint.js";
import { nameOf } from "./verdict.js";
import { number, place } from "./words.js";

const HEIGHT = 210;
/** Of more lines than this, the nearest is named instead of each. */
const FEW = 8;
/** Rows of the table beside a chart. */
const ROWS = 20;
const FIRST_WIDTH = 380;

export class Picture {
  /** `options`: zoom (what to do with a new window), hover (where the cursor is), numberOf (the style of a line),
   *  settings (showsAll and which charts are logarithmic), leads (what a mark leads to). */
  constructor(panel, options) {
    this.panel = panel;
    this.options = options;
    this.chart = null;
    this.plot = null;
    this.at = null;
    this.key = make("ul", { class: "key" });
    this.reading = make("p", { class: "reading quiet" });
    this.board = make("div", {
      class: "board", role: "img", tabindex: 0, "aria-label": `${panel.title}, not drawn yet`,
      on: { keydown: (event) => this.onKey(event), dblclick: () => this.options.zoom(null) },
    });
    this.marks = make("p", {});
    this.words = make("div", {});
    this.unit = make("span", { class: "quiet" });
    this.log = make("button", {
      type: "button", class: "small", "aria-pressed": "false", title: "powers of ten", hidden: true,
      on: { click: () => this.options.toggleLog(panel.name) },
    }, "log");
    this.log.setAttribute("aria-label", `${panel.title}: powers of ten`);
    const inWords = make("details", { on: { toggle: () => this.tell() } }, make("summary", {}, "In words and numbers"),
      this.words);
    this.details = inWords;
    this.element = make("figure", { id: `chart-${panel.name}`, tabindex: -1 },
      make("div", { class: "figure-head" }, make("h3", {}, panel.title, " ", this.unit), this.log),
      this.key, this.board, this.reading, make("figcaption", {}, this.marks, inWords));
    this.width = new ResizeObserver(() => this.fit());
    this.width.observe(this.board);
  }

  /** So many places are worth asking for. */
  get places() {
    return Math.round(Math.max(100, Math.min(1200, this.board.clientWidth || FIRST_WIDTH)));
  }

  /** Show a chart, within a window along the bottom. */
  show(chart, window) {
    this.chart = chart;
    this.window = window;
    if (chart === null) {
      this.plot?.destroy();
      this.plot = null;
      this.board.setAttribute("aria-label", `${this.panel.title}: no values here`);
      this.board.replaceChildren(make("p", { class: "quiet" }, "No values here."));
      return;
    }
    const isLog = this.isLog();
    this.log.setAttribute("aria-pressed", String(isLog));
    this.log.hidden = !(this.lowest() > 0);
    this.unit.textContent = chart.unit ? `· ${chart.unit}` : "";
    this.board.setAttribute("aria-label", `${chart.title}. ${chart.says}`);
    if (this.plot === null || this.drawnLog !== isLog) this.build(isLog);
    else this.plot.setData(this.corners());
    renew(this.key, [chart.lines.map((line) => [line.title, line.held_out])], () => this.keyOf(chart));
    renew(this.marks, chart.marks, () => this.linksOf(chart));
    this.tell();
    // In the place where its step is now, once the chart is laid out.
    queueMicrotask(() => this.followCursor(this.at));
  }

  /** What uPlot needs to know of the lines: where they lie. */
  corners() {
    const [from, to] = this.window;
    return [to > from ? [from, to] : [from - 0.5, from + 0.5], [this.chart.low, this.chart.high]];
  }

  isLog() {
    const chosen = this.options.settings().log.get(this.panel.name);
    return this.lowest() > 0 && (chosen ?? this.chart.is_log);
  }

  /** The lowest value that is to be seen; the chart itself may reach lower, to leave some room. */
  lowest() {
    if (this.chart.low > 0) return this.chart.low;
    return this.chart.lines.flatMap((line) => line.low ?? line.high).reduce((low, value) => Math.min(low, value), Infinity);
  }

  build(isLog) {
    this.plot?.destroy();
    this.drawnLog = isLog;
    this.board.replaceChildren();
    const axis = () => looks().tick.fill;
    const grid = { stroke: () => looks().grid.stroke, width: 0.7 };
    const ticks = { ...grid, size: 4 };
    const font = `11px ${looks().font}`;
    this.plot = new uPlot({
      width: this.board.clientWidth || FIRST_WIDTH,
      height: HEIGHT,
      legend: { show: false },
      scales: {
        x: { time: false, range: () => this.corners()[0] },
        y: { distr: isLog ? 3 : 1, range: () => this.heights(isLog) },
      },
      axes: [
        { stroke: axis, grid: { show: false }, ticks, font, size: 30, incrs: this.stepsOfAxis(), values: (_, all) => all.map(tick) },
        { stroke: axis, grid, ticks, font, size: 56, values: (_, all) => all.map(tick) },
      ],
      series: [{}, { stroke: "transparent", points: { show: false }, paths: () => null }],
      cursor: {
        y: false, points: { show: false }, drag: { x: true, y: false, setScale: false },
      },
      hooks: {
        draw: [(u) => paint(u, this.chart, { showsAll: this.options.settings().showsAll, numberOf: this.options.numberOf })],
        setSelect: [(u) => this.onSelect(u)],
      },
    }, this.corners(), this.board);
    // Not uPlot's own word of its cursor: that comes too when the chart changes under a pointer that stands still.
    this.plot.over.addEventListener("mousemove", (event) => this.point(this.plot.posToVal(event.offsetX, "x")));
    this.plot.over.addEventListener("mouseleave", () => this.point(null));
  }

  heights(isLog) {
    const { high } = this.chart;
    if (!isLog) return [this.chart.low, high];
    const low = this.lowest();
    const margin = (high / low) ** 0.04;
    return [low / margin, high * margin];
  }

  /** Between two steps there is nothing. */
  stepsOfAxis() {
    const powers = Array.from({ length: 16 }, (_, power) => 10 ** power);
    const whole = powers.flatMap((power) => [power, 2 * power, 5 * power]);
    return this.chart.axis === "step" ? whole : [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, ...whole];
  }

  fit() {
    const width = this.board.clientWidth;
    if (this.plot !== null && width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }

  redraw() {
    if (this.plot !== null) this.show(this.chart, this.window);
  }

  // The cursor

  /** The pointer stands somewhere on this chart. */
  point(at) {
    this.read(at);
    this.options.hover(at, this);
  }

  /** The cursor stands somewhere on another chart, or was put there by keys. */
  followCursor(at) {
    this.read(at);
    if (this.plot === null) return;
    this.plot.setCursor({ left: at === null ? -10 : this.plot.valToPos(at, "x"), top: at === null ? -10 : 10 });
  }

  onSelect(u) {
    if (u.select.width < 6) return;
    const [from, to] = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")];
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.options.zoom([from, to]);
  }

  onKey(event) {
    if (this.chart === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
    if (event.key in moves) this.step(moves[event.key]);
    else if (event.key === "+" || event.key === "=") this.options.zoom(this.around(0.5));
    else if (event.key === "-") this.options.zoom(this.around(2));
    else if (event.key === "0") this.options.zoom(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** A window about the cursor, so many times as wide. */
  around(times) {
    const [from, to] = this.window;
    const middle = this.at ?? (from + to) / 2;
    return [middle - (middle - from) * times, middle + (to - middle) * times];
  }

  /** Read the values at the next place along a line. */
  step(by) {
    const [from, to] = this.corners()[0];
    const places = this.chart.lines.map((line) => line.at.filter((at) => at >= from && at <= to))
      .reduce((long, one) => (one.length > long.length ? one : long), []);
    if (places.length === 0) return;
    const here = this.at === null ? (by > 0 ? -1 : places.length) : nearest(places, this.at);
    const next = Math.min(places.length - 1, Math.max(0, here + by));
    this.followCursor(places[next]);
    this.options.hover(places[next], this);
    say(this.reading.textContent || `${this.chart.axis} ${place(places[next])}`);
  }

  /** What every line says at a place; nothing, if there is no place. */
  read(at) {
    this.at = at;
    if (this.chart === null) return;
    const { lines, axis } = this.chart;
    if (at === null || lines.length === 0) {
      this.reading.textContent = "";
      return;
    }
    const found = lines.map((line) => ({ line, place: nearest(line.at, at) })).filter((one) => one.place >= 0);
    const told = found.length > FEW ? [this.nearestLine(found)] : found;
    const where = found.reduce((best, one) => {
      const here = one.line.at[one.place];
      return best === null || Math.abs(here - at) < Math.abs(best - at) ? here : best;
    }, null);
    if (where === null) return;
    const values = told.map(({ line, place: index }) => `${lines.length > 1 ? `${line.title} ` : ""}${valueOf(line, index)}`);
    this.reading.textContent = `${axis} ${place(Math.round(where * 1e4) / 1e4)}: ${values.join(" · ")}`;
  }

  /** The line that lies nearest to the cursor. */
  nearestLine(found) {
    const height = this.plot.cursor.top;
    const distance = ({ line, place: index }) => {
      const value = (line.smooth ?? line.high)[index];
      return height >= 0 ? Math.abs(this.plot.valToPos(value, "y") - height) : -value;
    };
    return found.reduce((best, one) => (distance(one) < distance(best) ? one : best));
  }

  // In words

  keyOf(chart) {
    if (!this.options.hasKeys || chart.lines.length < 2 || chart.lines.length > FEW) return [];
    return chart.lines.map((line, index) =>
      make("li", {}, sample(this.options.numberOf(line, index), line.held_out), ` ${line.title}`));
  }

  linksOf(chart) {
    return chart.marks.map((mark, index) => [
      index > 0 && ", ",
      make("a", { class: mark.severity, href: `#${nameOf(mark)}` }, `${mark.code} at step ${place(mark.step)}`),
    ]);
  }

  tell() {
    if (!this.details.open || this.chart === null) return;
    renew(this.words, this.chart, () => [
      make("p", {}, this.chart.says),
      this.chart.meanings.map((one) => make("p", {}, make("strong", {}, one.title), `: ${one.says}`)),
      this.values(),
    ]);
  }

  values() {
    const { lines, axis, title } = this.chart;
    const places = [...new Set(lines.flatMap((line) => line.at))].sort((one, other) => one - other);
    const each = Math.max(1, Math.ceil(places.length / ROWS));
    const chosen = places.filter((_, index) => index % each === 0);
    if (chosen.at(-1) !== places.at(-1)) chosen.push(places.at(-1));
    const cell = (line, at) => {
      const index = line.at.indexOf(at);
      return index < 0 ? "" : valueOf(line, index);
    };
    return table(`Values of ${title}`, heads(axis, ...lines.map((line) => line.title)), chosen.map((at) =>
      make("tr", {}, make("th", { scope: "row" }, place(at)), lines.map((line) => make("td", {}, cell(line, at))))));
  }
}

function valueOf(line, index) {
  const [low, high] = [(line.low ?? line.high)[index], line.high[index]];
  return low === high ? number(low) : `${number(low)} to ${number(high)}`;
}

/** The index of the value that is nearest; -1 where there is none. */
function nearest(values, wanted) {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low > 0 && wanted - values[low - 1] < values[low] - wanted ? low - 1 : low;
}

/** A number along an axis. */
function tick(value) {
  if (value === null) return "";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential().replace("e+", "e");
  return value.toLocaleString("en-US", { maximumFractionDigits: 6 });
}
