// What has changed, as it changes: one stream for the page, closed while nobody sees it.

import { link } from "./address.js";

const AGAIN = 5000;

/** Call `hear` with each event, and with whether it is the first after the connection was lost: then nothing that was
 *  known still counts, for it may be another server. */
export function follow(values, hear) {
  const pulse = document.getElementById("pulse");
  let stream = null;
  let waiting = 0;
  let wasOpen = false;
  let isAgain = false;

  function open() {
    clearTimeout(waiting);
    if (stream !== null || document.hidden) return;
    stream = new EventSource(link("/events", values));
    stream.onopen = () => {
      tell("live", "Live");
      isAgain = wasOpen;
      wasOpen = true;
    };
    stream.onmessage = (event) => {
      hear(JSON.parse(event.data), isAgain);
      isAgain = false;
    };
    stream.onerror = () => {
      tell("lost", "Connection lost: trying again");
      if (stream !== null && stream.readyState === EventSource.CLOSED) {  // It does not come back by itself.
        close();
        waiting = setTimeout(open, AGAIN);
      }
    };
  }

  function close() {
    stream?.close();
    stream = null;
  }

  function tell(kind, text) {
    pulse.className = kind;
    if (pulse.textContent !== text) pulse.textContent = text;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}

/** A function that does its work at most every so often, and never twice at once; the last call is never lost. */
export function atMost(every, work) {
  let isBusy = false;
  let again = false;
  return async function run() {
    if (isBusy) {
      again = true;
      return;
    }
    isBusy = true;
    try {
      do {
        again = false;
        await work();
        await new Promise((done) => setTimeout(done, every));
      } while (again);
    } finally {
      isBusy = false;
    }
  };
}
