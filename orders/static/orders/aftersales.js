/** What a buyer can do about an order afterwards: cancel it, ask to, or send goods back; and how that stands. */

import { call, uuid } from "../commerce/api.js";
import { fill, h } from "../commerce/dom.js";
import * as money from "../commerce/money.js";
import { busy } from "../commerce/sheet.js";

/** @type {Record<string, string>} */
const REASONS = {
  changed_mind: "I changed my mind",
  damaged: "It is damaged",
  wrong_item: "It is not what I bought",
  not_as_shown: "It is not as it was shown",
  too_late: "It came too late",
  other: "Something else",
};

/** @type {Record<string, string>} */
const RETURNS = {
  asked: "Return asked for. The seller will answer.",
  approved: "Return approved. Send it back.",
  refused: "Return refused.",
  received: "The seller has your parcel.",
  refunded: "Returned, and the money goes back.",
  lapsed: "Your parcel never came, so this return has ended. Ask the seller if you have sent it.",
};

/** @typedef {(run: () => Promise<void>) => Promise<void>} Attempt */

/**
 * What happened to an order after it was sold, and the buttons for what may still be done.
 * @param {any} order
 * @param {import("./status.js").Purchase} purchase
 * @param {import("./checkout.js").Shop} shop
 * @param {Attempt} attempt
 */
export function aftersalesOf(order, purchase, shop, attempt) {
  const after = order.aftersales;
  if (!after) return null;
  const place = h("div", { class: "after__place" });
  const path = `purchases/${purchase.id}/orders/${order.id}`;
  /** @param {string} verb @param {any} body */
  const send = (verb, body) =>
    attempt(async () =>
      shop.show.keepPurchase(await call(`${path}/${verb}`, { method: "POST", body, key: uuid() })),
    );
  const { cancel, back } = choices(order);
  return h(
    "div",
    { class: "after", data: { order: order.id } },
    order.status === "cancelled" && h("p", { class: "note" }, "Cancelled."),
    after.refunded.amount > 0 && h("p", { class: "after__refunded" }, refundedWords(after)),
    after.cancellation && h("p", { class: "note" }, cancellationWords(after.cancellation)),
    after.returns.map((/** @type {any} */ one) =>
      h("p", { class: "note" }, [RETURNS[one.status], one.answer && `“${one.answer}”`].filter(Boolean).join(" ")),
    ),
    place,
    cancel &&
      h(
        "button",
        { class: "button button--small", type: "button", on: { click: () => fill(place, cancelForm(cancel, place, send)) } },
        cancel === "now" ? "Cancel this order" : "Ask to cancel",
      ),
    back &&
      h(
        "button",
        { class: "button button--small", type: "button", on: { click: () => fill(place, returnForm(order, place, send)) } },
        "Send something back",
      ),
  );
}

/**
 * What may still be done with an order.
 * @param {any} order
 * @param {number} [now]
 * @returns {{cancel: "now" | "ask" | null, back: boolean}}
 */
export function choices(order, now = Date.now()) {
  const after = order.aftersales;
  const cancel =
    order.status !== "open" || after.cancellation
      ? null
      : after.cancel_until && now < after.cancel_until
        ? "now"
        : "ask";
  const left = order.lines.some((/** @type {any} */ line) => leftOf(order, line) > 0);
  return { cancel, back: Boolean(after.return_until && now < after.return_until && left) };
}

/**
 * Units of a line that were neither paid back nor are on their way back.
 * @param {any} order
 * @param {any} line
 */
export function leftOf(order, line) {
  const { lines, returns } = order.aftersales;
  const gone = lines.find((/** @type {any} */ one) => one.line === line.id)?.quantity ?? 0;
  const coming = returns
    .filter((/** @type {any} */ one) => ["asked", "approved", "received"].includes(one.status))
    .flatMap((/** @type {any} */ one) => one.lines)
    .filter((/** @type {any} */ one) => one.line === line.id)
    .reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.quantity, 0);
  return line.quantity - gone - coming;
}

/** @param {any} after */
function refundedWords(after) {
  const paid = after.refunds.length > 0 && after.refunds.every((/** @type {any} */ one) => one.status !== "owed");
  const sum = money.show(after.refunded);
  return paid ? `${sum} went back to your card.` : `${sum} goes back to your card.`;
}

/** @param {any} wish */
function cancellationWords(wish) {
  if (wish.status === "asked") return "You asked to cancel. The seller will answer.";
  if (wish.status === "granted") return "The seller cancelled it as you asked.";
  return ["The seller did not cancel it.", wish.answer && `“${wish.answer}”`].filter(Boolean).join(" ");
}

/** @param {"now" | "ask"} how @param {Element} place @param {(verb: string, body: any) => Promise<void>} send */
function cancelForm(how, place, send) {
  const words =
    how === "now" ? "It is cancelled at once, and you get your money back." : "The seller decides about it.";
  const yes = h(
    "button",
    { class: "button button--ink", type: "button" },
    how === "now" ? "Yes, cancel it" : "Ask the seller",
  );
  yes.addEventListener("click", () => busy(yes, () => send("cancel", { reason: "" })));
  return [h("p", {}, words), h("div", { class: "after__buttons" }, yes, keep(place))];
}

/** @param {any} order @param {Element} place @param {(verb: string, body: any) => Promise<void>} send */
function returnForm(order, place, send) {
  const lines = order.lines.filter((/** @type {any} */ line) => leftOf(order, line) > 0);
  const units = lines.map((/** @type {any} */ line) => {
    const most = leftOf(order, line);
    const input = h("input", {
      class: "field__input",
      type: "number",
      min: 0,
      max: most,
      value: lines.length === 1 ? String(most) : "0",
      inputmode: "numeric",
    });
    return { line, input, label: h("label", { class: "after__units" }, h("span", {}, line.title), input) };
  });
  const reason = h(
    "select",
    { class: "field__input" },
    Object.entries(REASONS).map(([value, words]) => h("option", { value }, words)),
  );
  const note = h("textarea", { class: "field__input", rows: 2, maxlength: 500 });
  const yes = h("button", { class: "button button--main", type: "button" }, "Ask to send it back");
  yes.addEventListener("click", () =>
    busy(yes, () =>
      send("returns", {
        lines: units
          .map((/** @type {any} */ { line, input }) => ({ line: line.id, quantity: Number(input.value) || 0 }))
          .filter((/** @type {any} */ one) => one.quantity > 0),
        reason: reason.value,
        note: note.value,
      }),
    ),
  );
  return [
    units.map((/** @type {any} */ one) => one.label),
    h("label", { class: "after__field" }, h("span", {}, "Why?"), reason),
    h("label", { class: "after__field" }, h("span", {}, "Tell the seller more (optional)"), note),
    h("div", { class: "after__buttons" }, yes, keep(place)),
  ].flat();
}

/** @param {Element} place */
function keep(place) {
  return h("button", { class: "button", type: "button", on: { click: () => fill(place) } }, "Never mind");
}
