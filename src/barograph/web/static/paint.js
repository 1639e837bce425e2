// How lines look: read from the style sheet of the report, so that it is said once.

import { make } from "./elements.js";

const STYLES = 6;
const ROUNDS = 3;
let known = null;

/** The looks of everything on a chart, in the colours of this moment. */
export function looks() {
  known ??= read();
  return known;
}

/** After a change of colours. */
export function forget() {
  known = null;
}

/** The classes of a line, by its number. */
export function styleOf(number) {
  return `s${number % STYLES} r${Math.floor(number / STYLES) % ROUNDS}`;
}

/** A short piece of a line, to stand beside its name. */
export function sample(number, hasDots) {
  return make("svg", { viewBox: "0 0 36 14", "aria-hidden": "true" },
    make("line", { class: `smooth ${styleOf(number)}`, x1: 0, x2: 36, y1: 7, y2: 7 }),
    hasDots && make("circle", { class: `dot ${styleOf(number)}`, cx: 18, cy: 7, r: 3 }));
}

function read() {
  const probe = make("svg", { class: "probe", "aria-hidden": "true" });
  document.body.append(probe);
  const look = (classes) => {
    const line = make("line", { class: classes });
    probe.append(line);
    const style = getComputedStyle(line);
    return {
      stroke: style.stroke, fill: style.fill, width: parseFloat(style.strokeWidth) || 1, opacity: Number(style.opacity),
      dash: style.strokeDasharray === "none" ? [] : style.strokeDasharray.split(/[ ,]+/).map(parseFloat),
    };
  };
  const lines = Array.from({ length: STYLES * ROUNDS }, (_, number) => ({
    smooth: look(`smooth ${styleOf(number)}`), raw: look(`raw ${styleOf(number)}`),
    envelope: look(`envelope ${styleOf(number)}`), dot: look(`dot ${styleOf(number)}`),
  }));
  const found = {
    line: (number) => lines[number % lines.length],
    band: look("band"), level: look("level"), grid: look("grid"), tick: look("tick"), gap: look("gap"),
    mark: { critical: look("mark critical"), warning: look("mark warning") },
    code: { critical: look("code critical"), warning: look("code warning") },
    stretch: { critical: look("stretch critical"), warning: look("stretch warning") },
    font: getComputedStyle(document.body).fontFamily,
  };
  probe.remove();
  return found;
}

/** Draw a chart's lines and what helps to read them; `u` knows where a value lies. */
export function paint(u, chart, options) {
  const look = looks();
  const pen = u.ctx;
  const ratio = devicePixelRatio;
  const { left, top, width, height } = u.bbox;
  const x = (value) => u.valToPos(value, "x", true);
  const isLog = u.scales.y.distr === 3;
  const y = (value) => (isLog && value <= 0 ? top + height : u.valToPos(value, "y", true));
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  for (const band of chart.bands) {
    const begin = Math.max(x(band.from), left);
    const high = band.high === null ? top : Math.max(y(band.high), top);
    const low = band.low === null ? top + height : Math.min(y(band.low), top + height);
    pen.fillStyle = look.band.fill;
    if (low > high) pen.fillRect(begin, high, Math.min(x(band.to), left + width) - begin, low - high);
  }
  for (const level of chart.levels) {
    const at = y(level.value);
    if (at < top || at > top + height) continue;
    stroke(pen, look.level, ratio, () => line(pen, [[left, at], [left + width, at]]));
    pen.fillStyle = look.tick.fill;
    write(pen, level.says, left + width - 3 * ratio, at + (at < top + 24 * ratio ? 13 : -4) * ratio, "right", look, ratio);
  }
  for (const mark of chart.marks) {
    pen.globalAlpha = look.stretch[mark.severity].opacity;
    pen.fillStyle = look.stretch[mark.severity].fill;
    pen.fillRect(x(mark.step), top, x(mark.last_step) - x(mark.step), height);
    pen.globalAlpha = 1;
  }
  chart.lines.forEach((one, place) => drawLine(pen, one, look.line(options.numberOf(one, place)), x, y, ratio, options));
  drawMarks(pen, chart.marks, x, left, top, width, height, look, ratio);
  pen.fillStyle = look.gap.fill;
  for (const one of chart.lines) {
    for (const at of one.gaps) write(pen, "×", x(at), top + height - 3 * ratio, "center", look, ratio);
  }
  pen.restore();
}

function drawLine(pen, one, look, x, y, ratio, options) {
  const smooth = one.smooth ?? one.high;
  const showsAll = one.shows_all && options.showsAll;
  if (showsAll && one.low !== undefined) {
    pen.globalAlpha = look.envelope.opacity;
    pen.fillStyle = look.envelope.fill;
    pen.beginPath();
    one.at.forEach((at, place) => pen.lineTo(x(at), y(one.high[place])));
    for (let place = one.at.length - 1; place >= 0; place--) pen.lineTo(x(one.at[place]), y(one.low[place]));
    pen.fill();
    // Where it is flat, an area has no height: a spike is seen all the same.
    stroke(pen, { ...look.raw, opacity: look.envelope.opacity }, ratio, () => pen.closePath());
  } else if (showsAll && one.smooth !== undefined) {
    stroke(pen, look.raw, ratio, () => line(pen, one.at.map((at, place) => [x(at), y(one.high[place])])));
  }
  if (one.at.length > 1) {
    stroke(pen, look.smooth, ratio, () => line(pen, one.at.map((at, place) => [x(at), y(smooth[place])])));
  }
  if (one.at.length === 1 || (one.held_out && one.at.length <= 60)) {
    pen.fillStyle = look.dot.fill;
    one.at.forEach((at, place) => {
      pen.beginPath();
      pen.arc(x(at), y(smooth[place]), 3 * ratio, 0, 7);
      pen.fill();
    });
  }
}

function drawMarks(pen, marks, x, left, top, width, height, look, ratio) {
  const taken = [];
  const inside = marks.map((mark) => ({ mark, at: x(mark.step) })).filter(({ at }) => at > left - 1 && at < left + width + 1);
  for (const severity of ["warning", "critical"]) {  // Of two in one place the worse is seen.
    for (const { at } of inside.filter(({ mark }) => mark.severity === severity)) {
      stroke(pen, look.mark[severity], ratio, () => line(pen, [[at, top], [at, top + height]]));
    }
  }
  for (const { mark, at } of inside.sort((one, other) => one.at - other.at)) {
    const row = taken.filter((other) => Math.abs(other - at) < 48 * ratio).length;  // Beside others its name goes lower.
    taken.push(at);
    const isLast = at > left + width - 60 * ratio;
    pen.fillStyle = look.code[mark.severity].fill;
    write(pen, mark.code, at + (isLast ? -3 : 3) * ratio, top + (11 + 12 * row) * ratio, isLast ? "right" : "left", look,
      ratio, "600 ");
  }
}

function stroke(pen, look, ratio, draw) {
  pen.save();
  pen.globalAlpha = look.opacity;
  pen.strokeStyle = look.stroke;
  pen.lineWidth = look.width * ratio;
  pen.lineJoin = "round";
  pen.setLineDash(look.dash.map((part) => part * ratio));
  draw();
  pen.stroke();
  pen.restore();
}

function line(pen, points) {
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x, y);
}

function write(pen, text, x, y, align, look, ratio, weight = "") {
  pen.font = `${weight}${11 * ratio}px ${look.font}`;
  pen.textAlign = align;
  pen.textBaseline = "alphabetic";
  pen.fillText(text, x, y);
}
