/** One purchase as it is now, kept up to date until its end, with what the buyer can do about it. */

import { call } from "../commerce/api.js";
import { fill, h, icon, say } from "../commerce/dom.js";
import { nameOf } from "../commerce/cards.js";
import * as money from "../commerce/money.js";
import { sentence } from "../commerce/sentences.js";
import { busy } from "../commerce/sheet.js";
import { aftersalesOf } from "./aftersales.js";
import { chargeRows } from "./charges.js";
import { chooseCard } from "./party.js";
import { canPayAgain, isOpen, wordsFor } from "./status.js";

const FOLLOW_UP_MS = 8000;

/**
 * @param {string} id
 * @param {import("./checkout.js").Shop} shop
 * @param {{close: () => void}} parts
 */
export function purchasePanel(id, shop, { close }) {
  const { show, session } = shop;
  const mark = h("span", { class: "panel__mark" });
  const title = h("p", { class: "panel__title" });
  const text = h("p", { class: "panel__text" });
  const lines = h("div", { class: "rows" });
  const wrong = h("p", { class: "form__wrong", role: "alert", hidden: true });
  const element = h(
    "div",
    { class: "panel", data: { purchase: id } },
    h("div", { class: "panel__head", role: "status" }, mark, title, text),
    wrong,
    lines,
  );
  const buttons = h("div", { class: "panel__buttons" });

  const another = h(
    "button",
    { class: "button button--main button--wide", type: "button" },
    "Use another card",
  );
  const bank = h(
    "button",
    { class: "button button--main button--wide", type: "button" },
    "Confirm with your bank",
  );
  const done = h(
    "button",
    { class: "button button--wide", type: "button", on: { click: close } },
    "Back to the show",
  );

  /** @param {() => Promise<void>} run */
  const attempt = async (run) => {
    wrong.hidden = true;
    try {
      await run();
    } catch (error) {
      wrong.textContent = sentence(error);
      wrong.hidden = false;
    }
  };
  another.addEventListener("click", () =>
    busy(another, () =>
      attempt(async () => {
        await session.load();
        if (await chooseCard(session, () => {})) await payAgain(id, shop);
      }),
    ),
  );
  bank.addEventListener("click", () => busy(bank, () => attempt(() => askAgain(id, shop))));

  let drawn = "";
  const stop = show.watch(["purchases"], () => {
    const purchase = show.purchases.get(id);
    if (!purchase) return;
    const words = wordsFor(purchase);
    const key = `${purchase.version} ${words.title}`;
    if (key === drawn) return;
    drawn = key;
    element.dataset.status = purchase.status;
    element.className = `panel panel--${words.tone}`;
    fill(mark, icon(words.icon));
    say(title, words.title);
    say(text, words.text);
    fill(lines, purchaseLines(purchase, (order) => aftersalesOf(order, purchase, shop, attempt)));
    fill(buttons, canPayAgain(purchase) && another, purchase.status === "action_required" && bank, done);
  });
  return { element, buttons, stop };
}

/**
 * Charge a declined purchase again, with the card that now pays. The units are taken anew, so they may be gone.
 * @param {string} id
 * @param {import("./checkout.js").Shop} shop
 */
export async function payAgain(id, shop) {
  const purchase = await call(`purchases/${id}/pay`, {
    method: "POST",
    body: { card: shop.session.card?.id ?? null },
  });
  shop.show.keepPurchase(purchase);
  followUp(purchase, shop);
}

/**
 * Ask once more by HTTP when the outcome has not come by itself in good time.
 * @param {any} purchase
 * @param {import("./checkout.js").Shop} shop
 */
export function followUp({ id }, { show }) {
  setTimeout(async () => {
    const known = show.purchases.get(id);
    if (known && isOpen(known)) show.keepPurchase(await call(`purchases/${id}`).catch(() => known));
  }, FOLLOW_UP_MS);
}

/**
 * Bring the bank's question back, after its window was closed or the page reloaded: asking for the status sends it anew.
 * @param {string} id
 * @param {import("./checkout.js").Shop} shop
 */
export async function askAgain(id, { room, show }) {
  show.keepPurchase(await room.command("purchase.status", { purchase: id }));
}

/**
 * The lines of a purchase, by the merchant who sends them, each order with what follows it.
 * @param {import("./status.js").Purchase} purchase
 * @param {(order: any) => HTMLElement | null} after
 */
function purchaseLines(purchase, after) {
  return [
    ...purchase.orders.map((order) =>
      h(
        "div",
        { class: "order" },
        h("p", { class: "order__merchant" }, `From ${order.merchant.name}`),
        order.lines.map((/** @type {any} */ line) =>
          h(
            "p",
            { class: "order__line" },
            h("span", {}, line.quantity > 1 && `${line.quantity} × `, line.title),
            h("span", {}, money.show(line.amount)),
          ),
        ),
        chargeRows([order], "order__line order__line--charge"),
        order.shipments.map((/** @type {any} */ parcel) => shipmentLine(parcel, order)),
        after(order),
      ),
    ),
    h(
      "p",
      { class: "order__line order__line--total" },
      h("span", {}, "Total"),
      h("strong", {}, money.show(purchase.total)),
    ),
    purchase.card && h("p", { class: "note" }, `Card: ${nameOf(purchase.card)}`),
  ];
}

/**
 * A parcel, and of what it has only a part, that part.
 * @param {any} parcel
 * @param {any} order
 */
function shipmentLine({ carrier, tracking_number: number, tracking_url: url, delivered_at: there, lines }, order) {
  const words = [carrier, number].filter(Boolean).join(" ");
  const all = order.shipments.length === 1 && order.status !== "partly_shipped";
  const titles = new Map(order.lines.map((/** @type {any} */ line) => [line.id, line.title]));
  const inside = all
    ? ""
    : lines.map((/** @type {any} */ one) => `${one.quantity} × ${titles.get(one.line) ?? "?"}`).join(", ");
  // The address comes from a merchant's system; only ordinary web addresses become links.
  const link = /^https?:\/\//i.test(url ?? "");
  return h(
    "p",
    { class: "order__parcel" },
    icon(there ? "check" : "truck"),
    link
      ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, `Track it: ${words}`)
      : `${there ? "Delivered by" : "Sent with"} ${words}`,
    inside && ` (${inside})`,
    link && there ? " Delivered" : "",
  );
}
