/** Hearts: a press sends one, and those of everybody rise over the picture. */

import { h, icon } from "../commerce/dom.js";

const AT_ONCE = 6;
const SEND_EVERY_MS = 500;
const MOST_PER_FRAME = 20;

/**
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} sky Where they rise.
 * @param {{show: import("./show.js").Show, room: import("./room.js").Room}} parts
 */
export function drawHearts(button, sky, { show, room }) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let waiting = 0;
  /** Own hearts that the next totals will hold too. */
  let own = 0;

  /** @param {number} n */
  function rise(n) {
    if (calm.matches || document.hidden) return;
    for (let i = 0; i < Math.min(n, AT_ONCE); i++) {
      const heart = h("span", { class: "heart" }, icon("heart", { solid: true }));
      heart.style.setProperty("--drift", `${Math.round(Math.random() * 60 - 30)}px`);
      heart.style.animationDelay = `${i * 90}ms`;
      heart.addEventListener("animationend", () => heart.remove());
      sky.append(heart);
    }
  }
  function send() {
    if (waiting) room.send("reaction.send", { kind: "heart", n: Math.min(waiting, MOST_PER_FRAME) });
    waiting = 0;
  }
  button.addEventListener("click", () => {
    rise(1);
    if (!waiting) setTimeout(send, SEND_EVERY_MS);
    waiting += 1;
    own += 1;
  });
  // The room tells totals, so a lost count is made good by the next one.
  /** @type {number | null} */
  let total = null;
  room.on("reaction.count", ({ counts }) => {
    const hearts = counts.heart ?? 0;
    const more = total === null ? 0 : Math.max(0, hearts - total);
    total = hearts;
    rise(Math.max(0, more - own));
    own = Math.max(0, own - more);
  });
  show.watch(["stream"], () => {
    button.hidden = show.stream?.status !== "live";
  });
}
