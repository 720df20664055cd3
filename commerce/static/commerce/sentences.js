/** Refusals in plain sentences. The code decides; the server's own words are used where it knows more. */

/** @type {Record<string, string | ((data: Record<string, any>) => string)>} */
const SENTENCES = {
  NO_ANSWER: "The shop did not answer. Check your connection and try again.",
  UNAUTHENTICATED: "Sign in first.",
  WRONG_CREDENTIALS: "The e-mail address or the password is not right.",
  EMAIL_TAKEN: "There is already an account with this e-mail address. Sign in instead.",
  RATE_LIMITED: "That was a bit fast. Wait a moment and try again.",
  SLOW_MODE: "Slow mode is on. Wait a moment before your next message.",
  MUTED: "You are muted in this show for a while.",
  BANNED: "You are banned from this show.",
  FOLLOWERS_ONLY: "Only followers can chat now. Follow the host to join in.",
  LINE_NOT_SHOWN: "Only a line that everybody sees can be pinned.",
  ALREADY_DECIDED: "Somebody has decided this meanwhile.",
  KEEPS_ORDER: "Host and moderators cannot be muted or banned.",
  FORBIDDEN: "You may not do this.",
  NOT_FOUND: "This is not there any more.",
  OUT_OF_STOCK: (data) => {
    if (data.left > 0) return `Only ${data.left} left. Take fewer and try again.`;
    return data.offer
      ? "The pieces at this price are gone: somebody was a moment faster. You were not charged."
      : "Sold out: somebody was a moment faster. You were not charged.";
  },
  OFFER_NOT_STARTED: "This offer has not started yet.",
  NOT_SOLD_OUT: "There is some left: buy it now.",
  ALREADY_IN_LINE: "You are in this line already.",
  NOT_IN_LINE: "You are not in this line any more.",
  NO_LINE: "One cannot line up for a bundle.",
  TOO_MANY_WAITS: "You are in too many lines. Leave one first.",
  NOT_YOUR_TURN: (data) =>
    data.position
      ? `It is not your turn yet: you are number ${data.position} in the waiting room.`
      : "Go through the waiting room first.",
  NO_WAITING_ROOM: "This offer has no waiting room. Buy when it opens.",
  NOT_CANCELLABLE: "This cannot be cancelled any more. Once it is there you may send it back.",
  CANCELLATION_REFUSED: "The seller has refused to cancel this. Once it is there you may send it back.",
  ORDER_NOT_SHIPPED: "Only what was shipped can be sent back.",
  RETURN_TOO_LATE: "The time for sending this back is over.",
  RETURN_TOO_MUCH: "You do not have that many to send back.",
  PAYMENT_DISPUTED: "Your bank has taken this money back already.",
  NOT_SHIPPED_THERE: "The seller does not ship to your address. Choose another one, or take it out.",
  OFFER_ENDED: "The offer has just ended. You were not charged.",
  PRICE_BELOW_FLOOR: "The merchant does not sell this at that price any more. You were not charged.",
  TOO_CHEAP: "This is less than a card payment can be. Take a little more. You were not charged.",
  NOT_PAYABLE: "This sum cannot be paid in this currency. You were not charged.",
  PREORDER_SEPARATELY: "A pre-order is paid when it ships. Buy it separately, from one seller at a time.",
  PREORDER_TOO_EARLY: (data) =>
    data.opens_at
      ? `Pre-orders for this are taken from ${new Date(data.opens_at).toLocaleString(undefined, { dateStyle: "long", timeStyle: "short" })}.`
      : "This cannot be ordered yet.",
  COUPON_ENDED: "This coupon is over.",
  COUPON_GONE: "All of these coupons are claimed: somebody was a moment faster.",
  UNKNOWN_COUPON: "This coupon is not for this show.",
  OFFER_MISMATCH: "The offer does not apply to this choice. You were not charged.",
  PRICE_CHANGED: "The price has changed in the meantime. Look at the new total, then press pay again.",
  CUSTOMER_LIMIT: (data) =>
    `At this price it is ${data.per_buyer ?? "a few"} per person, and you have yours already.`,
  HOLD_EXPIRED: "The time to pay is over, and the pieces went back on sale.",
  CART_CONFLICT: "Your cart was changed on another screen. Here is how it is now.",
  PAYMENT_DECLINED: "Your bank declined the card. You were not charged.",
  CARD_REQUIRED: "Add a card first.",
  RETRY_TOO_LATE: "That was too long ago. Buy it again at today's price.",
  TOO_MANY_ATTEMPTS: "This was declined too often. Buy it again.",
  ADDRESS_REQUIRED: "Add a delivery address first.",
  NOT_FOR_SALE: "This is not for sale right now.",
  STREAM_NOT_LIVE: "The show is not live right now.",
  MIXED_CURRENCIES: "Products in different currencies have to be paid one currency at a time.",
  IDEMPOTENCY_MISMATCH: "This purchase was sent before in another form. Start again, please.",
  IN_PROGRESS: "This is being worked on. One moment.",
  UNAVAILABLE: "The shop is very busy. Nothing was charged; try again in a moment.",
  INTERNAL: "Something went wrong on our side. Try again in a moment.",
};

/**
 * Say what went wrong.
 * @param {any} error A Refused, NoAnswer or programming error.
 * @returns {string}
 */
export function sentence(error) {
  const known = SENTENCES[error?.code];
  if (typeof known === "function") return known(error.data ?? {});
  if (known) return known;
  if (error?.code && error.message) return error.message;
  return "Something went wrong. Try again in a moment.";
}
