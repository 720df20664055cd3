/** What is held for a line of the cart, in words that count down by the server's clock. */

import { fill, h, icon } from "../commerce/dom.js";
import { countdown, inWords } from "../streams/clock.js";

/** @typedef {import("./carting.js").CartLine} CartLine */

const SOON_MS = 60_000;

/**
 * Draw the line's hold into an element that is drawn again and again.
 * @param {HTMLElement} place
 * @param {CartLine} line
 * @param {{now: number, guest: boolean, gone: boolean, again: () => void, enter: () => void}} parts
 */
export function drawHold(place, line, { now, guest, gone, again, enter }) {
  const left = (line.held_until ?? 0) - now;
  const held = line.held > 0 && left > 0;
  const was = place.dataset.held === "yes" || place.dataset.held === "over";
  const state = held ? "yes" : guest ? "guest" : was ? "over" : "no";
  place.hidden = !held && (!line.hold_seconds || gone);
  place.classList.toggle("line__hold--soon", held && left <= SOON_MS);
  const some = line.held < line.quantity ? `${line.held} of ${line.quantity} held` : "Held";
  const key = held ? some : `${state} ${line.hold_seconds}`;
  if (place.dataset.key !== key) {
    place.dataset.key = key;
    place.dataset.held = state;
    if (held) fill(place, icon("clock"), h("span", {}, `${some} for `), h("span", { class: "line__clock" }));
    else if (guest)
      fill(
        place,
        h("button", { class: "link", type: "button", on: { click: enter } }, "Sign in"),
        ` and it is held for you for ${inWords((line.hold_seconds ?? 0) * 1000)}.`,
      );
    else
      fill(
        place,
        was ? "No longer held. " : "Not held for you. ",
        h("button", { class: "link", type: "button", on: { click: again } }, was ? "Hold it again" : "Hold it"),
      );
  }
  const clock = place.querySelector(".line__clock");
  if (clock) clock.textContent = countdown(left);
}
