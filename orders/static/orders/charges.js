/** Shipping and tax: what the shop says a purchase costs beside its goods, and the rows that say so. */

import { call } from "../commerce/api.js";
import { h } from "../commerce/dom.js";
import * as money from "../commerce/money.js";

/**
 * @typedef {import("../commerce/money.js").Money} Money
 * @typedef {{name: string, bp: number, amount: Money}} Tax
 * @typedef {{merchant: {id: string, name?: string} | string, shipping: {name: string, amount: Money} | null, taxes: Tax[],
 *   tax_on_top: boolean, days?: number[] | null, free_from?: Money | null}} Charged
 * @typedef {{of: string, total: Money, off: number, orders: Charged[]}} Said
 * @typedef {{lines: {variant: string, quantity: number, offer: string | null}[], coupon: string | null,
 *   stream: string | null}} Asked
 */

/** @param {Charged} order */
const charges = (order) => Boolean(order.shipping) || order.taxes.length > 0;

/** Merchants of whom the shop has said that they charge nothing beside their goods. @type {Set<string>} */
const free = new Set();

/**
 * Ask the shop what these lines would cost. Null where it is known that nothing comes on top.
 * @param {Asked} asked
 * @param {string} of What the answer is of, in the caller's words.
 * @param {(string | undefined)[]} merchants
 * @returns {Promise<Said | null>}
 */
export async function quote(asked, of, merchants) {
  if (merchants.every((one) => one && free.has(one))) return null;
  const found = await call("purchases/quote", { method: "POST", body: asked });
  for (const order of found.orders) if (!charges(order)) free.add(order.merchant.id);
  const off = found.lines.reduce((/** @type {number} */ sum, /** @type {any} */ line) => sum + line.discount.amount, 0);
  return { of, total: found.total, off, orders: found.orders };
}

/**
 * What a refused purchase said that it would cost.
 * @param {string} of
 * @param {Record<string, any>} data
 * @returns {Said}
 */
export function said(of, { total, lines = [], orders = [] }) {
  const off = lines.reduce((/** @type {number} */ sum, /** @type {any} */ line) => sum + (line.discount ?? 0), 0);
  return { of, total, off, orders };
}

/**
 * Rows of shipping and tax, between the goods and their total.
 * @param {Charged[]} orders
 * @param {string} kind Class of a row.
 */
export function chargeRows(orders, kind) {
  const several = orders.length > 1;
  return orders.filter(charges).flatMap((order) => {
    const from = several && typeof order.merchant === "object" && order.merchant.name ? `, ${order.merchant.name}` : "";
    const rows = [];
    if (order.shipping) {
      const days = order.days ? ` (${daysOf(order.days)})` : "";
      const amount = order.shipping.amount.amount ? money.show(order.shipping.amount) : "Free";
      rows.push(row(kind, `${order.shipping.name}${from}${days}`, amount));
    }
    for (const tax of order.taxes) {
      const name = `${tax.name} ${tax.bp / 100} %${from}`;
      rows.push(row(kind, order.tax_on_top ? name : `Including ${name}`, money.show(tax.amount)));
    }
    return rows;
  });
}

/** @param {number[]} days */
function daysOf([least, most]) {
  if (least === most) return least === 1 ? "1 day" : `${least} days`;
  return `${least}–${most} days`;
}

/** @param {string} kind @param {string} words @param {string} amount */
function row(kind, words, amount) {
  return h("p", { class: kind }, h("span", {}, words), h("span", {}, amount));
}
