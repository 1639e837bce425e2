// Which view it is, and what all views share.

import { asked, link } from "./address.js";
import { CompareView } from "./compare.js";
import { make, put, say } from "./elements.js";
import { listen, onKey } from "./keys.js";
import { List } from "./list.js";
import { RunView } from "./run.js";

const VIEWS = { "/": List, "/run": RunView, "/compare": CompareView };
const THEMES = ["light", "dark"];

function chooseTheme() {
  const root = document.documentElement;
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.dataset.theme ?? (isDark ? "dark" : "light");
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  root.dataset.theme = next;
  try {
    localStorage.setItem("theme", next);
  } catch {
    // Then it lasts as long as the page.
  }
  dispatchEvent(new Event("barograph-theme"));
  say(`${next} colours`);
}

function trail() {
  const keys = asked().getAll("run");
  if (location.pathname === "/run") return ["/ ", make("span", { "aria-current": "page" }, keys[0] ?? "")];
  if (location.pathname === "/compare") return ["/ ", make("a", { href: link("/", { run: keys }) }, "choose others")];
  return [];
}

listen();
onKey("t", "light or dark", chooseTheme);
document.getElementById("theme").addEventListener("click", chooseTheme);
// Paper is always light.
for (const query of ["(prefers-color-scheme: dark)", "print"]) {
  matchMedia(query).addEventListener("change", () => dispatchEvent(new Event("barograph-theme")));
}
put(document.getElementById("trail"), trail());
const main = document.getElementById("main");
main.replaceChildren();
new VIEWS[location.pathname](main);
