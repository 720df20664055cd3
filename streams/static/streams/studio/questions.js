/** What viewers ask: what waits for an answer first, by product where the host wants it. */

import { h, say } from "../../commerce/dom.js";
import { ago, Listing, small } from "./listing.js";
import { press } from "./words.js";

/**
 * @typedef {{id: string, author: {id: string, name: string}, text: string, at: string, item: string | null,
 *   product: string | null, product_title: string, answered_at: string | null}} Question
 * @param {{show: import("../show.js").Show, order: import("../order.js").Order, desk: import("./desk.js").Desk,
 *   now: () => number}} parts
 */
export function drawQuestions({ show, order, desk, now }) {
  const product = h("select", { class: "field__input cr-filter", "aria-label": "Product", on: { change: () => list.refresh() } });
  show.watch(["items"], () => {
    const chosen = product.value;
    product.replaceChildren(
      new Option("All products", ""),
      ...show.items.map((one) => new Option(one.product.title, one.product.id)),
    );
    product.value = [...product.options].some((one) => one.value === chosen) ? chosen : "";
  });

  /** @type {Listing<Question>} */
  const list = new Listing({
    label: "Questions",
    empty: "No questions yet. Viewers ask with the question mark beside their chat field.",
    read: async () => {
      const { results } = await order.read("questions", `?page_size=100${product.value ? `&product=${product.value}` : ""}`);
      const open = results.filter((/** @type {Question} */ one) => !one.answered_at).reverse();
      return [...open, ...results.filter((/** @type {Question} */ one) => one.answered_at)];
    },
    keyOf: (one) => one.id,
    make,
    update,
  });

  /** @param {string} id */
  const current = (id) => list.rows.find((one) => one.id === id);

  /** @param {Question} one */
  function make(one) {
    const mark = small("", () =>
      press(mark, async () => {
        const answered = !current(one.id)?.answered_at;
        const told = await order.answer(one.id, answered);
        list.rows = list.rows.map((row) => (row.id === one.id ? { ...row, answered_at: told.answered_at } : row));
        list.draw();
      }),
    );
    mark.classList.add("cr-asked__mark");
    const pin = small("Show the product", () => press(pin, () => desk.pin(/** @type {string} */ (one.item))), "button--quiet");
    pin.classList.add("cr-asked__pin");
    return h(
      "li",
      { class: "cr-case cr-asked" },
      h("p", { class: "cr-case__who" }, h("strong", {}, one.author.name), ` · ${ago(one.at, now())}`),
      h("p", { class: "cr-case__text" }, one.text),
      one.product_title && h("p", { class: "cr-case__why" }, one.product_title),
      h("div", { class: "cr-case__acts" }, mark, one.item && pin),
    );
  }

  /** @param {HTMLElement} row @param {Question} one */
  function update(row, one) {
    row.classList.toggle("cr-asked--done", Boolean(one.answered_at));
    const mark = /** @type {HTMLButtonElement} */ (row.querySelector(".cr-asked__mark"));
    say(mark, one.answered_at ? "Open again" : "Mark answered");
    mark.classList.toggle("button--main", !one.answered_at);
    const pin = /** @type {HTMLButtonElement | null} */ (row.querySelector(".cr-asked__pin"));
    if (pin) {
      pin.disabled = show.stream?.status !== "live" || show.pinned === one.item;
      say(pin, show.pinned === one.item ? "Showing now" : "Show the product");
    }
  }
  show.watch(["pinned", "stream"], () => list.draw());

  return { element: h("div", { class: "cr-review" }, product, list.element), stir: () => list.stir(), refresh: () => list.refresh() };
}
