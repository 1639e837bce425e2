// What was found, and how sure that is: the first thing on the screen.

import { heads, make, table } from "./elements.js";
import { capital, count, number, steps } from "./words.js";

/** The likeliest cause, with what to do about it, and what speaks for and against it; another that may be it. */
export function causeOf(diagnosis) {
  const [first, ...others] = diagnosis.causes;
  if (first === undefined) return null;
  const close = others[0]?.is_close ? others.shift() : null;
  return make("section", { class: `cause ${diagnosis.verdict}`, "aria-label": "Likeliest cause" },
    cause("Likeliest cause: ", first, diagnosis.grounds[0]),
    first.left_open.length > 0 && make("p", { class: "quiet" }, `This log cannot exclude: ${first.left_open.join(", ")}.`),
    close && cause("Or: ", close, diagnosis.grounds[1]),
    close?.tells_apart && make("p", {}, `To tell them apart: ${close.tells_apart}.`),
    others.length > 0 && make("p", { class: "quiet" },
      `Less likely: ${others.slice(0, 3).map((one) => one.name).join(", ")}.`));
}

function cause(title, one, told) {
  const grounds = [["Speaks for it", told.for], ["Against it", told.against]].filter(([, some]) => some.length > 0);
  return [
    make("p", {}, title, make("strong", {}, one.name)),
    one.advice.length > 0 && make("p", { class: "prescription" }, unbroken(one.advice.join(" "))),
    grounds.length > 0 && make("dl", { class: "grounds" }, grounds.map(([word, some]) => [
      make("dt", {}, word), some.map((ground) => make("dd", {}, ground)),
    ])),
  ];
}

/** A text whose numbers with a negative power stay on one line. */
function unbroken(text) {
  return text.split(/(\S*\de-\d+\S*)/).map((part, place) => (place % 2 ? make("span", { class: "whole" }, part) : part));
}

/** Findings with their reasons, under their cause and each with its consequences; `show` leads to one on the charts. */
export function findingsOf(diagnosis, show) {
  const { explained, apart } = diagnosis.story;
  const quiet = diagnosis.findings.filter((one) => one.severity === "info");
  const explains = new Set(diagnosis.causes[0]?.explains ?? []);
  const tell = (chapter) => chapterOf(chapter, diagnosis.findings, explains, show);
  return [
    explained.length > 0 && make("h2", {}, "What it explains"),
    explained.map(tell),
    apart.length > 0 && make("h2", {}, explained.length > 0 ? "Apart from it" : "What was found"),
    apart.map(tell),
    quiet.length > 0 && [
      make("h2", {}, "Remarks"),
      make("ul", {}, quiet.map((one) => make("li", {}, make("code", {}, one.code), ` ${one.says}`))),
    ],
    diagnosis.forecasts.map((one) => make("p", { class: "quiet" }, `Forecast: ${one.says} (${one.code})`)),
  ];
}

/** A finding, and folded away what follows from it. */
function chapterOf(chapter, findings, explains, show) {
  const found = findings[chapter.finding];
  const others = chapter.consequences.map((place) => findings[place]);
  const folded = others.length > 0 && make("details", { class: "consequences" },
    make("summary", {}, `${count(others.length, "consequence")}: ${others.map((one) => one.name).join(", ")}`),
    others.map((one) => finding(one, show, { level: "h4" })));
  return finding(found, show, { times: chapter.times, folded, isExplained: explains.has(found.code) });
}

/** What a finding's element is called, so that a mark can lead to it; of several episodes one is told. */
export function nameOf(found) {
  return `finding-${found.code}-${found.metric}`.replace(/[^\w-]+/g, "-");
}

function finding(found, show, { times = 1, folded = null, isExplained = false, level = "h3" }) {
  const evidence = Object.entries(found.evidence).map(([name, value]) => `${name} ${number(value)}`).join(", ");
  const reason = found.follows ? `A consequence of ${found.follows}: mend that first.` : found.why;
  const again = times > 1 ? `, ${times} times` : "";
  const advice = !found.follows && found.advice.length > 0
    && make("ul", {}, found.advice.map((one) => make("li", {}, one)));
  return make("article", { class: `finding ${found.severity}`, id: nameOf(found), tabindex: -1 },
    make(level, {}, `${found.severity}: ${found.code} ${found.name}`,
      make("span", { class: "quiet" }, ` · ${steps(found.step, found.last_step)}${again}`)),
    make("p", {}, `${capital(found.says)}. `,
      make("button", { type: "button", class: "plain", on: { click: () => show(found) } }, "Show it on the chart")),
    reason && make("p", {}, `Why: ${reason}`),
    advice && (isExplained ? make("details", {}, make("summary", {}, "What else is done about it"), advice) : advice),
    evidence && make("details", {}, make("summary", {}, "The numbers behind it"), make("p", {}, evidence)),
    folded);
}

/** The median of each stage against the range of a healthy run. */
export function stagesOf(stages) {
  const names = Object.keys(stages.titles);
  if (names.length === 0) return null;
  return [
    make("h2", {}, "Stage by stage"),
    make("p", { class: "quiet" }, "The median of this run in each stage, and the range of a healthy one."),
    table("Stage by stage", heads("stage", ...names.map((name) => stages.titles[name])), stages.rows.map((row) =>
      make("tr", {}, make("th", { scope: "row" }, `${row.stage}, ${steps(row.first_step, row.last_step)}`),
        names.map((name) => stageCell(row.metrics[name]))))),
  ];
}

function stageCell(cell) {
  if (cell === undefined || cell.value === null) return make("td", {}, "-");
  const word = cell.within ? "within" : "outside";
  return make("td", {},
    make("span", { class: cell.within ? "good" : "warning" }, `${number(cell.value)} ${word}`),
    ` ${range(cell.low, cell.high)}`);
}

function range(low, high) {
  if (high === null) return low === null ? "" : `from ${number(low)}`;
  return low === null ? `up to ${number(high)}` : `${number(low)} to ${number(high)}`;
}

/** Settings, what could not be judged, and how to see the same elsewhere. */
export function groundsOf(diagnosis) {
  const settings = Object.entries(diagnosis.config);
  const total = diagnosis.judged + diagnosis.not_judged.length;
  return [
    settings.length > 0 && [
      make("h2", {}, "Configuration"),
      make("details", {}, make("summary", {}, count(settings.length, "setting")),
        table("Configuration", heads("setting", "value"), settings.map(([name, value]) =>
          make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value))))),
    ],
    make("h2", {}, "What was judged"),
    make("p", {}, `${diagnosis.judged} of ${total} rules for ${diagnosis.method} could be judged.`),
    diagnosis.not_judged.length > 0 && make("details", {}, make("summary", {}, "What the others miss"),
      make("ul", {}, diagnosis.not_judged.map((one) => make("li", {}, make("code", {}, one.code), ": ",
        one.missing.length > 0 ? `needs ${one.missing.join(", ")}` : one.reason)))),
    diagnosis.notes.length > 0 && make("ul", {}, diagnosis.notes.map((one) => make("li", {}, one))),
  ];
}
