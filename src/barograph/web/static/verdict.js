// What was found, and how sure that is: the first thing on the screen.

import { heads, make, table } from "./elements.js";
import { capital, count, number, steps } from "./words.js";

/** The likeliest cause, with what to do about it. */
export function causeOf(diagnosis) {
  const [first, ...others] = diagnosis.causes;
  if (first === undefined) return null;
  return make("section", { class: `cause ${diagnosis.verdict}`, "aria-label": "Likeliest cause" },
    make("p", {}, "Likeliest cause: ", make("strong", {}, first.name), ` (${first.codes.join(", ")})`),
    first.advice.length > 0 && make("ul", {}, first.advice.map((one) => make("li", {}, one))),
    others.length > 0 && make("p", { class: "quiet" },
      `Less likely: ${others.slice(0, 3).map((one) => one.name).join(", ")}.`));
}

/** Findings with their reasons; `show` leads to where one is on the charts. */
export function findingsOf(diagnosis, show) {
  const loud = diagnosis.findings.filter((one) => one.severity !== "info");
  const quiet = diagnosis.findings.filter((one) => one.severity === "info");
  return [
    loud.length > 0 && make("h2", {}, "What was found"),
    loud.map((one) => finding(one, show)),
    quiet.length > 0 && [
      make("h2", {}, "Remarks"),
      make("ul", {}, quiet.map((one) => make("li", {}, make("code", {}, one.code), ` ${one.says}`))),
    ],
  ];
}

/** What a finding's element is called, so that a mark can lead to it. */
export function nameOf(found) {
  return `finding-${found.code}-${found.step}`;
}

function finding(found, show) {
  const evidence = Object.entries(found.evidence).map(([name, value]) => `${name} ${number(value)}`).join(", ");
  const reason = found.follows ? `A consequence of ${found.follows}: mend that first.` : found.why;
  const title = [`${found.severity}: ${found.code} ${found.name}`,
    make("span", { class: "quiet" }, ` · ${steps(found.step, found.last_step)}`)];
  const says = make("p", {}, `${capital(found.says)}. `,
    make("button", { type: "button", class: "plain", on: { click: () => show(found) } }, "Show it on the chart"));
  const name = { class: `finding ${found.severity}`, id: nameOf(found), tabindex: -1 };
  if (found.follows) {
    return make("article", name, make("details", {}, make("summary", {}, make("h3", {}, title)), says,
      make("p", {}, `Why: ${reason}`), evidence && make("p", {}, `The numbers behind it: ${evidence}`)));
  }
  return make("article", name,
    make("h3", {}, title),
    says,
    reason && make("p", {}, `Why: ${reason}`),
    found.advice.length > 0 && make("ul", {}, found.advice.map((one) => make("li", {}, one))),
    evidence && make("details", {}, make("summary", {}, "The numbers behind it"), make("p", {}, evidence)));
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
