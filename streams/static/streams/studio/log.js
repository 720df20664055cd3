/** What was decided in the show, by whom, by which rule and why; and the way back. */

import { h, say } from "../../commerce/dom.js";
import { because, inWords } from "../rules.js";
import { ago, Listing, small } from "./listing.js";
import { press, tell } from "./words.js";

/**
 * @typedef {{id: string, name: string}} Person
 * @typedef {{id: string, action: string, actor: Person | null, subject: Person, rule: string, reason: string,
 *   line: string | null, text: string, undone_by: string | null, appeal: string | null, at: string}} Decision
 */

/** @type {Record<string, (who: string) => string>} */
const DID = {
  held: (who) => `held a line of ${who}`,
  shown: (who) => `showed a line of ${who}`,
  kept: (who) => `kept a reported line of ${who}`,
  removed: (who) => `removed a line of ${who}`,
  restored: (who) => `put back a line of ${who}`,
  muted: (who) => `muted ${who}`,
  banned: (who) => `banned ${who}`,
  lifted: (who) => `lifted a mute or ban of ${who}`,
};
/** @type {Record<string, string>} */
const APPEALS = { open: "appeal open", upheld: "appeal turned down", overturned: "appeal granted" };

/** @param {{order: import("../order.js").Order, now: () => number}} parts */
export function drawLog({ order, now }) {
  /** @type {Listing<Decision>} */
  const list = new Listing({
    label: "Decisions",
    empty: "Nothing was decided in this show yet.",
    read: async () => (await order.read("decisions", "?page_size=100")).results,
    keyOf: (one) => one.id,
    make,
    update,
  });

  /** @param {Decision} one */
  function make(one) {
    const undo = small("Undo", () => press(undo, async () => {
      if (one.action === "removed") await order.restore(/** @type {string} */ (one.line));
      else await order.pardon(one.subject.id, one.action === "muted" ? "mute" : "ban");
      tell("Undone. The person concerned is told.", "good");
      await list.refresh();
    }));
    undo.classList.add("cr-log__undo");
    const by = one.actor?.name ?? "A filter";
    const why = one.actor ? because(one) : inWords(one.rule);
    return h("li", { class: "cr-case cr-case--row" },
      h("div", {},
        h("p", { class: "cr-case__who" }, h("strong", {}, by), ` ${DID[one.action]?.(one.subject.name) ?? one.action} · ${ago(one.at, now())}`),
        one.text && h("p", { class: "cr-case__line" }, one.text),
        h("p", { class: "cr-case__why" }, why, h("span", { class: "cr-log__after" }))),
      undo);
  }

  /** @param {HTMLElement} row @param {Decision} one */
  function update(row, one) {
    const canUndo = ["removed", "muted", "banned"].includes(one.action) && !one.undone_by;
    /** @type {HTMLElement} */ (row.querySelector(".cr-log__undo")).hidden = !canUndo;
    const after = [one.undone_by && "undone", one.appeal && APPEALS[one.appeal]].filter(Boolean).join(", ");
    say(/** @type {Element} */ (row.querySelector(".cr-log__after")), after && ` · ${after}`);
    row.classList.toggle("cr-case--undone", Boolean(one.undone_by));
  }
  return { element: h("div", { class: "cr-review" }, list.element), stir: () => list.stir(), refresh: () => list.refresh() };
}
