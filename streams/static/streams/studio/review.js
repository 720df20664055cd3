/** What waits for a human: lines that a filter holds, lines that viewers reported, and appeals. */

import { h } from "../../commerce/dom.js";
import { openLineMenu } from "../linemenu.js";
import { because, inWords } from "../rules.js";
import { ago, heading, Listing, small } from "./listing.js";
import { press, sentence, tell } from "./words.js";

/**
 * @typedef {{id: string, name: string}} Person
 * @typedef {{id: string, author: Person, text: string, at: string, status: string, rule: string, matched: string,
 *   reason: string, question: boolean, reports: {reporter: Person, category: string, note: string}[]}} Case
 * @typedef {{id: string, by: Person, text: string, at: string,
 *   decision: {action: string, actor: Person | null, rule: string, reason: string, text: string}}} Appeal
 * @typedef {{show: import("../show.js").Show, order: import("../order.js").Order, now: () => number}} Parts
 */

/** @type {Record<string, string>} */
const ACTIONS = { removed: "removed the line", muted: "muted the author", banned: "banned the author" };

/** @param {Parts} parts */
export function drawReview(parts) {
  const cases = drawCases(parts);
  const appeals = drawAppeals(parts);
  return {
    element: h("div", { class: "cr-review" }, ...cases.elements, ...appeals.elements),
    stir: () => [cases, appeals].forEach((one) => one.list.stir()),
    refresh: () => Promise.all([cases.list.refresh(), appeals.list.refresh()]),
  };
}

/** @param {Parts} parts */
function drawCases({ show, order, now }) {
  const title = heading("To be looked at");
  /** @type {Listing<Case>} */
  const list = new Listing({
    label: "Lines to be looked at",
    empty: "Nothing waits. Lines that a filter holds and lines that viewers report come here.",
    read: async () => {
      const { results } = await order.read("queue", "?page_size=100");
      title.set(results.length);
      return results;
    },
    keyOf: (one) => one.id,
    make,
  });
  list.list.addEventListener("keydown", byKey);

  /** @param {Case} one */
  function make(one) {
    const held = one.status === "held";
    const showIt = small(held ? "Show" : "Keep", () => decide(one, "show", showIt), "button--main");
    const remove = small("Remove", () => decide(one, "remove", remove));
    const more = small("More…", () => openMore(one), "button--quiet");
    showIt.dataset.act = "show";
    remove.dataset.act = "remove";
    return h(
      "li",
      { class: `cr-case cr-case--${one.status}`, tabindex: "0", "aria-label": `${one.author.name} wrote: ${one.text}` },
      h("p", { class: "cr-case__who" }, h("strong", {}, one.author.name), ` · ${ago(one.at, now())}`),
      h("p", { class: "cr-case__text" }, ...marked(one.text, one.matched)),
      h("p", { class: "cr-case__why" }, held ? `Held: ${inWords(one.rule)}` : reported(one)),
      one.reports.filter((each) => each.note).map((each) => h("p", { class: "cr-case__note" }, `${each.reporter.name}: “${each.note}”`)),
      h("div", { class: "cr-case__acts" }, showIt, remove, more),
    );
  }

  /** @param {Case} one @param {"show" | "remove"} verdict @param {HTMLButtonElement} button */
  async function decide(one, verdict, button) {
    const row = /** @type {HTMLElement | null} */ (button.closest(".cr-case"));
    const next = /** @type {HTMLElement | null} */ (row?.nextElementSibling ?? row?.previousElementSibling ?? null);
    const inside = row?.contains(document.activeElement);
    const done = await press(button, () => order.decide(one.id, verdict), (error) => {
      tell(sentence(error));
      list.stir();
    });
    if (!done) return;
    list.drop(one.id);
    title.set(list.rows.length);
    if (inside) (next ?? list.list).focus();
  }

  /** @param {Case} one */
  function openMore(one) {
    openLineMenu(
      { id: one.id, user: { ...one.author, role: "viewer" }, text: one.text, at: Date.parse(one.at) },
      { show, order, sentence, told: (text) => (tell(text, "good"), list.stir()), only: ["remove", "mute", "ban"] },
    );
  }

  /** S shows, R removes, the arrows move. @param {KeyboardEvent} event */
  function byKey(event) {
    const row = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".cr-case"));
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = { s: "show", r: "remove" }[event.key.toLowerCase()];
    const step = { ArrowDown: "nextElementSibling", j: "nextElementSibling", ArrowUp: "previousElementSibling", k: "previousElementSibling" }[event.key];
    if (act) /** @type {HTMLElement} */ (row.querySelector(`[data-act="${act}"]`)).click();
    else if (step) /** @type {any} */ (row)[step]?.focus();
    else return;
    event.preventDefault();
  }

  const hint = h("p", { class: "cr-keys" }, "On the line you are at, ", h("kbd", {}, "S"), " shows, ", h("kbd", {}, "R"), " removes, ", h("kbd", {}, "↑"), h("kbd", {}, "↓"), " moves");
  return { list, elements: [title.element, hint, list.element] };
}

