/** The show's coupons: what they take off, how long and for how many, and the button that claims one. */

import { h, icon, keyed, say } from "../commerce/dom.js";
import * as money from "../commerce/money.js";
import { busy } from "../commerce/sheet.js";
import { countdown, everyTick, many } from "./clock.js";

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

const AWAY = "yellowcart:coupons-away"; // Those that were dismissed on this visit.

/**
 * The coupons take one line: the newest that can be claimed stands for all of them until they are unfolded. A used
 * one is gone.
 * @param {HTMLElement} place
 * @param {{show: Show, now: () => number, claim: (coupon: Coupon) => Promise<any>}} parts
 */
export function drawCoupons(place, { show, now, claim }) {
  let unfolded = false;
  /** @type {Set<string>} */
  const away = new Set(JSON.parse(sessionStorage.getItem(AWAY) ?? "[]"));

  /** Those on the stage, the first of them first. */
  function staged() {
    return [...show.coupons.values()]
      .filter((one) => now() < one.ends_at && !away.has(one.id) && !isUsed(one))
      .sort((a, b) => rank(a) - rank(b) || b.starts_at - a.starts_at);
  }
  /** @param {Coupon} coupon */
  function isUsed(coupon) {
    const mine = show.claims.get(coupon.id);
    return Boolean(mine && mine.used >= mine.cap);
  }
  /** What can be claimed comes first, then one's own. @param {Coupon} coupon */
  function rank(coupon) {
    if (show.claims.has(coupon.id)) return 1;
    return coupon.left > 0 ? 0 : 2;
  }
  /** @param {Coupon} coupon */
  function dismiss(coupon) {
    for (const one of unfolded ? [coupon] : staged()) away.add(one.id);
    sessionStorage.setItem(AWAY, JSON.stringify([...away]));
    draw();
  }

  /** @param {Coupon} coupon */
  function make(coupon) {
    const button = h("button", { class: "button button--small coupon__claim", type: "button" }, "Claim");
    button.addEventListener("click", () => busy(button, () => claim(coupon)));
    const more = h("button", { class: "coupon__more", type: "button" });
    more.addEventListener("click", () => {
      unfolded = !unfolded;
      draw();
    });
    const close = h("button", { class: "coupon__close", type: "button" }, icon("close"));
    close.addEventListener("click", () => dismiss(coupon));
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
      more,
      close,
    );
  }

  /** @param {HTMLElement} element @param {Coupon} coupon @param {Coupon[]} all */
  function update(element, coupon, all) {
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
    const more = find("more");
    more.hidden = all.length < 2 || coupon !== all[0];
    say(more, unfolded ? "Less" : `+${all.length - 1}`);
    more.setAttribute("aria-label", unfolded ? "Show one coupon" : `Show ${many(all.length - 1, "more coupon")}`);
    more.setAttribute("aria-expanded", String(unfolded));
    const alone = unfolded || all.length < 2;
    const units = mine || coupon.left < 1 || !alone ? "" : ` · ${coupon.left} left`;
    say(find("state"), `${mine && alone ? "use it within " : ""}${time}${units}`);
    find("close").setAttribute("aria-label", alone ? `Dismiss ${worth(coupon)}` : `Dismiss ${many(all.length, "coupon")}`);
  }

  function draw() {
    const all = staged();
    if (all.length < 2) unfolded = false;
    place.hidden = all.length === 0;
    place.classList.toggle("coupons--unfolded", unfolded);
    place.classList.toggle("coupons--folded", !unfolded && all.length > 1);
    keyed(
      place,
      unfolded ? all : all.slice(0, 1),
      (one) => one.id,
      make,
      (element, one) => update(element, one, all),
    );
  }
  show.watch(["coupons"], draw);
  everyTick(() => {
    if (show.coupons.size) draw();
  });
}
