// The address of the page is the state of the page: whoever opens it sees the same.

export function asked() {
  return new URLSearchParams(location.search);
}

/** This address with parts of it set or dropped; a list is named once for each value. */
export function changed(changes) {
  const now = asked();
  for (const [name, value] of Object.entries(changes)) {
    now.delete(name);
    for (const one of [value].flat()) {
      if (one !== null && one !== "" && one !== false) now.append(name, one === true ? "1" : one);
    }
  }
  const query = now.toString();
  return location.pathname + (query ? `?${query}` : "") + location.hash;
}

/** Set and drop parts of the address. A step one may want to take back is pushed, others replace. */
export function note(changes, { push = false } = {}) {
  const address = changed(changes);
  if (address !== location.pathname + location.search + location.hash) {
    history[push ? "pushState" : "replaceState"](null, "", address);
  }
  latest = asked();
}

/** Going back undoes what was pushed and nothing else: the rest of the address stays what the page shows. */
const UNDONE = ["from", "to"];
let latest = asked();
addEventListener("popstate", () => {
  const names = new Set([...latest.keys(), ...asked().keys()].filter((name) => !UNDONE.includes(name)));
  note(Object.fromEntries([...names].map((name) => [name, latest.getAll(name)])));
});

/** An address of this page, with each value of a list named once. */
export function link(path, values = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const one of [value].flat()) if (one !== null && one !== undefined && one !== "") query.append(name, one);
  }
  const text = query.toString();
  return path + (text ? `?${text}` : "");
}

/** Ask the server; what it says when it cannot answer is thrown as a sentence. */
export async function ask(path, values = {}) {
  let response;
  try {
    response = await fetch(link(path, values));
  } catch {
    throw new Error("The server does not answer. Is `barograph serve` still running?");
  }
  const isData = response.headers.get("content-type")?.startsWith("application/json");
  const answer = isData ? await response.json() : { trouble: (await response.text()).trim() };
  if (!response.ok) throw new Error(answer.trouble || `The server answered with ${response.status}.`);
  return answer;
}