/** @param {Parts} parts */
function drawAppeals({ order, now }) {
  const title = heading("Appeals");
  /** @type {Listing<Appeal>} */
  const list = new Listing({
    label: "Appeals",
    empty: "Nobody has appealed.",
    read: async () => {
      const { results } = await order.read("appeals", "?outcome=open&page_size=100");
      title.set(results.length);
      return results;
    },
    keyOf: (one) => one.id,
    make,
  });

  /** @param {Appeal} one */
  function make(one) {
    const { decision } = one;
    const answer = h("input", { class: "field__input", maxlength: 200, autocomplete: "off", "aria-label": "Answer to the author", placeholder: "Answer (optional)" });
    /** @param {"upheld" | "overturned"} outcome @param {HTMLButtonElement} button */
    const decide = async (outcome, button) => {
      const done = await press(button, () => order.decideAppeal(one.id, outcome, answer.value.trim()), (error) => {
        tell(sentence(error));
        list.stir();
      });
      if (!done) return;
      list.drop(one.id);
      title.set(list.rows.length);
      tell(outcome === "overturned" ? "Overturned. It is undone, and the author is told." : "The decision stands. The author is told.", "good");
    };
    const overturn = small("Overturn", () => decide("overturned", overturn), "button--main");
    const uphold = small("Keep the decision", () => decide("upheld", uphold));
    return h(
      "li",
      { class: "cr-case cr-case--appeal" },
      h("p", { class: "cr-case__who" }, h("strong", {}, one.by.name), ` · ${ago(one.at, now())}`),
      h("p", { class: "cr-case__text" }, `“${one.text}”`),
      h(
        "p",
        { class: "cr-case__why" },
        `${decision.actor?.name ?? "A filter"} ${ACTIONS[decision.action] ?? decision.action}: ${because(decision)}`,
        decision.text && h("span", { class: "cr-case__line" }, decision.text),
      ),
      answer,
      h("div", { class: "cr-case__acts" }, overturn, uphold),
    );
  }
  return { list, elements: [title.element, list.element] };
}

/** @param {Case} one */
function reported(one) {
  const times = one.reports.length;
  const named = [...new Set(one.reports.map((each) => inWords(each.category)))].join("; ");
  return `Reported ${times === 1 ? "once" : `by ${times} viewers`}: ${named}`;
}

/** The text with what the rule found in it marked. @param {string} text @param {string} matched */
function marked(text, matched) {
  const at = matched ? text.toLowerCase().indexOf(matched.toLowerCase()) : -1;
  if (at < 0) return [text];
  return [text.slice(0, at), h("mark", {}, text.slice(at, at + matched.length)), text.slice(at + matched.length)];
}
