// Elements, made so that no text of a log can ever become markup: text is put in as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "line", "circle"]);

/** An element. `on` holds listeners; what is null or false is left out; children are elements or text. */
export function make(tag, attributes = {}, ...children) {
  const element = DRAWN.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  put(element, children);
  return element;
}

/** Children one after another; lists are taken apart, and what is nothing is left out. */
export function put(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

/** Put other children in the place of all there are, unless they are told by the same facts as before. */
export function renew(element, facts, makeChildren) {
  const told = JSON.stringify(facts);
  if (element.told === told) return;
  element.told = told;
  element.replaceChildren();
  put(element, [makeChildren()]);
}

/** A table that moves by itself where the page is narrow. */
export function table(label, head, rows) {
  return make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": label },
    make("table", {}, make("thead", {}, head), make("tbody", {}, rows)));
}

/** A row of column heads. */
export function heads(...names) {
  return make("tr", {}, names.map((name) => make("th", { scope: "col" }, name)));
}

/** Say something to whoever listens instead of looking. */
export function say(text) {
  document.getElementById("said").textContent = text;
}
