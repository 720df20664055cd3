/**
 * What something costs at this moment, by the server's clock: the running offer's price, or the list price.
 * An announced offer runs from its moment on, whether the room has said so or not.
 */

/**
 * @typedef {import("./show.js").Show} Show
 * @typedef {import("./show.js").Item} Item
 * @typedef {import("./show.js").Variant} Variant
 * @typedef {import("./show.js").Offer} Offer
 * @typedef {import("../commerce/money.js").Money} Money
 */

/**
 * The item's offer that runs now.
 * @param {Show} show
 * @param {Item} item
 * @param {number} now Server time in Unix ms.
 * @returns {Offer | null}
 */
export function runningOffer(show, item, now) {
  for (const offer of show.offers.values()) {
    if (offer.item === item.id && offer.starts_at <= now && now < offer.ends_at) return offer;
  }
  return null;
}

/**
 * The item's offer that is announced and has not begun.
 * @param {Show} show
 * @param {Item} item
 * @param {number} now Server time in Unix ms.
 * @returns {Offer | null}
 */
export function nextOffer(show, item, now) {
  const ahead = [...show.offers.values()].filter((one) => one.item === item.id && one.starts_at > now);
  return ahead.sort((a, b) => a.starts_at - b.starts_at)[0] ?? null;
}

/**
 * How many units of a variant are held for the shopper's cart: they are hers to buy beside those in stock.
 * @param {Show} show
 * @param {string} variant
 * @param {number} now
 * @returns {number}
 */
export function heldNow(show, variant, now) {
  const line = show.cart?.lines.find((/** @type {{variant: string}} */ one) => one.variant === variant);
  return line?.held_until > now ? line.held : 0;
}

/**
 * @param {Show} show
 * @param {Item} item
 * @param {Variant} variant
 * @param {number} now Server time in Unix ms.
 * @returns {{price: Money, reference: Money | null, offer: Offer | null, left: number, most: number,
 *   opens: number | null}} `left` is what this shopper can still have at this price, `most` what she can take at
 *   once; `opens` is when a pre-order is taken from, null where it is now.
 */
export function priceOf(show, item, variant, now) {
  const there = variant.left + heldNow(show, variant.id, now);
  const offer = runningOffer(show, item, now);
  const opens = ahead(variant.opens_at, now);
  if (offer && offer.left > 0 && (offer.variant === null || offer.variant === variant.id)) {
    const left = Math.min(offer.left, there);
    return {
      price: offer.price,
      reference: offer.reference,
      offer,
      left,
      most: opens ? 0 : Math.min(offer.per_buyer, left),
      opens,
    };
  }
  return {
    price: variant.price,
    reference: null,
    offer: null,
    left: there,
    most: opens ? 0 : Math.min(99, there),
    opens,
  };
}

/** A moment that is to come; null for what has been. @param {number | null | undefined} at @param {number} now */
export function ahead(at, now) {
  return at && at > now ? at : null;
}

/**
 * What a card of the item says: its lowest price now, over the variants that can be had.
 * @param {Show} show
 * @param {Item} item
 * @param {number} now
 */
export function summary(show, item, now) {
  const all = item.variants.map((variant) => ({ variant, ...priceOf(show, item, variant, now) }));
  const buyable = all.filter((one) => one.left > 0);
  const offer = all.find((one) => one.offer)?.offer ?? null;
  const cheapest = (buyable.length ? buyable : all).reduce(
    (best, one) => (!best || one.price.amount < best.price.amount ? one : best),
    /** @type {(typeof all)[number] | null} */ (null),
  );
  const prices = new Set((buyable.length ? buyable : all).map((one) => one.price.amount));
  const stock = item.variants.reduce((units, one) => units + one.left + heldNow(show, one.id, now), 0);
  return {
    cheapest,
    from: prices.size > 1,
    offer,
    next: nextOffer(show, item, now),
    soldOut: !buyable.length,
    // Nothing of it can be ordered before then.
    opens: buyable.length && buyable.every((one) => one.opens) ? Math.min(...buyable.map((one) => one.opens ?? 0)) : null,
    left: offer ? Math.min(offer.left, stock) : stock,
  };
}
