/** A purchase in words. */

/**
 * @typedef {{id: string, key: string, status: string, version: number, total: import("../commerce/money.js").Money,
 *   reason: string | null, message: string | null, card: {brand: string, last4: string} | null,
 *   hold_until: number | null, retry_until: number | null, stream: string | null, orders: any[]}} Purchase
 */

/** @type {Record<string, {title: string, text: string, tone: "wait" | "good" | "bad", icon: string}>} */
const WORDS = {
  accepted: { title: "It's yours", text: "Taking the payment…", tone: "wait", icon: "clock" },
  action_required: {
    title: "Your bank wants to see you",
    text: "Confirm the payment to keep your pieces.",
    tone: "wait",
    icon: "bank",
  },
  authorized: {
    title: "Pre-ordered",
    text: "Your card is charged when it ships.",
    tone: "good",
    icon: "check",
  },
  paid: { title: "Paid", text: "On its way to you soon.", tone: "good", icon: "check" },
  partly: { title: "Shipped in part", text: "A parcel is on its way, the rest follows.", tone: "good", icon: "truck" },
  shipped: { title: "Shipped", text: "The parcel is on its way.", tone: "good", icon: "truck" },
  delivered: { title: "Delivered", text: "Your parcel is there.", tone: "good", icon: "check" },
  gone: { title: "Cancelled", text: "Your money goes back to your card.", tone: "bad", icon: "close" },
  declined: { title: "Card declined", text: "You were not charged.", tone: "bad", icon: "alert" },
  expired: {
    title: "Not paid in time",
    text: "You were not charged, and the pieces went back on sale.",
    tone: "bad",
    icon: "clock",
  },
  cancelled: { title: "Cancelled", text: "You were not charged.", tone: "bad", icon: "close" },
};

/** @param {Purchase & {waiting?: {place: number, about_seconds: number | null}}} purchase */
export function wordsFor(purchase) {
  if (purchase.status === "accepted" && purchase.waiting)
    return { ...WORDS.accepted, text: whenFor(purchase.waiting) };
  const words = WORDS[way(purchase) ?? purchase.status] ?? WORDS.accepted;
  if (purchase.status !== "declined") return words;
  const kept = purchase.retry_until ? ` Your pieces are kept for another card until ${clock(purchase.retry_until)}.` : "";
  if (!purchase.message) return { ...words, text: words.text + kept };
  // Some of the provider's messages speak to programmers.
  const reason = /PaymentIntent|PaymentMethod|_/.test(purchase.message)
    ? "Your bank did not confirm the payment."
    : purchase.message;
  return { ...words, text: `${reason} You were not charged.${kept}` };
}

/** How far a paid purchase has come; null while nothing of it is on its way. @param {Purchase} purchase */
function way({ status, orders }) {
  if (status !== "paid" || !orders.length) return null;
  const kept = orders.filter((one) => one.status !== "cancelled");
  if (!kept.length) return "gone";
  if (kept.every((one) => one.status === "delivered")) return "delivered";
  if (kept.every((one) => one.status === "shipped" || one.status === "delivered")) return "shipped";
  return kept.some((one) => one.status !== "open") ? "partly" : null;
}

/** @param {number} at in milliseconds */
function clock(at) {
  return new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** How long she waits for the charge. @param {{place: number, about_seconds: number | null}} waiting */
function whenFor({ place, about_seconds: seconds }) {
  const line = `You are number ${place.toLocaleString()} in line for payment`;
  if (seconds === null) return `${line}. Your pieces are kept for you meanwhile.`;
  const about = seconds < 90 ? `${Math.ceil(seconds / 5) * 5} seconds` : `${Math.round(seconds / 60)} minutes`;
  return `${line}: about ${about}. Your pieces are kept for you.`;
}

/** Whether something is still to come. @param {Purchase} purchase */
export function isOpen(purchase) {
  return purchase.status === "accepted" || purchase.status === "action_required";
}

/** Whether another card may still pay for it. @param {Purchase} purchase */
export function canPayAgain(purchase) {
  return purchase.status === "declined";
}

/** @param {Purchase} purchase */
export function linesOf(purchase) {
  return purchase.orders.flatMap((one) => one.lines);
}

/** Every newest first: ids grow with time. @param {Iterable<Purchase>} purchases */
export function newestFirst(purchases) {
  return [...purchases].sort((a, b) => (a.id < b.id ? 1 : -1));
}
