/** Money on the page: integer minor units with a currency, as the server sends it. */

/** @typedef {{amount: number, currency: string}} Money */

const locale = document.documentElement.lang || "en-GB";

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/**
 * Say an amount of money, such as "€19.99".
 * @param {Money} money
 */
export function show(money) {
  let format = formats.get(money.currency);
  if (!format) {
    format = new Intl.NumberFormat(locale, { style: "currency", currency: money.currency });
    formats.set(money.currency, format);
  }
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(money.amount / 10 ** digits);
}

/**
 * @param {Money} money
 * @param {number} quantity
 * @returns {Money}
 */
export function times(money, quantity) {
  return { amount: money.amount * quantity, currency: money.currency };
}

/**
 * Add amounts of one currency.
 * @param {Money[]} amounts
 * @returns {Money}
 */
export function sum(amounts) {
  return { amount: amounts.reduce((all, one) => all + one.amount, 0), currency: amounts[0].currency };
}
