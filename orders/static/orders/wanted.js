/** What somebody wants to buy, priced as it would be bought this moment. */

import * as money from "../commerce/money.js";
import { priceOf } from "../streams/prices.js";

/**
 * @typedef {import("../streams/show.js").Show} Show
 * @typedef {import("../commerce/money.js").Money} Money
 * @typedef {{variant: string, quantity: number, kept?: {title: string, image: string | null, price: Money, left: number}}} Wanted
 *   `kept` is what the cart knows of a variant that is not in this show.
 */

/**
 * @param {Wanted} wanted
 * @param {Show} show
 * @param {number} now
 */
export function pricedLine({ variant, quantity, kept }, show, now) {
  const found = show.find(variant);
  if (!found) {
    const left = kept?.left ?? 0;
    return {
      variant,
      quantity,
      left,
      title: kept?.title ?? "",
      choice: "",
      image: kept?.image ?? null,
      price: kept?.price ?? { amount: 0, currency: "EUR" },
      reference: null,
      offer: null,
      most: Math.min(99, left),
      gone: quantity > left,
    };
  }
  const { item, variant: one } = found;
  let at = priceOf(show, item, one, now);
  // More than the offer grants is had at the list price.
  if (at.offer && quantity > at.most) {
    at = { price: one.price, reference: null, offer: null, left: one.left, most: Math.min(99, one.left) };
  }
  return {
    variant,
    quantity,
    title: item.product.title,
    choice: item.variants.length > 1 ? one.title : "",
    image: item.product.image,
    ...at,
    gone: quantity > at.left,
  };
}

/**
 * Price lines of one currency and their total.
 * @param {Wanted[]} wanted
 * @param {Show} show
 * @param {number} now
 */
export function priced(wanted, show, now) {
  const lines = wanted.map((one) => pricedLine(one, show, now));
  return {
    lines,
    total: money.sum(lines.map((line) => money.times(line.price, line.quantity))),
    gone: lines.some((line) => line.gone),
  };
}
