/** Says when the room is out of reach: what is shown may be old, and what is pressed may not be confirmed. */

import { say } from "../../commerce/dom.js";

const PATIENCE_MS = 1200;

/** @type {Record<number, string>} */
const ENDS = {
  4409: "The control room is open in another tab. This one goes on when you come back to it.",
  4403: "You were signed out. Reload the page and sign in again.",
  4401: "You were signed out. Reload the page and sign in again.",
};

/**
 * @param {HTMLElement} place
 * @param {import("../room.js").Room} room
 */
export function drawConnection(place, room) {
  /** @type {number | undefined} */
  let later;
  /** @param {number | null} code @param {boolean} final */
  function judge(code, final) {
    clearTimeout(later);
    document.body.dataset.online = room.online ? "yes" : "no";
    if (room.online) {
      place.hidden = true;
      return;
    }
    const known = code === null ? undefined : ENDS[code];
    // A connection that is back within a moment is not worth a word.
    later = setTimeout(() => {
      say(place, known ?? (final ? "The connection to the room is closed. Reload the page." : "Reconnecting… Numbers may be a moment old. Your buttons still work."));
      place.hidden = false;
    }, known ? 0 : PATIENCE_MS);
  }
  room.on("connection", ({ code, final }) => judge(code, final));
  judge(null, false);
}
