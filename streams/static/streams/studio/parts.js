/** The parts of the chat's column: one is open, and only that one is kept fresh. */

import { say } from "../../commerce/dom.js";

/** @typedef {{element: HTMLElement, refresh: () => Promise<any>, stir: () => void}} Part */

/** What makes a part look again. @type {Record<string, string[]>} */
const NEWS = {
  review: ["moderation.waiting", "chat.removed", "chat.restored"],
  questions: ["moderation.waiting", "question.answered", "chat.removed"],
  people: ["moderation.waiting"],
  rules: ["moderation.waiting", "chat.removed", "chat.restored"],
  log: ["moderation.waiting", "chat.removed", "chat.restored"],
};

/**
 * @param {HTMLElement} strip Its buttons name the parts by data-part; each panel is #part-<name>.
 * @param {Record<string, Part>} parts All but the chat itself, which is always fresh.
 * @param {{show: import("../show.js").Show, room: import("../room.js").Room, turned: () => void}} joins
 */
export function drawParts(strip, parts, { show, room, turned }) {
  const buttons = /** @type {HTMLButtonElement[]} */ ([...strip.querySelectorAll("[data-part]")]);
  for (const [name, part] of Object.entries(parts)) panel(name).replaceChildren(part.element);

  /** @param {string} name */
  function panel(name) {
    return /** @type {HTMLElement} */ (document.getElementById(`part-${name}`));
  }
  let open = "chat";

  /** @param {string} name */
  function turnTo(name) {
    open = name;
    for (const one of buttons) {
      const chosen = one.dataset.part === name;
      one.setAttribute("aria-selected", String(chosen));
      one.tabIndex = chosen ? 0 : -1;
      panel(one.dataset.part ?? "").hidden = !chosen;
    }
    void parts[name]?.refresh();
    turned();
  }
  strip.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-part]"));
    if (button?.dataset.part) turnTo(button.dataset.part);
  });
  strip.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = buttons.findIndex((one) => one.dataset.part === open);
    const next = buttons[(at + step + buttons.length) % buttons.length];
    turnTo(next.dataset.part ?? "chat");
    next.focus();
  });
  room.on("*", (_d, { t }) => {
    if (NEWS[open]?.includes(t)) parts[open].stir();
  });
  // What was told while the connection was away is not told again.
  room.on("connection", ({ online }) => {
    if (online) parts[open]?.stir();
  });
  show.watch(["own"], () => {
    const { held = 0, reported = 0, appeals = 0, questions = 0 } = show.own.waiting ?? {};
    badge("review", held + reported + appeals);
    badge("questions", questions);
    const all = /** @type {HTMLElement} */ (document.getElementById("waiting"));
    say(all, String(held + reported + appeals));
    all.hidden = held + reported + appeals === 0;
  });

  /** @param {string} name @param {number} n */
  function badge(name, n) {
    const place = /** @type {HTMLElement} */ (strip.querySelector(`[data-part="${name}"] .cr-badge`));
    say(place, n > 99 ? "99+" : String(n));
    place.hidden = n === 0;
  }
  turnTo("chat");
  return { turnTo, isOpen: (/** @type {string} */ name) => open === name };
}
