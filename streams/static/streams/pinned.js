/** The pinned product: what the host is explaining now, its price at this moment, and the button that buys it. */

import { h, icon, say } from "../commerce/dom.js";
import * as money from "../commerce/money.js";
import { countdown, everyTick, many, shortDay } from "./clock.js";
import { summary } from "./prices.js";
import { FEW, picture, priceLine } from "./showcase.js";

/**
 * @typedef {import("./show.js").Show} Show
 * @typedef {import("./show.js").Item} Item
 */

const HURRY_MS = 10_000;

/** @type {Record<string, string>} */
const ENDED = {
  time: "The live price is over",
  sold_out: "Live price sold out",
  host: "The live price is over",
  floor: "The live price is over",
};

/**
 * @param {HTMLElement} place
 * @param {{show: Show, now: () => number, openProduct: (item: Item) => void, buy: (item: Item) => void,
 *   announce: (text: string) => void}} parts
 */
export function drawPinned(place, { show, now, openProduct, buy, announce }) {
  const image = h("span", { class: "pinned__image" });
  const title = h("span", { class: "pinned__title" });
  const price = h("span", { class: "pinned__price" });
  const open = h(
    "button",
    { class: "pinned__open", type: "button" },
    image,
    h("span", { class: "pinned__words" }, title, price),
  );
  const buyButton = h("button", { class: "button button--main pinned__buy", type: "button" }, "Buy");
  const clock = h("span", { class: "offer__clock" });
  const left = h("span", { class: "offer__left" });
  const bar = h("span", { class: "offer__bar" }, h("span", {}));
  const offerRow = h(
    "div",
    { class: "offer" },
    h("span", { class: "offer__time" }, icon("clock"), clock),
    left,
    bar,
  );
  const plain = h("p", { class: "pinned__state" });
  place.replaceChildren(h("div", { class: "pinned__main" }, open, buyButton), offerRow, plain);

  const act = (/** @type {(item: Item) => void} */ run) => () => {
    if (show.pinnedItem) run(show.pinnedItem);
  };
  open.addEventListener("click", act(openProduct));
  buyButton.addEventListener("click", act(buy));

  let drawnImage = "";
  let announced = "";
  let announcedNext = "";
  let early = false;
  function draw() {
    const item = show.pinnedItem;
    place.hidden = !item;
    if (!item) return;
    const sums = summary(show, item, now());
    if (drawnImage !== item.id + item.product.image) {
      drawnImage = item.id + item.product.image;
      image.replaceChildren(picture(item.product.image, "pinned__picture"));
    }
    say(title, item.product.title);
    open.setAttribute("aria-label", `${item.product.title}: details`);
    const words = JSON.stringify([sums.cheapest?.price, sums.cheapest?.reference, sums.offer?.id, sums.from]);
    if (price.dataset.shown !== words) {
      price.dataset.shown = words;
      price.replaceChildren(...priceLine(sums).filter((one) => one instanceof Node));
    }
    early = Boolean(sums.opens);
    buyButton.disabled = sums.soldOut || early;
    say(buyButton, sums.soldOut ? "Sold out" : sums.opens ? `From ${shortDay(sums.opens)}` : "Buy");
    buyButton.setAttribute(
      "aria-label",
      sums.soldOut
        ? `${item.product.title} is sold out`
        : sums.opens
          ? `${item.product.title} cannot be ordered yet`
          : `Buy ${item.product.title}`,
    );
    drawOffer(sums);
    say(
      plain,
      sums.offer || sums.next || sums.soldOut
        ? ""
        : [
            ENDED[show.ended.get(item.id) ?? ""],
            sums.opens && `Pre-orders from ${shortDay(sums.opens)}`,
            sums.left <= FEW && `only ${sums.left} left`,
          ]
            .filter(Boolean)
            .join(" · "),
    );
    plain.hidden = !plain.textContent;
    if (announced !== `${item.id} ${sums.offer?.id}`) {
      announced = `${item.id} ${sums.offer?.id}`;
      // Taking the class off for a frame starts its animation anew.
      place.classList.remove("is-offered");
      if (sums.offer) requestAnimationFrame(() => place.classList.add("is-offered"));
      announce(sums.offer ? `Live price for ${item.product.title}.` : `Now showing ${item.product.title}.`);
    }
    if (sums.next && announcedNext !== sums.next.id) {
      announcedNext = sums.next.id;
      announce(`A live price for ${item.product.title} opens in ${countdown(sums.next.starts_at - now())}.`);
    }
  }

  /** @param {ReturnType<typeof summary>} sums */
  function drawOffer(sums) {
    const offer = sums.offer;
    offerRow.hidden = !(offer || sums.next) || sums.soldOut;
    offerRow.classList.toggle("offer--ahead", !offer);
    if (!offer) {
      if (!sums.next) return;
      say(clock, countdown(sums.next.starts_at - now()));
      say(left, `Live price ${money.show(sums.next.price)} · ${many(sums.next.quota, "piece")}`);
      offerRow.classList.remove("offer--hurry");
      return;
    }
    const ms = offer.ends_at - now();
    say(clock, countdown(ms));
    offerRow.classList.toggle("offer--hurry", ms < HURRY_MS);
    say(left, `${sums.left} of ${offer.quota} left`);
    /** @type {HTMLElement} */ (bar.firstElementChild).style.width = `${(100 * sums.left) / offer.quota}%`;
  }

  show.watch(["pinned", "items", "offers", "cart"], draw);
  everyTick(() => {
    if (show.offers.size || early) draw();
  });
}
