/** The show's coupons: what they take off, how long and for how many, and the button that claims one. */

import { h, icon, keyed, say } from "../commerce/dom.js";
import * as money from "../commerce/money.js";
import { busy } from "../commerce/sheet.js";
import { countdown, everyTick } from "./clock.js";

/**
 * @typedef {import("../commerce/money.js").Money} Money
 * @typedef {{id: string, merchant: {id: string, name: string}, code: string, percent_bp: number | null,
 *   amount_off: Money | null, min_amount: Money | null, quota: number, left: number, per_buyer: number,
 *   starts_at: number, ends_at: number, status: "open" | "ended"}} Coupon
 * @typedef {{coupon: Coupon, used: number, cap: number, claimed_at: number}} Claim
 * @typedef {import("./show.js").Show} Show
 */

/**
 * What a coupon takes off, in words: 10% off, or 5.00 off from 25.00.
 * @param {Coupon} coupon
 */
export function worth(coupon) {
  const off = coupon.amount_off ? money.show(coupon.amount_off) : `${(coupon.percent_bp ?? 0) / 100}%`;
  return `${off} off${coupon.min_amount ? ` from ${money.show(coupon.min_amount)}` : ""}`;
}

/**
 * @param {HTMLElement} place
 * @param {{show: Show, now: () => number, claim: (coupon: Coupon) => Promise<any>}} parts
 */
export function drawCoupons(place, { show, now, claim }) {
  /** @param {Coupon} coupon */
  function make(coupon) {
    const button = h("button", { class: "button button--small coupon__claim", type: "button" }, "Claim");
    button.addEventListener("click", () => busy(button, () => claim(coupon)));
    return h(
      "li",
      { class: "coupon" },
      h(
        "span",
        { class: "coupon__words" },
        h("strong", { class: "coupon__worth" }, worth(coupon)),
        h("span", { class: "coupon__whose" }, coupon.merchant.name),
        h("span", { class: "coupon__state" }),
      ),
      h("span", { class: "coupon__mine", hidden: true }, icon("check"), "Yours"),
      button,
    );
  }

  /** @param {HTMLElement} element @param {Coupon} coupon */
  function update(element, coupon) {
    const find = (/** @type {string} */ name) =>
      /** @type {HTMLElement} */ (element.querySelector(`.coupon__${name}`));
    const mine = show.claims.get(coupon.id);
    const time = countdown(coupon.ends_at - now());
    const button = /** @type {HTMLButtonElement} */ (find("claim"));
    element.classList.toggle("coupon--mine", Boolean(mine));
    find("mine").hidden = !mine;
    button.hidden = Boolean(mine);
    button.disabled = coupon.left < 1;
    say(button, coupon.left < 1 ? "All claimed" : "Claim");
    button.setAttribute("aria-label", `Claim ${worth(coupon)} at ${coupon.merchant.name}`);
    if (mine) say(find("state"), mine.used < mine.cap ? `use it within ${time}` : "used");
    else say(find("state"), coupon.left < 1 ? time : `${time} · ${coupon.left} left`);
  }

  function draw() {
    const running = [...show.coupons.values()].filter((one) => now() < one.ends_at);
    place.hidden = running.length === 0;
    keyed(place, running, (one) => one.id, make, update);
  }
  show.watch(["coupons"], draw);
  everyTick(() => {
    if (show.coupons.size) draw();
  });
}
