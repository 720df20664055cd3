/** The showcase: the show's products as a list of cards. */

import { h, icon, keyed, say } from "../commerce/dom.js";
import * as money from "../commerce/money.js";
import { countdown, everyTick, shortDay } from "./clock.js";
import { summary } from "./prices.js";

/**
 * @typedef {import("./show.js").Show} Show
 * @typedef {import("./show.js").Item} Item
 */

/** Below this many units a card says how many are left. */
export const FEW = 20;

/**
 * The picture of a product, or a plain field where there is none.
 * @param {string | null} url
 * @param {string} name Class of the element.
 */
export function picture(url, name) {
  if (!url) return h("span", { class: `${name} picture picture--none`, "aria-hidden": "true" }, icon("bag"));
  const image = h("img", { class: `${name} picture`, src: url, alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.replaceWith(picture(null, name)), { once: true });
  return image;
}

/**
 * The price of an item in words; while an offer runs with its reference price struck through, where there is one.
 * @param {ReturnType<typeof summary>} sums
 */
export function priceLine(sums) {
  if (!sums.cheapest) return [h("span", { class: "price" }, "Not for sale")];
  const { price, reference, offer } = sums.cheapest;
  return [
    offer && h("span", { class: "visually-hidden" }, "Live price "),
    h(
      "span",
      { class: offer ? "price price--live" : "price" },
      sums.from ? `from ${money.show(price)}` : money.show(price),
    ),
    reference && reference.amount > price.amount && h("span", { class: "visually-hidden" }, " instead of "),
    reference && reference.amount > price.amount && h("s", { class: "price__before" }, money.show(reference)),
  ];
}

/**
 * @param {HTMLElement} place
 * @param {{show: Show, now: () => number, openProduct: (item: Item) => void}} parts
 * @returns {() => void} How to stop drawing.
 */
export function drawShowcase(place, { show, now, openProduct }) {
  const list = h("ul", { class: "products__list" });
  const nothing = h(
    "div",
    { class: "nothing" },
    icon("bag"),
    h("p", { class: "nothing__title" }, "Nothing here yet"),
    h("p", {}, "Products appear here as soon as the host shows them."),
  );
  place.replaceChildren(list, nothing);

  /** @param {Item} item */
  const make = (item) => {
    const button = h(
      "button",
      { class: "product", type: "button" },
      h("span", { class: "product__number", "aria-hidden": "true" }),
      picture(item.product.image, "product__picture"),
      h(
        "span",
        { class: "product__words" },
        h("span", { class: "product__pinned" }, "Showing now"),
        h("span", { class: "product__title" }),
        h("span", { class: "product__price" }),
        h("span", { class: "product__state" }),
      ),
    );
    button.addEventListener("click", () => {
      const current = show.items.find((one) => one.id === item.id);
      if (current) openProduct(current);
    });
    return h("li", {}, button);
  };
  /** @param {HTMLElement} element @param {Item} item */
  const update = (element, item) => {
    const find = (/** @type {string} */ name) =>
      /** @type {HTMLElement} */ (element.querySelector(`.product__${name}`));
    const sums = summary(show, item, now());
    say(find("number"), String(show.items.indexOf(item) + 1));
    say(find("title"), item.product.title);
    find("pinned").hidden = show.pinned !== item.id;
    const price = JSON.stringify([sums.cheapest?.price, sums.cheapest?.reference, sums.offer?.id, sums.from]);
    if (find("price").dataset.shown !== price) {
      find("price").dataset.shown = price;
      find("price").replaceChildren(...priceLine(sums).filter((one) => one instanceof Node));
    }
    element.classList.toggle("is-sold-out", sums.soldOut);
    element.classList.toggle("is-pinned", show.pinned === item.id);
    say(find("state"), stateOf(sums, now()));
  };
  const refresh = () => {
    keyed(list, show.items, (item) => item.id, make, update);
    list.hidden = show.items.length === 0;
    nothing.hidden = show.items.length > 0;
  };
  const stops = [
    show.watch(["items", "offers", "pinned"], refresh),
    everyTick(() => {
      if (show.offers.size) refresh();
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

/**
 * @param {ReturnType<typeof summary>} sums
 * @param {number} now
 */
function stateOf(sums, now) {
  if (sums.soldOut) return "Sold out";
  if (sums.opens) return `Pre-orders from ${shortDay(sums.opens)}`;
  if (sums.offer) return `${countdown(sums.offer.ends_at - now)} · ${sums.left} left`;
  if (sums.next) return `${money.show(sums.next.price)} live in ${countdown(sums.next.starts_at - now)}`;
  return sums.left <= FEW ? `Only ${sums.left} left` : "";
}
