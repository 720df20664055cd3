/** The rules of the chat: the host's own words, and how often each rule was right or wrong. */

import { h, icon, say } from "../../commerce/dom.js";
import { heading, Listing } from "./listing.js";
import { press, sentence } from "./words.js";

/**
 * @typedef {{id: string, text: string}} Word
 * @typedef {{rule: string, text: string, by_filter: boolean, cases: number, waiting: number, upheld: number,
 *   overturned: number, standing: number, pardoned: number, rate: number | null}} Rate
 */

/** @param {{order: import("../order.js").Order}} parts */
export function drawRules({ order }) {
  const words = drawWords(order);
  const rates = drawRates(order);
  return {
    element: h("div", { class: "cr-review" }, ...words.elements, ...rates.elements),
    stir: () => rates.list.stir(),
    refresh: () => Promise.all([words.list.refresh(), rates.list.refresh()]),
  };
}

/** @param {import("../order.js").Order} order */
function drawWords(order) {
  const title = heading("Your words");
  /** @type {Listing<Word>} */
  const list = new Listing({
    label: "Your words",
    empty: "No words yet. A line with one of your words waits for you, in all your shows.",
    read: async () => {
      const { words } = await order.words();
      title.set(words.length);
      return words;
    },
    keyOf: (one) => one.id,
    make: (one) => {
      const drop = h("button", { class: "cr-word__drop", type: "button", "aria-label": `Remove ${one.text}`, on: { click: () => press(drop, async () => {
        await order.unblock(one.id);
        list.drop(one.id);
        title.set(list.rows.length);
      }) } }, icon("close"));
      return h("li", { class: "cr-word" }, one.text, drop);
    },
  });
  list.list.classList.add("cr-words");
  const word = h("input", { class: "field__input", id: "new-word", maxlength: 60, autocomplete: "off", placeholder: "Word or phrase" });
  const wrong = h("p", { class: "form__wrong", role: "alert", hidden: true });
  const add = h("button", { class: "button button--main", type: "submit" }, "Add");
  const form = h("form", { class: "cr-addform", novalidate: true, on: { submit: (/** @type {Event} */ event) => {
    event.preventDefault();
    wrong.hidden = true;
    if (!word.value.trim()) return word.focus();
    void press(add, async () => {
      await order.block(word.value.trim());
      word.value = "";
      await list.refresh();
    }, (error) => {
      say(wrong, sentence(error));
      wrong.hidden = false;
    });
  } } },
    h("label", { class: "field__label", for: "new-word" }, "Hold lines with this word"),
    h("div", { class: "cr-addform__row" }, word, add), wrong);
  return { list, elements: [title.element, form, list.element] };
}

/** @param {import("../order.js").Order} order */
function drawRates(order) {
  const title = heading("How the rules did in this show");
  /** @type {Listing<Rate>} */
  const list = new Listing({
    label: "How the rules did",
    empty: "No rule has acted in this show yet.",
    read: async () => (await order.read("rules")).rules.filter((/** @type {Rate} */ one) => one.cases > 0),
    keyOf: (one) => one.rule,
    make: () => h("li", { class: "cr-rate" },
      h("p", { class: "cr-rate__text" }),
      h("p", { class: "cr-rate__figures" }),
      h("p", { class: "cr-rate__wrong" }, h("strong", {}), h("span", { class: "note" }, "wrong"))),
    update: (row, one) => {
      say(/** @type {Element} */ (row.querySelector(".cr-rate__text")), one.text);
      const parts = [`${one.cases} ${one.by_filter ? "held" : "decided"}`, one.waiting && `${one.waiting} waiting`, `${one.upheld} upheld`, `${one.overturned} overturned`, one.standing && `${one.standing} unquestioned`, one.pardoned && `${one.pardoned} lifted early`];
      say(/** @type {Element} */ (row.querySelector(".cr-rate__figures")), parts.filter(Boolean).join(" · "));
      say(/** @type {Element} */ (row.querySelector("strong")), one.rate === null ? "–" : `${Math.round(one.rate * 100)}%`);
    },
  });
  const note = h("p", { class: "cr-hint" }, "“Wrong” is how many of the cases that a human looked at again were overturned.");
  return { list, elements: [title.element, note, list.element] };
}
