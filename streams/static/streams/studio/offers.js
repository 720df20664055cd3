/** The offers that run or are announced, with what is left of them in units and in time. */

import { h, keyed, say } from "../../commerce/dom.js";
import { show as money } from "../../commerce/money.js";
import { countdown, everyTick, many } from "../clock.js";
import { press, tell } from "./words.js";

/**
 * @typedef {import("../show.js").Offer} Offer
 * @typedef {import("../show.js").Show} Show
 */

const MORE_SECONDS = 30;
const OVERDUE_MS = 8000; // A card goes then, even if the word that the offer ended never comes.

/** @type {Record<string, string>} */
const ENDINGS = {
  sold_out: "sold out",
  time: "time is up",
  host: "ended",
  floor: "ended, because the merchant does not sell this below a higher price any more",
};

/**
 * @param {HTMLElement} place
 * @param {{show: Show, desk: import("./desk.js").Desk, now: () => number}} parts
 */
export function drawOffers(place, { show, desk, now }) {
  /** @param {Offer} offer */
  const itemOf = (offer) => show.items.find((one) => one.id === offer.item);

  /** @param {Offer} offer */
  function make(offer) {
    const open = h("button", { class: "button button--small cr-offer__open", type: "button", on: { click: () => press(open, () => desk.openNow(offer.id)) } }, "Open now");
    const more = h("button", { class: "button button--small", type: "button", on: { click: () => press(more, () => desk.extend(offer.id, MORE_SECONDS)) } }, `+${MORE_SECONDS} s`);
    const end = h("button", { class: "button button--small", type: "button", on: { click: () => press(end, () => desk.endOffer(offer.id)) } }, "End early");
    end.classList.add("cr-offer__end");
    more.classList.add("cr-offer__more");
    return h("article", { class: "cr-offer" },
      h("div", { class: "cr-offer__words" },
        h("p", { class: "cr-offer__title" }),
        h("p", { class: "cr-offer__price" }, h("strong", {}, money(offer.price)), " ", h("s", { class: "cr-offer__before" }))),
      h("p", { class: "cr-offer__time" }),
      h("div", { class: "cr-offer__sold" },
        h("div", { class: "cr-bar" }, h("span", { class: "cr-bar__fill" })),
        h("p", { class: "cr-offer__left" })),
      h("div", { class: "cr-offer__acts" }, open, more, end));
  }

  /** @param {HTMLElement} card @param {Offer} offer */
  function update(card, offer) {
    const item = itemOf(offer);
    const variant = item?.variants.find((one) => one.id === offer.variant);
    const title = item ? item.product.title + (variant ? ` (${variant.title})` : "") : "Offer";
    card.setAttribute("aria-label", `Offer for ${title}`);
    say(/** @type {Element} */ (card.querySelector(".cr-offer__title")), title);
    const find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (card.querySelector(`.cr-offer__${name}`));
    say(find("before"), offer.reference ? money(offer.reference) : "");
    const ahead = offer.starts_at - now();
    const gone = isGone(offer);
    card.classList.toggle("cr-offer--ahead", ahead > 0);
    card.classList.toggle("cr-offer--gone", gone);
    find("open").hidden = ahead <= 0;
    find("more").hidden = ahead > 0 || gone;
    say(find("end"), ahead > 0 ? "Call off" : gone ? "End for good" : "End early");
    const sold = gone ? offer.quota : offer.quota - offer.left;
    say(find("left"), ahead > 0
      ? `${many(offer.quota, "unit")} for ${countdown(offer.ends_at - offer.starts_at)}`
      : gone
      ? `All ${offer.quota} taken. Until then, what a declined card gives back is sold at this price: first to who is in line.`
      : `${offer.left} of ${offer.quota} left${offer.per_buyer > 1 ? ` · ${offer.per_buyer} per buyer` : ""}`);
    /** @type {HTMLElement} */ (card.querySelector(".cr-bar__fill")).style.width = `${(100 * sold) / offer.quota}%`;
    const left = offer.ends_at - now();
    const time = /** @type {HTMLElement} */ (card.querySelector(".cr-offer__time"));
    say(time, ahead > 0 ? `in ${countdown(ahead)}` : left > 0 ? countdown(left) : "Ending…");
    time.classList.toggle("cr-offer__time--soon", left > 0 && left <= 10_000);
    time.classList.toggle("cr-offer__time--over", left <= 0);
    for (const one of card.querySelectorAll("button")) one.disabled = left <= 0;
  }

  /** Sold out while its time runs: units may still come back. @param {Offer} offer */
  const isGone = (offer) => show.soldOut.get(offer.item)?.id === offer.id && !show.offers.has(offer.id);

  const byEnd = () => [
    ...[...show.offers.values()].filter((one) => one.status !== "ended" && now() < one.ends_at + OVERDUE_MS),
    ...[...show.soldOut.values()].filter((one) => isGone(one) && now() < one.ends_at),
  ]
    .sort((a, b) => a.ends_at - b.ends_at);

  function draw() {
    const open = byEnd();
    place.hidden = open.length === 0;
    keyed(place, open, (one) => one.id, make, update);
  }

  /** What ran a moment ago, to say how it ended. @type {Map<string, Offer>} */
  let ran = new Map();
  show.watch(["offers", "items"], () => {
    for (const [id, offer] of ran) {
      const why = show.ended.get(offer.item);
      const item = itemOf(offer);
      const begun = offer.starts_at <= now() || why === "floor";
      if (!show.offers.has(id) && why && why !== "host" && item && begun) {
        tell(`${item.product.title}: ${ENDINGS[why] ?? why}, ${offer.quota - (why === "sold_out" ? 0 : offer.left)} of ${offer.quota} taken.`, why === "floor" ? "bad" : "good");
      }
    }
    ran = new Map(show.offers);
    draw();
  });
  everyTick(draw);
}
