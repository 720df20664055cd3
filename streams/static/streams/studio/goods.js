/** The showcase in the control room: what is pinned, what is left, and the form that opens an offer. */

import { h, keyed, say } from "../../commerce/dom.js";
import { show as money } from "../../commerce/money.js";
import { nextOffer, runningOffer } from "../prices.js";
import { offerForm, present } from "./offerform.js";
import { press } from "./words.js";

/**
 * @typedef {import("../show.js").Item} Item
 * @typedef {import("../show.js").Show} Show
 */

/**
 * @param {HTMLElement} list
 * @param {{show: Show, desk: import("./desk.js").Desk, now: () => number,
 *   lining: import("../../orders/lining.js").Lining}} parts `lining`: who waits for what.
 */
export function drawGoods(list, { show, desk, now, lining }) {
  /** The item whose form is open. @type {string | null} */
  let open = null;

  /** @param {Item} item */
  function make(item) {
    const id = item.id;
    const pin = h("button", { class: "button button--small cr-good__pin", type: "button", on: { click: () => press(pin, () => (show.pinned === id ? desk.unpin() : desk.pin(id))) } });
    const offer = h("button", { class: "button button--small cr-good__offer", type: "button", "aria-expanded": "false", on: { click: () => toggle(id) } }, "Offer");
    return h("li", { class: "cr-good" },
      h("div", { class: "cr-good__row" },
        item.product.image ? h("img", { class: "cr-good__picture", src: item.product.image, alt: "", loading: "lazy" }) : h("span", { class: "cr-good__picture" }),
        h("div", { class: "cr-good__words" },
          h("p", { class: "cr-good__title" }, item.product.title),
          h("p", { class: "cr-good__facts" },
            h("span", { class: "cr-good__price" }), " · ", h("span", { class: "cr-good__left" }), h("span", { class: "cr-good__crowd" }))),
        h("div", { class: "cr-good__acts" }, pin, offer)),
      h("div", { class: "cr-good__form", hidden: true }));
  }

  /** @param {string} id */
  function toggle(id) {
    open = open === id ? null : id;
    draw();
    const row = /** @type {HTMLElement | null} */ (list.querySelector(`[data-key="${id}"]`));
    if (open && row) present(row);
  }

  /** Who waits for it, in words. @param {Item} item */
  function crowd(item) {
    const inLine = item.variants.reduce((all, one) => all + (lining.lines.get(one.id)?.waiting ?? 0), 0);
    const offer = runningOffer(show, item, now()) ?? nextOffer(show, item, now());
    const atDoor = offer?.waits ? (lining.moved.get(offer.id)?.waiting ?? 0) : 0;
    const count = (/** @type {number} */ n) => n.toLocaleString("en-GB");
    return `${inLine ? ` · ${count(inLine)} in line` : ""}${atDoor ? ` · ${count(atDoor)} in the waiting room` : ""}`;
  }

  /** @param {HTMLElement} row @param {Item} item */
  function update(row, item) {
    const live = show.stream?.status === "live";
    const pinned = show.pinned === item.id;
    const running = runningOffer(show, item, now());
    const ahead = nextOffer(show, item, now());
    const left = item.variants.reduce((all, one) => all + one.left, 0);
    row.classList.toggle("cr-good--pinned", pinned);
    say(/** @type {Element} */ (row.querySelector(".cr-good__price")), item.price ? money(item.price) : "No price");
    const stock = /** @type {HTMLElement} */ (row.querySelector(".cr-good__left"));
    say(stock, left ? `${left.toLocaleString("en-GB")} left` : "Sold out");
    stock.classList.toggle("cr-good__left--none", !left);
    say(/** @type {Element} */ (row.querySelector(".cr-good__crowd")), crowd(item));
    stock.classList.toggle("cr-good__left--few", left > 0 && left <= 10);

    const pin = /** @type {HTMLButtonElement} */ (row.querySelector(".cr-good__pin"));
    say(pin, pinned ? "Unpin" : "Pin");
    pin.setAttribute("aria-label", `${pinned ? "Unpin" : "Pin"} ${item.product.title}`);
    pin.setAttribute("aria-pressed", String(pinned));
    pin.disabled = !live;
    const offer = /** @type {HTMLButtonElement} */ (row.querySelector(".cr-good__offer"));
    const isOpen = open === item.id && live && !running && !ahead;
    say(offer, running ? "Running" : ahead ? "Announced" : "Offer");
    const has = running ? "is running" : "is announced";
    offer.setAttribute("aria-label", running || ahead ? `An offer for ${item.product.title} ${has}` : `Open an offer for ${item.product.title}`);
    offer.setAttribute("aria-expanded", String(isOpen));
    offer.disabled = !live || Boolean(running || ahead) || !item.price;

    const form = /** @type {HTMLElement} */ (row.querySelector(".cr-good__form"));
    if (isOpen && !form.childElementCount) form.append(offerForm(item, { desk, show, done: () => { open = null; draw(); } }));
    if (!isOpen) form.replaceChildren();
    form.hidden = !isOpen;
  }

  function draw() {
    keyed(list, show.items, (one) => one.id, make, update);
    /** @type {HTMLElement} */ (document.getElementById("no-goods")).hidden = show.items.length > 0;
    /** @type {HTMLElement} */ (document.getElementById("goods-hint")).hidden = !show.items.length || show.stream?.status !== "scheduled";
  }
  show.watch(["items", "pinned", "offers", "stream"], draw);
  lining.addEventListener("change", draw);
}
