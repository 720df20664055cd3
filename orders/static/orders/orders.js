/** My orders: every purchase with its status as it changes, in a sheet, and a short word on the stage when one moves. */

import { call } from "../commerce/api.js";
import { fill, h, icon, keyed, say } from "../commerce/dom.js";
import * as money from "../commerce/money.js";
import { sentence } from "../commerce/sentences.js";
import { Sheet } from "../commerce/sheet.js";
import { picture } from "../streams/showcase.js";
import { purchasePanel } from "./panel.js";
import { isOpen, linesOf, newestFirst, wordsFor } from "./status.js";

/** @typedef {import("./checkout.js").Shop} Shop */

const POLL_MS = 4000;

/**
 * Read the latest purchases over HTTP.
 * @param {Shop} shop
 */
export async function readPurchases({ show, session }) {
  if (!session.me) return;
  const page = await call("purchases");
  for (const purchase of page.results) show.keepPurchase(purchase);
}

/** @param {Shop} shop */
export function openOrders(shop) {
  const { show } = shop;
  const wrong = h("p", { class: "form__wrong", role: "alert", hidden: true });
  const list = h("ul", { class: "rows" });
  const nothing = h(
    "div",
    { class: "nothing" },
    icon("bag"),
    h("p", { class: "nothing__title" }, "No orders yet"),
    h("p", {}, "What you buy shows up here, with its status."),
  );
  const sheet = new Sheet({ title: "My orders", name: "orders", onClose: () => stop() });
  sheet.show(wrong, list, nothing);
  const stop = show.watch(["purchases"], () => {
    const purchases = newestFirst(show.purchases.values());
    keyed(
      list,
      purchases,
      (one) => one.id,
      (one) => makeRow(one, shop),
      (element, one) => updateRow(element, one, shop),
    );
    nothing.hidden = purchases.length > 0;
  });
  sheet.open();
  readPurchases(shop).catch((error) => {
    wrong.textContent = sentence(error);
    wrong.hidden = false;
  });
}

/** @param {any} purchase @param {Shop} shop */
function makeRow(purchase, shop) {
  return h(
    "li",
    {},
    h(
      "button",
      { class: "row bought", type: "button", on: { click: () => openPurchase(purchase.id, shop) } },
      h("span", { class: "bought__picture" }),
      h(
        "span",
        { class: "row__main" },
        h("span", { class: "row__title bought__title" }),
        h("span", { class: "row__text bought__state" }),
      ),
      h("span", { class: "bought__total" }),
    ),
  );
}

/** @param {HTMLElement} element @param {any} purchase @param {Shop} shop */
function updateRow(element, purchase, { show }) {
  const lines = linesOf(purchase);
  const find = (/** @type {string} */ name) =>
    /** @type {HTMLElement} */ (element.querySelector(`.bought__${name}`));
  const words = wordsFor(purchase);
  const image = lines[0] ? (show.find(lines[0].variant)?.item.product.image ?? null) : null;
  if (find("picture").dataset.url !== String(image)) {
    find("picture").dataset.url = String(image);
    fill(find("picture"), picture(image, "line__picture"));
  }
  say(
    find("title"),
    lines.length > 1 ? `${lines[0].title} and ${lines.length - 1} more` : (lines[0]?.title ?? "Purchase"),
  );
  say(find("total"), money.show(purchase.total));
  find("state").className = `row__text bought__state bought__state--${words.tone}`;
  say(find("state"), words.title);
  element.dataset.status = purchase.status;
}

/**
 * One purchase in a sheet of its own.
 * @param {string} id
 * @param {Shop} shop
 */
export function openPurchase(id, shop) {
  const sheet = new Sheet({ title: "Your purchase", name: "purchase", onClose: () => panel.stop() });
  const panel = purchasePanel(id, shop, { close: () => sheet.close() });
  sheet.show(panel.element).footer(panel.buttons).open();
}

/**
 * Say on the stage when a purchase moved, and ask by HTTP while the socket is away and something is still open.
 * @param {import("../commerce/toast.js").Toaster} toaster
 * @param {Shop} shop
 */
export function announcePurchases(toaster, shop) {
  const { show, room } = shop;
  /** @type {Map<string, string>} */
  const told = new Map();
  let first = true;

  show.watch(["purchases"], () => {
    for (const purchase of show.purchases.values()) {
      const words = wordsFor(purchase);
      const before = told.get(purchase.id);
      told.set(purchase.id, words.title);
      if (first || before === words.title || (before === undefined && !isOpen(purchase))) continue;
      // Whoever looks at the purchase sees it move.
      if (document.querySelector(`dialog[open] [data-purchase="${purchase.id}"]`)) continue;
      const text = linesOf(purchase)[0]?.title;
      toaster.show({ ...words, text, action: { label: "View", run: () => openPurchase(purchase.id, shop) } });
    }
    first = false;
  });

  setInterval(() => {
    const waiting = [...show.purchases.values()].some(isOpen);
    if (waiting && !room.online && navigator.onLine) readPurchases(shop).catch(() => {});
  }, POLL_MS);
}
