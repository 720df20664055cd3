/**
 * The claimed coupon that takes most off what is wanted. The page knows no floors, so the shop may answer that it is
 * less; then it says the total.
 */

import * as money from "../commerce/money.js";

/**
 * @typedef {import("../streams/show.js").Show} Show
 * @typedef {import("../streams/coupons.js").Coupon} Coupon
 * @typedef {ReturnType<typeof import("./wanted.js").pricedLine>} Line
 */

/**
 * @param {Show} show
 * @param {Line[]} lines
 * @param {number} now
 * @returns {{coupon: Coupon, off: number} | null} `off` in minor units.
 */
export function bestCoupon(show, lines, now) {
  /** @type {{coupon: Coupon, off: number} | null} */
  let best = null;
  for (const { coupon, used, cap } of show.claims.values()) {
    if (used >= cap || now >= coupon.ends_at) continue;
    const off = worthOf(coupon, show, lines);
    if (off > (best?.off ?? 0)) best = { coupon, off };
  }
  return best;
}

/** @param {Coupon} coupon @param {Show} show @param {Line[]} lines */
function worthOf(coupon, show, lines) {
  const currency = (coupon.amount_off ?? coupon.min_amount)?.currency;
  const its = lines.filter((line) => {
    const merchant = show.find(line.variant)?.item.product.merchant.id;
    const open = !line.offer || ("takes_coupons" in line.offer && line.offer.takes_coupons);
    return merchant === coupon.merchant.id && open && (!currency || line.price.currency === currency);
  });
  const before = its.reduce((sum, line) => sum + line.price.amount * line.quantity, 0);
  const units = its.reduce((sum, line) => sum + line.quantity, 0);
  if (!before || before < (coupon.min_amount?.amount ?? 0)) return 0;
  const step = money.step(its[0].price.currency);
  const off = coupon.amount_off
    ? coupon.amount_off.amount
    : Math.ceil((before * (coupon.percent_bp ?? 0)) / (10_000 * step)) * step;
  const most = Math.min(off, before - units);
  return most - (most % step);
}
