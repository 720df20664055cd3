/** What somebody wants to buy, priced as it would be bought this moment. */

import * as money from "../commerce/money.js";
import { ahead, heldNow, priceOf } from "../streams/prices.js";

/**
 * @typedef {import("../streams/show.js").Show} Show
 * @typedef {import("../commerce/money.js").Money} Money
 * @typedef {{variant: string, quantity: number, kept?: {title: string, image: string | null, price: Money, left: number, release_at: number | null,
 *   opens_at: number | null},
 *   turn?: {offer: string | null, price: Money, quantity: number, until: number}}} Wanted
 *   `kept` is what the cart knows of a variant that is not in this show, `turn` what is held for a shopper in line.
 */

/**
 * @param {Wanted} wanted
 * @param {Show} show
 * @param {number} now
 */
export function pricedLine({ variant, quantity, kept, turn }, show, now) {
  const found = show.find(variant);
  if (!found) {
    const left = (kept?.left ?? 0) + heldNow(show, variant, now);
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
      release: ahead(kept?.release_at, now),
      opens: ahead(kept?.opens_at, now),
    };
  }
  const release = ahead(found.variant.release_at, now);
  const item = found.item;
  const one = found.variant;
  let at = priceOf(show, item, one, now);
  // More than the offer grants is had at the list price.
  if (at.offer && quantity > at.most) {
    const left = one.left + heldNow(show, variant, now);
    at = { ...at, price: one.price, reference: null, offer: null, left, most: at.opens ? 0 : Math.min(99, left) };
  }
  // Held for her, and at that price, whatever the offer does meanwhile.
  if (turn) {
    const left = now < turn.until ? turn.quantity : 0;
    const offer = turn.offer ? { id: turn.offer, ends_at: turn.until } : null;
    const hers = { ...at, price: turn.price, reference: null, offer, left, most: left, gone: quantity > left };
    return { ...named(item, one), variant, quantity, release, ...hers };
  }
  return { ...named(item, one), variant, quantity, release, ...at, gone: quantity > at.left };
}

/** @param {import("../streams/show.js").Item} item @param {import("../streams/show.js").Variant} one */
function named(item, one) {
  return {
    title: item.product.title,
    choice: item.variants.length > 1 ? one.title : "",
    image: item.product.image,
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
    release: Math.max(0, ...lines.map((line) => line.release ?? 0)) || null,
    opens: Math.max(0, ...lines.map((line) => line.opens ?? 0)) || null,
  };
}
