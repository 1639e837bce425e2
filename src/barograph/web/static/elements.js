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
  keeping(element, () => {
    element.replaceChildren();
    put(element, [makeChildren()]);
  });
}

/** Whoever reads in there while it changes does not lose the place: what was open stays so, and so does the focus. */
function keeping(element, change) {
  const open = new Set([...element.querySelectorAll("details[open]")].map(addressIn));
  const focused = element.contains(document.activeElement) && document.activeElement !== element
    ? addressIn(document.activeElement) : null;
  change();
  if (open.size === 0 && focused === null) return;
  for (const one of element.querySelectorAll("details")) one.open = open.has(addressIn(one));
  const again = focused && [...element.querySelectorAll(focused.split(" ", 1)[0])].find((one) => addressIn(one) === focused);
  again?.focus({ preventScroll: true });
}

/** Which element it is, also once another like it stands in its place: what it is, what in, and the how manyth there. */
function addressIn(element) {
  const within = element.parentElement.closest("[id], tr");
  const row = within?.tagName === "TR" ? within.rowIndex : "";
  const tag = element.tagName.toLowerCase();
  const name = within?.id.replace(/-\d+$/, "") ?? "";  // Since when a finding holds may be told more exactly.
  return `${tag} ${name} ${row} ${[...(within ?? document).querySelectorAll(tag)].indexOf(element)}`;
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
