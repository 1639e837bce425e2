// Numbers, times and names as they are read. The same as in the report: see `number` in charts/drawing.py.

export function number(value) {
  if (value === null || value === undefined) return "-";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e7) return value.toExponential(2).replace(/\.?0+e/, "e").replace(/e([+-])(\d)$/, "e$10$2");
  if (size >= 999.5) return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
  return String(Number(value.toPrecision(3)));
}

/** A step, or whatever else runs along the bottom. */
export function place(value) {
  return value.toLocaleString("en-US", { maximumFractionDigits: Number.isInteger(value) ? 0 : 4 });
}

export function count(many, one) {
  return `${place(many)} ${one}${many === 1 ? "" : "s"}`;
}

/** A while, in the unit that suits it. */
export function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

/** How long ago something was, in seconds since 1970. */
export function ago(moment) {
  const since = Date.now() / 1000 - moment;
  return since < 5 ? "just now" : `${duration(since)} ago`;
}

export function steps(from, to) {
  return from === to ? `step ${place(from)}` : `steps ${place(from)} to ${place(to)}`;
}

/** A word as it can be pasted into a shell. */
export function quoted(text) {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

export function capital(text) {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
